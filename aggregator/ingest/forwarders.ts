/**
 * The Forwarders of our regions, from the counters message that each publishes. Counters are cumulative per
 * start (epoch) and are added up per region, so that a restart never makes a total fall. Also tracks which
 * Forwarders are awake, and their topology.
 */
import { decodeForwarderCounters, type ForwarderCounters, SPOOL_AGE_MS } from '../../shared/forwarder-counters.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { Shard } from '../../shared/subjects.ts';
import type { EdgeTotals } from '../store/totals.ts';
import { createEpochs, type Epochs } from './epochs.ts';

/** A Forwarder that is awake publishes every 10 s; one not heard for this long is asleep or can't reach NATS. */
export const FORWARDER_HEARD_MS = 30_000;

export type Forwarders = {
  /** Takes in a message of the Forwarder. @returns false when it is damaged */
  take(message: ForwarderMessage): boolean;
  /**
   * Updates how many were heard within {@link FORWARDER_HEARD_MS}, and whether one of them has a different topology
   * than ours. Call it a few times a second: silence sends no message.
   */
  refresh(nowMs: number): void;
};

export type ForwarderMessage = {
  readonly region: string;
  readonly slot: number;
  readonly data: Uint8Array;
  /** When it is heard. */
  readonly nowMs: number;
  /** An earlier process has counted it: what it says is where the next message goes on from. By default it has not. */
  readonly isHistory?: boolean;
  /** It is from before what was read of the region: it says nothing of how the Forwarder is now. By default it is not. */
  readonly isOvertaken?: boolean;
};

export type TopologyReport = {
  readonly region: string;
  readonly slot: number;
  /** Fingerprints. */
  readonly theirs: string;
  readonly ours: string;
};

export type RouteReport = {
  readonly region: string;
  readonly slot: number;
  /** The region whose NATS it publishes through now. */
  readonly via: string;
};

export type ForwardersOptions = {
  readonly regions: readonly string[];
  /** Our shard: it counts the slots whose number modulo the shard count is its index. */
  readonly shard: Shard;
  /** Our topology's fingerprint. */
  readonly topology: string;
  readonly totalsOf: (region: string) => EdgeTotals;
  /** A Forwarder's topology has changed; it may or may not match ours. */
  onTopology(report: TopologyReport): void;
  /** A Forwarder publishes through another region's NATS than before. */
  onRoute?(report: RouteReport): void;
};

/** What is remembered of one slot: bounded, since slots and epochs are. */
type Known = {
  heardMs: number;
  topology: string;
  /** The region whose NATS it publishes through. */
  via: string;
  /** The epoch that began last, and when its newest message was sent: another stream may bring an older one later. */
  newestEpoch: string;
  sentAtMs: number;
  /** How far each epoch has counted. */
  readonly epochs: Epochs<Counts>;
};

export function createForwarders({
  regions,
  shard,
  topology,
  totalsOf,
  onTopology,
  onRoute,
}: ForwardersOptions): Forwarders {
  const known = new Map<string, Map<number, Known>>(regions.map((region) => [region, new Map()]));

  function remember(slots: Map<number, Known>, region: string, slot: number): Known {
    let entry = slots.get(slot);
    if (!entry) {
      entry = { heardMs: 0, topology, via: region, newestEpoch: '', sentAtMs: 0, epochs: createEpochs() };
      slots.set(slot, entry);
    }
    return entry;
  }

  return {
    take({ region, slot, data, nowMs, isHistory = false, isOvertaken = false }) {
      const slots = known.get(region);
      const decoded = decodeForwarderCounters(data);
      if (!slots || !decoded.ok || decoded.value.slot !== slot) return false;
      const counters = decoded.value;
      const entry = remember(slots, region, slot);
      const before = entry.epochs.get(counters.epoch);
      entry.epochs.see(counters.epoch, highest(counters, before));
      const isOlder = isSentBefore(counters.sentAtMs, entry.sentAtMs);
      const isNewer = entry.newestEpoch === counters.epoch ? !isOlder : !before || counters.sentAtMs > entry.sentAtMs;
      const isNewest = isNewer && !isOvertaken;
      if (isNewest) {
        const via = counters.via || region;
        if (via !== entry.via) onRoute?.({ region, slot, via });
        Object.assign(entry, { newestEpoch: counters.epoch, sentAtMs: counters.sentAtMs, via, heardMs: nowMs });
        if (counters.topology !== '' && counters.topology !== entry.topology) {
          entry.topology = counters.topology;
          onTopology({ region, slot, theirs: counters.topology, ours: topology });
        }
      }
      if (slot % shard.count === shard.index) {
        const totals = totalsOf(region);
        if (!isHistory) addGains(totals, counters, before ?? (counters.isFirst ? undefined : counters));
        if (isNewest) {
          totals.inSpool.set(slot, counters.inSpool);
        }
      }
      return true;
    },
    refresh(nowMs) {
      for (const [region, slots] of known) {
        const heard = [...slots.values()].filter(({ heardMs }) => nowMs - heardMs <= FORWARDER_HEARD_MS);
        const totals = totalsOf(region);
        totals.forwarders = heard.length;
        totals.forwardersOnFallback = heard.filter(({ via }) => via !== region).length;
        for (const slot of totals.inSpool.keys()) {
          // The slot was taken away, or its Forwarder has dropped by now what it last spoke of.
          if (nowMs - (slots.get(slot)?.heardMs ?? 0) > SPOOL_AGE_MS) totals.inSpool.delete(slot);
        }
        totals.hasTopologyMismatch = heard.some((entry) => entry.topology !== topology);
      }
    },
  };
}

/** No stream holds messages of one Forwarder that are further apart, except by a clock that was set back meanwhile. */
const OLDER_AT_MOST_MS = 120_000;

/** By the Forwarder's own clock: another stream may bring its messages later. */
function isSentBefore(sentAtMs: number, newestMs: number): boolean {
  return sentAtMs < newestMs && newestMs - sentAtMs <= OLDER_AT_MOST_MS;
}

const GAINS = [
  'spooled',
  'drained',
  'droppedExpired',
  'droppedFull',
  'droppedUnpublishable',
  'publishErrors',
  'jwksErrors',
  'overloadedCalls',
] as const satisfies readonly (keyof EdgeTotals & keyof ForwarderCounters)[];

/** What is counted of a Forwarder's message. */
type Counts = Pick<ForwarderCounters, (typeof GAINS)[number] | 'rejected' | 'publishSeconds'>;

/** Adds what the counters rose by. @param before undefined when they began at zero */
function addGains(totals: EdgeTotals, now: Counts, before: Counts | undefined): void {
  for (const name of GAINS) totals[name] += gain(now[name], before?.[name]);
  for (const reason of REJECT_REASONS) {
    const more = gain(now.rejected[reason], before?.rejected[reason]);
    if (more > 0) totals.rejected.set(reason, (totals.rejected.get(reason) ?? 0) + more);
  }
  const { counts } = totals.publishSeconds;
  for (let i = 0; i < counts.length; i++) {
    counts[i] = (counts[i] as number) + gain(now.publishSeconds.buckets[i], before?.publishSeconds.buckets[i]);
  }
  totals.publishSeconds.sum += gain(now.publishSeconds.sum, before?.publishSeconds.sum);
}

/** The higher of each: after an older message that comes late, the next one must not count again what was counted. */
function highest(now: Counts, before: Counts | undefined): Counts {
  if (!before) return now;
  const rejected = { ...now.rejected };
  for (const reason of REJECT_REASONS) {
    const count = Math.max(now.rejected[reason] ?? 0, before.rejected[reason] ?? 0);
    if (count > 0) rejected[reason] = count;
  }
  const buckets = now.publishSeconds.buckets.map((count, i) => Math.max(count, before.publishSeconds.buckets[i] ?? 0));
  const sum = Math.max(now.publishSeconds.sum, before.publishSeconds.sum);
  const counts = { ...now, rejected, publishSeconds: { buckets, sum } };
  for (const name of GAINS) counts[name] = Math.max(now[name], before[name]);
  return counts;
}

function gain(now: number | undefined, before: number | undefined): number {
  return Math.max(0, (now ?? 0) - (before ?? 0));
}
