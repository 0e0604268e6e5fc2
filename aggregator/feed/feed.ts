/**
 * The feed: every message of our regions and lanes, in order, for as long as the process lives. It
 * reports which regions can be heard now; the store decides what silence means for their sessions.
 * In the aggregator only this folder imports the NATS client.
 */
import type { Logger } from 'pino';
import type { Shard } from '../../shared/subjects.ts';
import { createChangeFilter } from './change-filter.ts';
import { createConnector, type NatsAccess } from './connection.ts';
import { type Cursor, createCursors, createForwardersCursor } from './cursor.ts';
import type { FeedMessage } from './ordered-consumer.ts';
import { createReader, type Reader } from './reader.ts';
import { createRegionStatus, type FeedState, type RegionStatus } from './region-status.ts';
import { createHealthStream } from './stream.ts';
import { createStreamWatch, type StreamReading } from './stream-watch.ts';
import { createWorkQueue } from './work-queue.ts';

export type FeedOptions = {
  readonly access: NatsAccess;
  readonly regions: readonly string[];
  /** All REGIONS of the topology, whichever of them this process consumes. */
  readonly topologyRegions: readonly string[];
  readonly shard: Shard;
  readonly lanes: number;
  readonly ttlSeconds: number;
  readonly log: Logger;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now: () => number;
  onMessage(message: FeedMessage): void;
  /** The region's feed is up and has caught up. */
  onUp(region: string): void;
  /** @param sinceMs when the region was last heard */
  onDown(region: string, sinceMs: number): void;
  /** A bug, ours or a library's: the process must exit, because the feed can't be trusted any more. */
  onFailure(error: unknown): void;
};

export type Feed = {
  state(region: string): FeedState;
  /** What the newest look at the stream itself found. */
  stream(): StreamReading;
  /** Replaces consumers that have missed their heartbeats. To be called a few times a second. */
  checkHeartbeats(): void;
  /** The process did not run since `sinceMs`: regions are down until what they missed has been read. */
  resync(sinceMs: number): void;
  stop(): Promise<void>;
};

const MS_PER_SECOND = 1000;

export function startFeed(options: FeedOptions): Feed {
  const { access, regions, ttlSeconds, log, now } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const failures = createChangeFilter();
  const statuses = new Map<string, RegionStatus>();
  const readers: Reader[] = [];
  const connector = createConnector({ access, log, signal, onDisconnected: () => dropAll('disconnected') });
  const watch = createStreamWatch({ ...options, connector, signal });
  const shared = {
    connector,
    failures,
    log,
    now,
    signal,
    onMessage: options.onMessage,
    stream: createHealthStream(options, log),
    queue: createWorkQueue({ onError: options.onFailure }),
    heartbeatMs: heartbeatFor(ttlSeconds * MS_PER_SECOND),
  };
  const startMs = now() - ttlSeconds * MS_PER_SECOND;

  for (const region of regions) {
    const cursors = createCursors({ ...options, region, startMs });
    const status = watchRegion(
      region,
      cursors.map(({ filter }) => filter),
    );
    statuses.set(region, status);
    for (const cursor of cursors) readers.push(createReader({ ...shared, region, cursor, status }));
    readers.push(createReader({ ...shared, region, ...forwarders(region) }));
  }

  function watchRegion(region: string, filters: readonly string[]): RegionStatus {
    return createRegionStatus({
      filters,
      onUp() {
        failures.forget(region);
        log.info({ region }, 'feed up');
        options.onUp(region);
      },
      onDown(loss) {
        if (signal.aborted) return;
        log.warn({ region, filter: loss.filter, reason: loss.reason }, 'feed down');
        options.onDown(region, loss.sinceMs);
      },
    });
  }

  /** Only a region's beacons decide whether it is up: its Forwarders may have nothing to report. */
  function forwarders(region: string): { cursor: Cursor; status: RegionStatus } {
    const cursor = createForwardersCursor({ region, startMs });
    return { cursor, status: createRegionStatus({ filters: [cursor.filter], onUp() {}, onDown() {} }) };
  }

  function dropAll(reason: string, sinceMs?: number): void {
    for (const reader of readers) reader.drop(reason, sinceMs);
  }

  const running = Promise.all([connector.keepConnected(), watch.run(), ...readers.map((reader) => reader.run())]).catch(
    options.onFailure,
  );

  return {
    state: (region) => statuses.get(region)?.state ?? 'down',
    stream: () => watch.reading,
    checkHeartbeats() {
      for (const reader of readers) reader.checkHeartbeat();
    },
    resync: (sinceMs) => dropAll('process paused', sinceMs),
    async stop() {
      stopping.abort();
      dropAll('stopping');
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
