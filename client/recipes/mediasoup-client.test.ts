import { Device, FakeHandler, testFakeParameters as fake } from 'mediasoup-client';
import type { Consumer, Transport } from 'mediasoup-client/types';
import { describe, expect, it } from 'vitest';
import type { PeerOf } from '../reporter.ts';
import { reportTransport } from './mediasoup-client.ts';
import { createFakeReporter, type FakeReporter } from './testing.ts';

type Added = FakeReporter['added'][number];

/** mediasoup-client as it is, on its own handler for tests, which has no network. */
async function createTransport(direction: 'send' | 'recv'): Promise<Transport> {
  const device = new Device({ handlerFactory: FakeHandler.createFactory(fake) });
  await device.load({ routerRtpCapabilities: fake.generateRouterRtpCapabilities() });
  const parameters = fake.generateTransportRemoteParameters();
  const transport =
    direction === 'send' ? device.createSendTransport(parameters) : device.createRecvTransport(parameters);
  transport.on('connect', (_, done) => done());
  transport.on('produce', (_, done) => done(fake.generateProducerRemoteParameters()));
  return transport;
}

function report(transport: Transport, sessionOf?: (consumer: Consumer) => string | undefined): Added {
  const reporter = createFakeReporter();
  reportTransport(reporter, transport, sessionOf);
  expect(reporter.added).toHaveLength(1);
  return reporter.added[0] as Added;
}

function consume(transport: Transport, sessionId: string): Promise<Consumer> {
  return transport.consume({
    ...fake.generateConsumerRemoteParameters({ codecMimeType: 'audio/opus' }),
    appData: { sessionId },
  });
}

describe('a transport that receives', () => {
  it('names whose media each stream is, by its consumer', async () => {
    const transport = await createTransport('recv');
    const { connection, peerOf } = report(transport, ({ appData }) => appData.sessionId as string);
    const seen: MediaStreamTrack[] = [];
    const { signal } = new AbortController();
    connection.addEventListener('track', (event) => seen.push((event as RTCTrackEvent).track), { signal });
    const [bo, cy] = [await consume(transport, 'bo-1'), await consume(transport, 'cy-1')];
    expect(seen).toEqual([bo.track, cy.track]);
    const owner = (trackIdentifier: string) => (peerOf as PeerOf)({ kind: 'audio', trackIdentifier });
    expect([bo.track.id, cy.track.id, 'other'].map(owner)).toEqual(['bo-1', 'cy-1', undefined]);
    bo.close();
    expect([bo.track.id, cy.track.id].map(owner)).toEqual([undefined, 'cy-1']);
    expect(connection.getTransceivers()).toEqual([]);
  });
});

describe('a transport', () => {
  it('is a connection with its state and statistics', async () => {
    const transport = await createTransport('recv');
    const { connection } = report(transport);
    const states: string[] = [connection.connectionState];
    const { signal } = new AbortController();
    connection.addEventListener('connectionstatechange', () => states.push(connection.connectionState), { signal });
    for (const state of ['connecting', 'connected', 'failed'] as const) {
      (transport.handler as FakeHandler).setConnectionState(state);
    }
    expect(states).toEqual(['new', 'connecting', 'connected', 'failed']);
    expect([...(await connection.getStats()).values()]).toEqual([]);
    transport.close();
    // So the reporter asks it no more, and it would reject.
    expect(connection.connectionState).toBe('closed');
  });

  it('tells what is sent', async () => {
    const transport = await createTransport('send');
    const { connection } = report(transport);
    const sending = () => connection.getTransceivers().map(({ currentDirection }) => currentDirection);
    const recv = await createTransport('recv');
    // The handler's own tracks are the only ones outside a browser.
    const { track } = await consume(recv, 'bo-1');
    const producer = await transport.produce({ track });
    expect(connection.getTransceivers()).toEqual([{ sender: { track }, currentDirection: 'sendonly' }]);
    producer.pause();
    expect(sending()).toEqual(['inactive']);
    producer.resume();
    expect(sending()).toEqual(['sendonly']);
    producer.close();
    expect(sending()).toEqual([]);
  });
});
