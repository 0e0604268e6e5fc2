/** mediasoup-client, whose transports keep their connections to themselves: the reporter reads their public statistics. */
import type { Consumer, Producer, Transport } from 'mediasoup-client/types';
import type { Reporter } from '../reporter.ts';

/**
 * Call it right after creating a transport, once for the one that sends and once for the one that receives.
 * @param sessionOf the `sessionId` of who produces what a consumer receives, for example out of its `appData`
 * @example
 * const transport = device.createRecvTransport(parameters);
 * reportTransport(reporter, transport, ({ appData }) => appData.sessionId as string);
 * await transport.consume({ id, producerId, kind, rtpParameters, appData: { sessionId } });
 */
export function reportTransport(
  reporter: Reporter,
  transport: Transport,
  sessionOf: (consumer: Consumer) => string | undefined = () => undefined,
): void {
  const events = new EventTarget();
  const consumers = new Map<string, Consumer>();
  const producers = new Set<Producer>();
  transport.on('connectionstatechange', () => events.dispatchEvent(new Event('connectionstatechange')));
  transport.observer.on('newconsumer', (consumer) => {
    const { track, observer } = consumer;
    consumers.set(track.id, consumer);
    observer.on('close', () => consumers.delete(track.id));
    events.dispatchEvent(Object.assign(new Event('track'), { track }));
  });
  transport.observer.on('newproducer', (producer) => {
    producers.add(producer);
    producer.observer.on('close', () => producers.delete(producer));
  });
  reporter.addPeerConnection(
    {
      get connectionState() {
        return transport.connectionState;
      },
      getStats: () => transport.getStats(),
      getReceivers: () => [],
      getTransceivers: () =>
        [...producers].map(({ track, paused }) => ({
          sender: { track },
          currentDirection: paused ? 'inactive' : 'sendonly',
        })),
      addEventListener: events.addEventListener.bind(events),
    },
    {
      peerOf({ trackIdentifier = '' }) {
        const consumer = consumers.get(trackIdentifier);
        return consumer && sessionOf(consumer);
      },
    },
  );
}
