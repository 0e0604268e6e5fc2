/**
 * The feed: every message of our regions and lanes, in order, for as long as the process lives. It
 * reports which regions can be heard now; the store decides what silence means for their sessions.
 * In the aggregator only this folder imports the NATS client.
 */
import type { Logger } from 'pino';
import type { ServerType } from '../../shared/beacon.ts';
import type { Shard } from '../../shared/subjects.ts';
import { createChangeFilter } from './change-filter.ts';
import { createBrokerClock } from './clock/broker-clock.ts';
import { createReadPosition, type ReadPosition } from './clock/read-position.ts';
import { createRegionClock, type RegionClock } from './clock/region-clock.ts';
import { createConnector, type NatsAccess } from './connection.ts';
import { createFeedErrors, type FeedErrorCounts } from './feed-errors.ts';
import { type Cursor, createCursors, createForwardersCursor } from './source/cursor.ts';
import type { FeedMessage } from './source/ordered-consumer.ts';
import { createReader, type Reader } from './source/reader.ts';
import { createSourceStatus, type FeedState, type SourceStatus } from './source/source-status.ts';
import { createHistory } from './stream/history.ts';
import { createHealthStream } from './stream/stream.ts';
import { createStreamWatch, type StreamReading } from './stream/stream-watch.ts';
import { createWorkQueue } from './work-queue.ts';

export type FeedOptions = {
  readonly access: NatsAccess;
  readonly regions: readonly string[];
  /** All REGIONS of the topology, whichever of them this process consumes. */
  readonly topologyRegions: readonly string[];
  readonly shard: Shard;
  readonly lanes: number;
  /** Types of media servers whose packets are read as well; by default none. */
  readonly mediaServerTypes?: readonly ServerType[] | undefined;
  readonly ttlSeconds: number;
  readonly log: Logger;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  onMessage(message: FeedMessage): void;
  /** Before each message of a region that is not up, and when nothing waits any more. */
  onPassing(region: string, passing: Passing): void;
  /** The region's feed is up and has caught up. */
  onUp(region: string): void;
  /** @param sinceMs up to when the region was read, by the broker's clock */
  onDown(region: string, sinceMs: number): void;
  /** A bug, ours or a library's: the process must exit, because the feed can't be trusted any more. */
  onFailure(error: unknown): void;
};

/** How far a region will have been read. Times are the broker's, ms since the epoch. */
export type Passing = {
  /** No message before this time is still to be handled; NaN while a lane has not been read at all. */
  readonly untilMs: number;
  /** When the newest message was stored that has been handled, of whichever lane. */
  readonly handledMs: number;
};

/** Times are the broker's, in ms since the epoch, and NaN while they are not known. */
export type Feed = {
  /** `replaying` also when more than a few seconds of messages wait to be read. */
  state(region: string): FeedState;
  /** What the newest look at the stream itself found. */
  stream(): StreamReading;
  /** What has kept the feed from NATS since the process started. */
  errors(): FeedErrorCounts;
  /** The broker's time now. */
  now(): number;
  /** Up to when the region has been read, which is never ahead of a message that waits. */
  readMs(region: string): number;
  /** From when on every message of the region was read: before, the stream was not read, or did not reach. */
  readFromMs(region: string): number;
  /** How far {@link Feed.readMs} is behind {@link Feed.now}. */
  lagMs(region: string): number;
  /**
   * Replaces consumers that have missed their heartbeats, and asks the broker whether all has arrived. To be
   * called a few times a second.
   */
  checkHeartbeats(): void;
  /** The process did not run since `sinceMs` (monotonic): regions are down until what they missed has been read. */
  resync(sinceMs: number): void;
  stop(): Promise<void>;
};

/** What is read of one of a region's lanes, or of all of them. */
type Lane = { readonly cursor: Cursor; readonly position: ReadPosition; readonly reader: Reader };

const MS_PER_SECOND = 1000;
/**
 * A restarted process reads this many TTLs back. Within one everybody who lives has sent a beacon; of the other one, which
 * the stream holds as well, the history is rebuilt.
 */
const REACH_TTLS = 2;
/** Checks of heartbeats that are further apart were held up by a slow or stopped process. */
const HELD_UP_MS = 750;

export function startFeed(options: FeedOptions): Feed {
  const { access, regions, ttlSeconds, log, monotonic } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const failures = createChangeFilter();
  const statuses = new Map<string, SourceStatus>();
  const clocks = new Map<string, RegionClock>();
  const lanes = new Map<string, readonly Lane[]>();
  const behind = new Set<string>();
  const readers: Reader[] = [];
  const broker = createBrokerClock();
  let checkedMs = monotonic();
  /** When the process last went on after it had been held up: what it had not read until then is not silence. */
  let resumedMs = checkedMs;
  const errors = createFeedErrors();
  const connector = createConnector({ access, errors, log, signal, onDisconnected: () => dropAll('disconnected') });
  const watch = createStreamWatch({ ...options, connector, signal });
  const shared = {
    connector,
    errors,
    failures,
    log,
    monotonic,
    broker,
    reachMs: REACH_TTLS * ttlSeconds * MS_PER_SECOND,
    signal,
    onMessage: options.onMessage,
    stream: createHealthStream(options, log),
    history: createHistory(),
    queue: createWorkQueue({ onError: options.onFailure }),
    heartbeatMs: heartbeatFor(ttlSeconds * MS_PER_SECOND),
  };

  for (const region of regions) {
    const cursors = createCursors({ ...options, region }).map((cursor) => ({ cursor, position: createReadPosition() }));
    const status = watchRegion(
      region,
      cursors.map(({ cursor }) => cursor.filter),
    );
    statuses.set(region, status);
    clocks.set(
      region,
      createRegionClock(
        broker,
        cursors.map(({ position }) => position),
      ),
    );
    const ofRegion = cursors.map((cursor): Lane => {
      const onMessage = (message: FeedMessage) => {
        if (state(region) !== 'up') options.onPassing(region, passing(region, cursor.position, message.timestampMs));
        options.onMessage(message);
      };
      return { ...cursor, reader: createReader({ ...shared, region, status, ...cursor, onMessage }) };
    });
    lanes.set(region, ofRegion);
    readers.push(...ofRegion.map(({ reader }) => reader));
    readers.push(createReader({ ...shared, region, position: createReadPosition(), ...forwarders(region) }));
  }

  function watchRegion(region: string, filters: readonly string[]): SourceStatus {
    return createSourceStatus({
      filters,
      onUp() {
        failures.forget(region);
        log.info({ region }, 'feed up');
        options.onPassing(region, passing(region, undefined, broker.timeAt(monotonic())));
        options.onUp(region);
      },
      onDown(loss) {
        if (signal.aborted) return;
        log.warn({ region, filter: loss.filter, reason: loss.reason }, 'feed down');
        // A time that was not read yet may hold beacons.
        options.onDown(region, earlier(broker.timeAt(loss.sinceMs), readMs(region)));
      },
    });
  }

  /** Only a region's beacons decide whether it is up: its Forwarders may have nothing to report. */
  function forwarders(region: string): { cursor: Cursor; status: SourceStatus } {
    const cursor = createForwardersCursor(region);
    return { cursor, status: createSourceStatus({ filters: [cursor.filter], onUp() {}, onDown() {} }) };
  }

  function state(region: string): FeedState {
    const read = statuses.get(region)?.state ?? 'down';
    return read === 'up' && behind.has(region) ? 'replaying' : read;
  }

  /** @param position of the lane that is read up to `timeMs`; without one, all are */
  function passing(region: string, position: ReadPosition | undefined, timeMs: number): Passing {
    let untilMs = timeMs;
    let handledMs = Number.NEGATIVE_INFINITY;
    for (const lane of lanes.get(region) ?? []) {
      if (position && lane.position !== position) untilMs = Math.min(untilMs, lane.position.timeAt(monotonic()));
      handledMs = Math.max(handledMs, lane.position.handledMs);
    }
    return { untilMs, handledMs };
  }

  function dropAll(reason: string, sinceMs?: number): void {
    for (const reader of readers) reader.drop(reason, sinceMs);
  }

  function readMs(region: string): number {
    return clocks.get(region)?.readMs(monotonic()) ?? Number.NaN;
  }

  function watchLag(region: string, clock: RegionClock): void {
    const wasBehind = behind.has(region);
    const isBehind = clock.isBehind(monotonic());
    if (isBehind === wasBehind) return;
    if (isBehind) behind.add(region);
    else behind.delete(region);
    if (statuses.get(region)?.state !== 'up') return;
    const lagSeconds = clock.lagMs(monotonic()) / MS_PER_SECOND;
    const hint = 'give the aggregator more CPU, or share the lanes among more shards';
    if (isBehind) log.warn({ region, lagSeconds, hint }, 'feed is behind: beacons arrive faster than they are handled');
    else log.info({ region, lagSeconds }, 'feed has caught up');
  }

  const running = Promise.all([connector.keepConnected(), watch.run(), ...readers.map((reader) => reader.run())]).catch(
    options.onFailure,
  );

  return {
    state,
    now: () => broker.timeAt(monotonic()),
    readMs,
    // Math.max gives NaN when one of them is NaN.
    readFromMs: (region) => Math.max(...(lanes.get(region) ?? []).map(({ reader }) => reader.readFromMs)),
    lagMs: (region) => clocks.get(region)?.lagMs(monotonic()) ?? Number.NaN,
    stream: () => watch.reading,
    errors: () => errors.counts,
    checkHeartbeats() {
      const askedMs = monotonic();
      if (askedMs - checkedMs > HELD_UP_MS) resumedMs = askedMs;
      checkedMs = askedMs;
      for (const reader of readers) reader.checkHeartbeat(resumedMs);
      for (const [region, clock] of clocks) watchLag(region, clock);
      connector.ping(() => {
        // Behind the messages that arrived before the answer.
        shared.queue.offer(() => {
          for (const reader of readers) reader.answered(askedMs);
        });
      });
    },
    resync: (sinceMs) => dropAll('process paused', sinceMs),
    async stop() {
      stopping.abort();
      dropAll('stopping');
      await running;
    },
  };
}

/** The earlier of two times, or the one that is known. */
function earlier(one: number, other: number): number {
  return Number.isNaN(other) || one < other ? one : other;
}

/**
 * Silence must be noticed well within a TTL, because until then it looks like people leaving: a
 * fifteenth of the TTL, within the range that nats-server and the network allow.
 */
function heartbeatFor(ttlMs: number): number {
  return Math.min(2_000, Math.max(250, Math.round(ttlMs / 15)));
}
