/** What Forwarders report about themselves, by docs/wire-format.md and docs/adr/0007 and 0012: cumulative by epoch. */
import { type ForwarderCounters, PUBLISH_SECONDS_BUCKETS } from '../../../shared/forwarder-counters.ts';
import { REJECT_REASONS, type RejectReason } from '../../../shared/reject.ts';

/** A message on a Forwarder's subject, as it was built. */
export type StoredCounters = {
  readonly region: string;
  readonly slot: number;
  readonly storedAtMs: number;
  /** Undefined when it is damaged. */
  readonly counters: ForwarderCounters | undefined;
};

const COUNTERS = [
  'spooled',
  'drained',
  'droppedExpired',
  'droppedFull',
  'droppedUnpublishable',
  'publishErrors',
  'jwksErrors',
  'overloadedCalls',
] as const satisfies readonly (keyof ForwarderCounters)[];

export type EdgeSums = { [Name in (typeof COUNTERS)[number]]: number } & {
  readonly rejected: { [Reason in RejectReason]: number };
  readonly publishes: number[];
  publishSeconds: number;
  invalidMessages: number;
};

/** A Forwarder that is awake publishes every 10 s; its last report of its spool holds for 10 minutes. */
const AWAKE_MS = 30_000;
/** A message that seems to be older than this was sent after the Forwarder's clock was set back. */
const CLOCK_MS = 120_000;
const SPOOL_MS = 600_000;

type Slot = { heardMs: number; topology: string; inSpool: number; newestEpoch: string; sentAtMs: number };

export type Forwarders = {
  take(message: StoredCounters, isHistory: boolean, nowMs: number): void;
  /** Looks at who was heard, for what follows. */
  measure(nowMs: number): void;
  sums(region: string): EdgeSums;
  awake(region: string): number;
  hasMismatch(region: string): boolean;
  inSpool(region: string): number;
};

export function createForwardersModel(topology: string, shard: { index: number; count: number }): Forwarders {
  const slots = new Map<string, Slot>();
  /** By slot and epoch, the highest reported value of each counter. */
  const highest = new Map<string, ForwarderCounters>();
  const sums = new Map<string, EdgeSums>();
  let measuredMs = Number.NEGATIVE_INFINITY;

  function sumsOf(region: string): EdgeSums {
    const known = sums.get(region) ?? emptySums();
    sums.set(region, known);
    return known;
  }

  const ofRegion = (region: string) =>
    [...slots].filter(([key]) => key.startsWith(`${region} `)).map(([key, slot]) => ({ key, ...slot }));
  const awakeIn = (region: string) => ofRegion(region).filter(({ heardMs }) => measuredMs - heardMs <= AWAKE_MS);
  const isCounted = (slot: number) => slot % shard.count === shard.index;

  return {
    take({ region, slot, storedAtMs, counters }, isHistory, nowMs) {
      if (!counters) {
        if (!isHistory) sumsOf(region).invalidMessages++;
        return;
      }
      const key = `${region} ${slot}`;
      const epoch = `${key} ${counters.epoch}`;
      const before = highest.get(epoch);
      highest.set(epoch, before ? higher(counters, before) : counters);
      // An epoch that is first heard midway counts from there on.
      if (isCounted(slot) && !isHistory)
        addRises(sumsOf(region), counters, before ?? (counters.isFirst ? undefined : counters));
      const known = slots.get(key) ?? { heardMs: 0, topology, inSpool: 0, newestEpoch: '', sentAtMs: 0 };
      slots.set(key, known);
      const aheadMs = known.sentAtMs - counters.sentAtMs;
      if (known.newestEpoch === counters.epoch ? aheadMs > 0 && aheadMs <= CLOCK_MS : before && aheadMs >= 0) return;
      known.newestEpoch = counters.epoch;
      // An earlier process heard of it in history, when it was sent.
      Object.assign(known, {
        sentAtMs: counters.sentAtMs,
        heardMs: isHistory ? storedAtMs : nowMs,
        inSpool: isCounted(slot) ? counters.inSpool : 0,
      });
      if (counters.topology !== '') known.topology = counters.topology;
    },
    measure(nowMs) {
      measuredMs = nowMs;
      for (const slot of slots.values()) if (nowMs - slot.heardMs > SPOOL_MS) slot.inSpool = 0;
    },
    sums: sumsOf,
    awake: (region) => awakeIn(region).length,
    hasMismatch: (region) => awakeIn(region).some((slot) => slot.topology !== topology),
    inSpool: (region) => ofRegion(region).reduce((sum, slot) => sum + slot.inSpool, 0),
  };
}

function emptySums(): EdgeSums {
  const counters = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as {
    [Name in (typeof COUNTERS)[number]]: number;
  };
  const rejected = Object.fromEntries(REJECT_REASONS.map((reason) => [reason, 0])) as EdgeSums['rejected'];
  const publishes = new Array<number>(PUBLISH_SECONDS_BUCKETS.length + 1).fill(0);
  return { ...counters, rejected, publishes, publishSeconds: 0, invalidMessages: 0 };
}

/** An older message that arrives late lowers nothing. */
function higher(now: ForwarderCounters, before: ForwarderCounters): ForwarderCounters {
  const reasons = REJECT_REASONS.map((reason) => [
    reason,
    Math.max(now.rejected[reason] ?? 0, before.rejected[reason] ?? 0),
  ]);
  const counters = COUNTERS.map((name) => [name, Math.max(now[name], before[name])]);
  const buckets = now.publishSeconds.buckets.map((count, i) => Math.max(count, before.publishSeconds.buckets[i] ?? 0));
  const publishSeconds = { buckets, sum: Math.max(now.publishSeconds.sum, before.publishSeconds.sum) };
  return { ...now, ...Object.fromEntries(counters), rejected: Object.fromEntries(reasons), publishSeconds };
}

function addRises(sums: EdgeSums, now: ForwarderCounters, before: ForwarderCounters | undefined): void {
  const rise = (to: number | undefined, from: number | undefined) => Math.max(0, (to ?? 0) - (from ?? 0));
  for (const name of COUNTERS) sums[name] += rise(now[name], before?.[name]);
  for (const reason of REJECT_REASONS) sums.rejected[reason] += rise(now.rejected[reason], before?.rejected[reason]);
  for (const [i, count] of now.publishSeconds.buckets.entries())
    sums.publishes[i] = (sums.publishes[i] ?? 0) + rise(count, before?.publishSeconds.buckets[i]);
  sums.publishSeconds += rise(now.publishSeconds.sum, before?.publishSeconds.sum);
}
