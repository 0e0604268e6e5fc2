/**
 * The feed: every message of our regions and lanes, in order, for as long as the process lives. It
 * reports which regions can be heard now; the store decides what silence means for their sessions.
 * In the aggregator only this folder imports the NATS client.
 */
import type { ServerType } from '../../shared/beacon.ts';
import type { Shard } from '../../shared/subjects.ts';
import { type BrokersOptions, createBrokers, type FeedRegion } from './brokers.ts';
import { createChangeFilter } from './change-filter.ts';
import { createTimeLine } from './clock/time-line.ts';
import type { Connector } from './connection.ts';
import { createFeedErrors, type FeedErrorCounts } from './feed-errors.ts';
import {
  createRegionFeed,
  type FeedMessage,
  type Passing,
  type RegionFeed,
  type SourceReading,
} from './region/region-feed.ts';
import { createSource, type Source, type SourceSurroundings } from './source/source.ts';
import type { FeedState } from './source/source-status.ts';
import { combineReadings, type StreamReading } from './stream/stream-watch.ts';
import { createWorkQueue } from './work-queue.ts';

export type FeedOptions = BrokersOptions & {
  readonly shard: Shard;
  /** Types of media servers whose packets are read as well; by default none. */
  readonly mediaServerTypes?: readonly ServerType[] | undefined;
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

/**
 * Times are the broker's, in ms since the epoch, and NaN while they are not known. Where there are several brokers, they
 * are on one line (clock/time-line.ts).
 */
export type Feed = {
  /** `replaying` also when more than a few seconds of messages wait to be read. */
  state(region: string): FeedState;
  /** The fallback that the region is heard through; undefined while that is its own NATS, or none. */
  through(region: string): string | undefined;
  /** Empty for a region with one source. */
  sources(region: string): readonly SourceReading[];
  /** What the newest look at the streams themselves found. @param region of its own streams alone */
  stream(region?: string): StreamReading;
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

const MS_PER_SECOND = 1000;
/**
 * A restarted process reads this many TTLs back. Within one everybody who lives has sent a beacon; of the other one, which
 * the stream holds as well, the history is rebuilt.
 */
const REACH_TTLS = 2;
/** Checks of heartbeats that are further apart were held up by a slow or stopped process. */
const HELD_UP_MS = 750;

export function startFeed(options: FeedOptions): Feed {
  const { ttlSeconds, monotonic } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const line = createTimeLine();
  const errors = createFeedErrors();
  const brokers = createBrokers({ ...options, errors, signal }, (connector, reason) =>
    drop(sourcesOf(connector), reason),
  );
  const places = new Map(brokers.all.map((broker) => [broker, line.add(broker.clock)]));
  const surroundings: SourceSurroundings = {
    ...options,
    errors,
    failures: createChangeFilter(),
    signal,
    queue: createWorkQueue({ onError: options.onFailure }),
    reachMs: REACH_TTLS * ttlSeconds * MS_PER_SECOND,
    heartbeatMs: heartbeatFor(ttlSeconds * MS_PER_SECOND),
  };
  const regions = new Map(options.regions.map((region): [string, RegionFeed] => [region.name, readRegion(region)]));
  const sources = [...regions.values()].flatMap((region) => region.sources);
  let checkedMs = monotonic();
  /** When the process last went on after it had been held up: what it had not read until then is not silence. */
  let resumedMs = checkedMs;

  function readRegion(region: FeedRegion): RegionFeed {
    const from = brokers.of(region);
    return createRegionFeed({
      ...options,
      region: region.name,
      line,
      ttlMs: ttlSeconds * MS_PER_SECOND,
      signal,
      createSources: (listener) =>
        from.map(({ name, broker }, number) =>
          createSource({
            ...surroundings,
            region: region.name,
            name,
            broker,
            place: places.get(broker) as (brokerMs: number) => number,
            isOneOfSeveral: from.length > 1,
            begin: () => brokers.begin(broker),
            onMessage: (message, lane) => listener.onMessage(number, message, lane),
            onUp: () => listener.onUp(number),
            onLost: (loss) => listener.onLost(number, loss),
          }),
        ),
    });
  }

  function sourcesOf(connector: Connector): readonly Source[] {
    return sources.filter(({ broker }) => broker.connector === connector);
  }

  function drop(from: readonly Source[], reason: string, sinceMs?: number): void {
    for (const source of from) source.drop(reason, sinceMs);
  }

  const running = Promise.all([
    ...brokers.connectors.map((connector) => connector.keepConnected()),
    ...brokers.all.map(({ watch }) => watch.run()),
    ...sources.map((source) => source.run()),
  ]).catch(options.onFailure);

  return {
    state: (region) => regions.get(region)?.state ?? 'down',
    through: (region) => regions.get(region)?.through,
    sources(region) {
      const readings = regions.get(region)?.readings() ?? [];
      return readings.length > 1 ? readings : [];
    },
    stream(region) {
      const watched =
        region === undefined ? brokers.all : (regions.get(region)?.sources.map(({ broker }) => broker) ?? []);
      return combineReadings(watched.map(({ watch }) => watch.reading));
    },
    errors: () => errors.counts,
    now: () => line.timeAt(monotonic()),
    readMs: (region) => regions.get(region)?.readMs() ?? Number.NaN,
    readFromMs: (region) => regions.get(region)?.readFromMs() ?? Number.NaN,
    lagMs: (region) => regions.get(region)?.lagMs() ?? Number.NaN,
    checkHeartbeats() {
      const askedMs = monotonic();
      if (askedMs - checkedMs > HELD_UP_MS) resumedMs = askedMs;
      checkedMs = askedMs;
      for (const source of sources) source.checkHeartbeats(resumedMs);
      for (const region of regions.values()) region.check();
      for (const connector of brokers.connectors) {
        connector.ping(() => {
          // Behind the messages that arrived before the answer.
          surroundings.queue.offer(() => {
            for (const source of sourcesOf(connector)) source.answered(askedMs);
          });
        });
      }
    },
    resync: (sinceMs) => drop(sources, 'process paused', sinceMs),
    async stop() {
      stopping.abort();
      drop(sources, 'stopping');
      await running;
    },
  };
}

/**
 * Silence must be noticed well within a TTL, because until then it looks like people leaving: a
 * fifteenth of the TTL, within the range that nats-server and the network allow.
 */
function heartbeatFor(ttlMs: number): number {
  return Math.min(2_000, Math.max(250, Math.round(ttlMs / 15)));
}
