/**
 * The feed: every message of our regions and lanes, in order, for as long as the process lives.
 * With link.ts, stream.ts and ordered-consumer.ts it is all that knows NATS. It says which
 * regions can be heard now; what silence means is the store's.
 *
 * One consumer for each region, or for each owned lane when there are shards: nats-server before
 * 2.10 has no consumers with several filters. A consumer that ends, for whatever reason, is
 * followed by another that begins after the last message that was taken in.
 */
import { type JetStreamManager, type NatsConnection, NatsError } from 'nats';
import type { Logger } from 'pino';
import { type Shard, STREAM } from '../../shared/subjects.ts';
import { INBOX_PREFIX, keepLink, type NatsAccess, pause } from './connection.ts';
import { createTracks, startOf, type Track } from './cursor.ts';
import { type OrderedConsumer, openConsumer } from './ordered-consumer.ts';
import { createStream, inspectStream, isStreamMissing, MAX_BYTES } from './stream.ts';
import { createIntake } from './work-queue.ts';

/** `replaying`: heard, but what was missed has not all come yet. */
export type FeedState = 'connecting' | 'replaying' | 'up' | 'down';

export type FeedOptions = {
  readonly access: NatsAccess;
  readonly regions: readonly string[];
  readonly shard: Shard;
  readonly lanes: number;
  readonly ttlSeconds: number;
  readonly log: Logger;
  readonly now: () => number;
  onMessage(subject: string, data: Uint8Array): void;
  onUp(region: string): void;
  /** @param sinceMs when the region was last heard */
  onDown(region: string, sinceMs: number): void;
  /** A bug, ours or a library's. The feed can't be trusted any more: the process must end. */
  onFailure(error: unknown): void;
};

export type Feed = {
  state(region: string): FeedState;
  /** Ends consumers that have gone silent. To be called a few times a second. */
  watch(): void;
  /** The process itself stood still since `sinceMs`: what it missed is fetched before anything is believed. */
  interrupted(sinceMs: number): void;
  stop(): Promise<void>;
};

const REQUEST_TIMEOUT_MS = 3_000;
const RETRY_MS = 500;
const HEARTBEAT_MS = { most: 2_000, least: 250, perTtl: 15 };
/** Two heartbeats in a row missed, and half of one for the way. */
const MISSED_HEARTBEATS = 2.5;

export function startFeed(options: FeedOptions): Feed {
  const { regions, ttlSeconds, log, now } = options;
  const startMs = now() - ttlSeconds * 1000;
  // Silence must be noticed well inside a TTL: what is not heard in the meantime looks like people leaving.
  const heartbeatMs = Math.min(
    HEARTBEAT_MS.most,
    Math.max(HEARTBEAT_MS.least, Math.round((ttlSeconds * 1000) / HEARTBEAT_MS.perTtl)),
  );
  const stopping = new AbortController();
  const intake = createIntake({ onError: options.onFailure });
  const states = new Map<string, FeedState>(regions.map((region) => [region, 'connecting']));
  const tracks = new Map(regions.map((region) => [region, createTracks(region, options)]));
  const allTracks = [...tracks.values()].flat();
  const told = new Map<string, string>();
  let link = Promise.withResolvers<NatsConnection | undefined>();
  let linked = false;
  let creating: Promise<void> | undefined;

  /** Says it again only when it has become something else. */
  function tell(topic: string, what: string, say: () => void): void {
    if (told.get(topic) === what) return;
    told.set(topic, what);
    say();
  }

  function refresh(region: string): void {
    const own = tracks.get(region) ?? [];
    const before = states.get(region);
    let state: FeedState = before === 'connecting' ? 'connecting' : 'down';
    if (own.every((track) => track.open)) state = own.every((track) => track.caughtUp) ? 'up' : 'replaying';
    if (state === before) return;
    states.set(region, state);
    if (state !== 'up') return;
    told.delete(region);
    log.info({ region }, 'feed up');
    options.onUp(region);
  }

  /** From here on the track isn't heard; its loop opens the next consumer. */
  function lose(track: Track, reason: string, sinceMs: number): void {
    if (!track.consumer) return;
    const wasUp = states.get(track.region) === 'up';
    track.consumer.close(reason);
    track.consumer = undefined;
    track.open = false;
    track.caughtUp = false;
    refresh(track.region);
    if (!wasUp || stopping.signal.aborted) return;
    log.warn({ region: track.region, filter: track.filter, reason }, 'feed down');
    options.onDown(track.region, sinceMs);
  }

  /** Reads one track until we stop: opens a consumer, waits for its end, opens the next. */
  async function follow(track: Track): Promise<void> {
    while (!stopping.signal.aborted) {
      const connection = await link.promise;
      if (!connection) return;
      const openedMs = now();
      try {
        await readOnce(track, connection);
        // One that ends as soon as it begins will do so again.
        if (now() - openedMs < RETRY_MS) await pause(RETRY_MS, stopping.signal);
      } catch (error) {
        if (!(error instanceof NatsError)) throw error;
        lose(track, error.code, track.consumer?.heardMs ?? now());
        await recover(track, connection, error);
      }
    }
  }

  async function readOnce(track: Track, connection: NatsConnection): Promise<void> {
    const jsm = await connection.jetstreamManager({ checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
    const consumer = openConsumer({
      connection,
      jsm,
      inboxPrefix: INBOX_PREFIX,
      filter: track.filter,
      start: startOf(track, startMs),
      heartbeatMs,
      intake,
      now,
      onMessage(subject, data, sequence) {
        options.onMessage(subject, data);
        track.lastSeq = sequence;
      },
      onCaughtUp() {
        track.caughtUp = true;
        refresh(track.region);
      },
    });
    track.consumer = consumer;
    await Promise.race([consumer.opened.then(() => confirm(track, consumer, jsm)), consumer.ended]);
    lose(track, await consumer.ended, consumer.heardMs);
  }

  /**
   * Makes sure that the consumer reads the stream that `lastSeq` counts in. Asked after the consumer
   * was made: asked before, a stream that is replaced in between would be read from nowhere.
   */
  async function confirm(track: Track, consumer: OrderedConsumer, jsm: JetStreamManager): Promise<void> {
    const stream = await inspectStream(jsm, options);
    if (track.consumer !== consumer) return;
    tell('stream', stream.faults.join(), () => {
      if (stream.faults.length > 0) log.warn({ stream: STREAM, faults: stream.faults }, 'stream does not fit');
    });
    const isSame = track.stream === undefined || (track.stream === stream.created && stream.lastSeq >= track.lastSeq);
    track.stream = stream.created;
    if (!isSame) {
      track.replaced = true;
      track.lastSeq = 0;
      consumer.close('stream replaced');
      return;
    }
    track.open = true;
    refresh(track.region);
  }

  async function recover(track: Track, connection: NatsConnection, error: NatsError): Promise<void> {
    if (stopping.signal.aborted) return;
    let failure: unknown = error;
    if (isStreamMissing(error)) {
      try {
        creating ??= create(connection).finally(() => {
          creating = undefined;
        });
        return await creating;
      } catch (refusal) {
        failure = refusal;
      }
    }
    if (!(failure instanceof NatsError)) throw failure;
    const reason = failure.api_error?.description ?? failure.message;
    tell(track.region, reason, () => log.warn({ region: track.region, reason }, 'feed cannot be read, trying on'));
    await pause(RETRY_MS, stopping.signal);
  }

  async function create(connection: NatsConnection): Promise<void> {
    const jsm = await connection.jetstreamManager({ checkAPI: false, timeout: REQUEST_TIMEOUT_MS });
    const maxBytes = await createStream(jsm, ttlSeconds);
    log.info({ stream: STREAM, maxBytes }, 'stream created');
    if (maxBytes < MAX_BYTES) log.warn({ stream: STREAM, maxBytes, wanted: MAX_BYTES }, 'nats has little storage');
  }

  const onLink = {
    onUp(connection: NatsConnection) {
      linked = true;
      link.resolve(connection);
    },
    onDown() {
      // Said twice, it must not leave anybody waiting for a promise that was replaced.
      if (linked) link = Promise.withResolvers();
      linked = false;
      for (const track of allTracks) lose(track, 'disconnected', track.consumer?.heardMs ?? now());
    },
  };
  const running = Promise.all([
    keepLink({ access: options.access, log, ...onLink }, stopping.signal),
    ...allTracks.map(follow),
  ]).catch(options.onFailure);

  return {
    state: (region) => states.get(region) ?? 'down',
    watch() {
      for (const track of allTracks) {
        const { consumer } = track;
        if (consumer && now() - consumer.heardMs > MISSED_HEARTBEATS * heartbeatMs)
          lose(track, 'silent', consumer.heardMs);
      }
    },
    interrupted(sinceMs) {
      for (const track of allTracks) lose(track, 'interrupted', sinceMs);
    },
    async stop() {
      stopping.abort();
      link.resolve(undefined);
      for (const track of allTracks) track.consumer?.close('stopping');
      await running;
    },
  };
}
