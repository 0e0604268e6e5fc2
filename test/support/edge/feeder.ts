/** Puts batches on the subjects of the edge, as Forwarders do, without an edge. */
import { connect, type JetStreamManager } from 'nats';
import type { Beacon } from '../../../shared/beacon.ts';
import { encodeEntry, encodeEnvelope } from '../../../shared/envelope.ts';
import { edgeSubject } from '../../../shared/subjects.ts';
import { edgeCounters, validEntry } from './beacon.ts';

export type Feeder = {
  readonly jsm: JetStreamManager;
  /** One batch with one beacon for each override; resolves when NATS has stored it. */
  send(place: { region?: string; lane?: string }, ...beacons: Partial<Beacon>[]): Promise<void>;
  /** Sends a beacon with the next `seq` of each session again and again, until it is stopped. */
  keepAlive(place: { region?: string; lane?: string }, sessions: readonly string[], everyMs?: number): () => void;
  close(): Promise<void>;
};

/** Keeps its connection over restarts of the server. */
export async function startFeeder(natsUrl: string, login: { user?: string; pass?: string } = {}): Promise<Feeder> {
  const connection = await connect({
    ...login,
    servers: natsUrl,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    noAsyncTraces: true,
  });
  const jetStream = connection.jetstream({ timeout: 2_000 });
  let batch = 0;
  const feeder: Feeder = {
    jsm: await connection.jetstreamManager({ checkAPI: false }),
    async send({ region = 'apac', lane = 'f00' }, ...beacons) {
      const edge = edgeCounters({ epoch: `feeder-${region}-${lane}`, batch: batch++ });
      const entries = beacons.map((beacon) => encodeEntry(validEntry(beacon, Date.now())));
      await jetStream.publish(edgeSubject(region, lane), encodeEnvelope({ region, lane, edge }, entries));
    },
    keepAlive(place, sessions, everyMs = 200) {
      let seq = 1;
      const timer = setInterval(() => {
        const beacons = sessions.map((session_id) => ({ session_id, seq }));
        seq++;
        // What is lost to a dead server is what the tests that kill it are about.
        feeder.send(place, ...beacons).catch(() => undefined);
      }, everyMs);
      return () => clearInterval(timer);
    },
    close: () => connection.close(),
  };
  return feeder;
}
