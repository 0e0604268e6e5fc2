/**
 * The oracle: what an aggregator must know after its input, by docs/ alone. It shares no code with the aggregator; it is
 * slow and keeps everything, so that it is easy to read and to get right.
 */
import type { BatchHeader, Entry } from '../../../shared/batch.ts';
import { createDetail } from './detail.ts';
import { createForwardersModel, type Forwarders } from './forwarders.ts';
import { createLedger, type Ledger } from './ledger.ts';
import type { Living } from './living.ts';
import { createPeople } from './people.ts';
import { createRegionTime, type Moment, type RegionTime } from './region-time.ts';
import { createSeriesLimit, type SeriesLimit } from './series-limit.ts';

/** A message of the stream, as it was built, before encoding. */
export type StoredMessage = {
  readonly region: string;
  readonly lane: string;
  /** By the broker's clock. */
  readonly storedAtMs: number;
  /** Undefined when it is damaged. */
  readonly header: BatchHeader | undefined;
  /** The undamaged entries. */
  readonly entries: readonly Entry[];
  /** How many entries are damaged: all of them when the header is. */
  readonly damaged: number;
};

/** The circumstances in which a message was read. */
export type Reading = {
  /** How many wait behind it. */
  readonly left: number;
  /** It was in the stream when the process started. */
  readonly isHistory: boolean;
};

export type ModelOptions = {
  readonly regions: readonly string[];
  readonly servers: readonly string[];
  readonly ttlSeconds: number;
  readonly maxSessions: number;
  readonly maxSessionSeries: number;
  readonly shard: { readonly index: number; readonly count: number };
  /** The fingerprint of the aggregator's topology. */
  readonly topology: string;
};

export type Model = {
  readonly options: ModelOptions;
  readonly living: ReadonlyMap<string, Living>;
  readonly ledger: Ledger;
  readonly series: SeriesLimit;
  readonly forwarders: Forwarders;
  timeOf(region: string): RegionTime;
  /** By how much the edge's clock was ahead of the broker's when batches were sent and stored. */
  edgeAhead(region: string): ReadonlySet<number>;
  /** A message was handed to the aggregator. */
  handle(message: StoredMessage, reading: Reading, at: Moment): void;
  /** Runs expiry and measures clocks. @param isIdle whether the broker proved that nothing of the region waits */
  tick(at: Moment, isIdle: (region: string) => boolean): void;
};

/** The longest time at the edge that a beacon can claim. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

export function createModel(options: ModelOptions): Model {
  const ttlMs = options.ttlSeconds * 1000;
  const times = new Map(options.regions.map((region) => [region, createRegionTime(ttlMs)]));
  const ledger = createLedger(options.regions);
  const series = createSeriesLimit(options.maxSessionSeries);
  const forwarders = createForwardersModel(options.topology, options.shard);
  const timeOf = (region: string) => times.get(region) as RegionTime;
  const living = new Map<string, Living>();
  const detail = createDetail(series, living);
  const people = createPeople({ ...options, ttlMs, ledger, detail, living, timeOf });
  /** `accepted` of each epoch of a Forwarder on a lane. */
  const edgeAheadSeconds = new Map(options.regions.map((region) => [region, new Set<number>()]));
  const acceptedBefore = new Map<string, number>();

  const edgeAhead = (region: string) => edgeAheadSeconds.get(region) as Set<number>;

  /** @returns whether it is not a repeat */
  function countAccepted({ region, lane, entries, damaged }: StoredMessage, header: BatchHeader): boolean {
    const counts = ledger.region(region);
    const epoch = [region, lane, header.slot, header.epoch].join(' ');
    const before = acceptedBefore.get(epoch);
    if (before !== undefined && header.accepted <= before) {
      counts.repeatedBatches++;
      return false;
    }
    acceptedBefore.set(epoch, header.accepted);
    const carried = entries.length + damaged;
    counts.accepted += before === undefined ? Math.min(carried, header.accepted) : header.accepted - before;
    return true;
  }

  function ingest(message: StoredMessage, { brokerMs }: Moment): void {
    const { region, header, storedAtMs, entries, damaged } = message;
    const counts = ledger.region(region);
    if (!header) {
      counts.invalid += Math.max(1, damaged);
      return;
    }
    if (!countAccepted(message, header)) return;
    edgeAhead(region).add((header.sentAtMs - storedAtMs) / 1000);
    counts.invalid += damaged;
    for (const { receivedAtMs, beacon } of entries) {
      const waitedMs = Math.min(LONGEST_WAIT_MS, Math.max(0, header.sentAtMs - receivedAtMs));
      people.take({ region, beacon, atMs: storedAtMs - waitedMs, storedAtMs, nowMs: brokerMs });
    }
  }

  return {
    options,
    living,
    ledger,
    series,
    forwarders,
    timeOf,
    edgeAhead,
    handle(message, { left, isHistory }, at) {
      ledger.isHistory = isHistory;
      series.isHistory = isHistory;
      if (isHistory) people.readHistory(message.region, at.brokerMs);
      ingest(message, at);
      ledger.isHistory = false;
      series.isHistory = false;
      timeOf(message.region).handled(message.storedAtMs, left, at);
    },
    tick(at, isIdle) {
      for (const [region, time] of times) if (isIdle(region)) time.provedIdle(at);
      const read = [...times].map(([region, time]) => ({ region, time, ms: time.readMs(at) }));
      for (const { region, ms } of read) if (!Number.isNaN(ms)) people.expire(region, ms);
      const heard = read.filter(({ time, ms }) => time.isRunning && !Number.isNaN(ms));
      if (heard.length > 0) people.forget(Math.min(...heard.map(({ ms }) => ms)));
      for (const time of times.values()) time.measure(at);
      forwarders.measure(at.brokerMs);
    },
  };
}
