/** Puts batches on the subjects of the edge, as Forwarders do, without an edge. */
import { connect, type JetStreamManager } from 'nats';
import { encodeEntry, joinBatch } from '../../../shared/batch.ts';
import type { Beacon } from '../../../shared/beacon.ts';
import { encodeForwarderCounters, type ForwarderCounters } from '../../../shared/forwarder-counters.ts';
import { edgeSubject, forwarderSubject } from '../../../shared/subjects.ts';
import { forwarderCounters, validEntry } from './beacon.ts';

export type Message = { readonly subject: string; readonly data: Uint8Array };

/** What one Forwarder has said of itself and its batches, wherever it publishes them. */
export type FeederAccount = {
  readonly epoch: string;
  /** The next batch of a lane, with one beacon for each override. */
  batch(place: { region?: string; lane?: string }, ...beacons: Partial<Beacon>[]): Message;
};

export type Feeder = {
  readonly jsm: JetStreamManager;
  /** One batch with one beacon for each override; resolves when NATS has stored it. */
  send(place: { region?: string; lane?: string }, ...beacons: Partial<Beacon>[]): Promise<void>;
  /** Resolves when NATS has stored it. */
  put(message: Message): Promise<void>;
  /** One message that is no batch, on any subject; resolves when NATS has stored it. */
  publish(subject: string): Promise<void>;
  /** The counters that the region's Forwarder publishes. */
  report(region: string, counters: Partial<ForwarderCounters>): Promise<void>;
  /** Sends a beacon with the next `seq` of each session again and again, until it is stopped. */
  keepAlive(place: { region?: string; lane?: string }, sessions: readonly string[], everyMs?: number): () => void;
  close(): Promise<void>;
};

export function createFeederAccount(): FeederAccount {
  const epoch = `feeder-${Date.now()}`;
  const accepted = new Map<string, number>();
  return {
    epoch,
    batch({ region = 'apac', lane = 'f00' }, ...beacons) {
      const subject = edgeSubject(region, lane);
      const total = (accepted.get(subject) ?? 0) + beacons.length;
      accepted.set(subject, total);
      const header = { slot: 0, epoch, accepted: total, sentAtMs: Date.now() };
      const entries = beacons.map((beacon) => encodeEntry(validEntry(beacon, Date.now())));
      return { subject, data: joinBatch(header, entries) };
    },
  };
}

/**
 * Keeps its connection over restarts of the server.
 * @param account of a Forwarder that publishes in several places; by default, its own
 */
export async function startFeeder(
  natsUrl: string,
  login: { user?: string; pass?: string; inboxPrefix?: string } = {},
  account: FeederAccount = createFeederAccount(),
): Promise<Feeder> {
  const connection = await connect({
    ...login,
    servers: natsUrl,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    noAsyncTraces: true,
  });
  const jetStream = connection.jetstream({ timeout: 2_000 });
  const { epoch } = account;
  const feeder: Feeder = {
    jsm: await connection.jetstreamManager({ checkAPI: false }),
    send: (place, ...beacons) => feeder.put(account.batch(place, ...beacons)),
    async put({ subject, data }) {
      await jetStream.publish(subject, data);
    },
    async publish(subject) {
      await jetStream.publish(subject, new Uint8Array());
    },
    async report(region, counters) {
      const message = forwarderCounters({ epoch, sentAtMs: Date.now(), ...counters });
      await jetStream.publish(forwarderSubject(region, message.slot), encodeForwarderCounters(message));
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
