/**
 * What one Forwarder has counted since it started (its epoch), all cumulative. Counts that must survive a restart
 * are kept by the spool; the others are lost when the object is evicted, about a second of them.
 */
import { type ForwarderCounters, PUBLISH_SECONDS_BUCKETS } from '../../shared/forwarder-counters.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { IsolateCounts } from '../forward/call.ts';
import type { SpoolCounts } from './spool.ts';

export type CountersOptions = {
  readonly slot: number;
  /** A random id of this start. */
  readonly epoch: string;
  readonly spoolCounts: () => SpoolCounts;
  /** The region whose NATS is published through, when it is not the Forwarder's own; else empty. */
  readonly via: () => string;
};

export type Counters = {
  /** Adds an isolate's counts, unless their number was seen before. */
  addIsolateCounts(isolate: string, isolateCounts: IsolateCounts): void;
  setTopology(topology: string): void;
  /** A publish that was acknowledged: its beacons, and how long that took. */
  published(beacons: number, seconds: number): void;
  /** A publish that NATS refused or did not acknowledge. */
  publishFailed(): void;
  snapshot(sentAtMs: number): Omit<ForwarderCounters, 'isFirst'>;
  /** Changes with every counter except latency, which alone is not worth a message. */
  fingerprint(): string;
};

/** Isolates whose last number is remembered; the one forgotten first has not called for the longest time. */
export const ISOLATES_MAX = 10_000;

export function createCounters({ slot, epoch, spoolCounts, via }: CountersOptions): Counters {
  const rejected: ForwarderCounters['rejected'] = {};
  const buckets: number[] = new Array(PUBLISH_SECONDS_BUCKETS.length + 1).fill(0);
  const lastNumbers = new Map<string, number>();
  let topology = '';
  let accepted = 0;
  let publishErrors = 0;
  let jwksErrors = 0;
  let overloadedCalls = 0;
  let sum = 0;

  function counts() {
    const { spooled, drained, expired, unpublishable, beacons } = spoolCounts();
    return {
      topology,
      via: via(),
      accepted,
      rejected: { ...rejected },
      spooled,
      drained,
      droppedExpired: expired,
      // What does not fit is rejected, never dropped.
      droppedFull: 0,
      droppedUnpublishable: unpublishable,
      inSpool: beacons,
      publishErrors,
      jwksErrors,
      overloadedCalls,
    };
  }

  return {
    addIsolateCounts(isolate, isolateCounts) {
      if (isolateCounts.number <= (lastNumbers.get(isolate) ?? 0)) return;
      lastNumbers.delete(isolate);
      lastNumbers.set(isolate, isolateCounts.number);
      const [oldest] = lastNumbers.keys();
      if (lastNumbers.size > ISOLATES_MAX && oldest !== undefined) lastNumbers.delete(oldest);
      for (const reason of REJECT_REASONS) {
        const count = isolateCounts.rejected[reason];
        if (count) rejected[reason] = (rejected[reason] ?? 0) + count;
      }
      jwksErrors += isolateCounts.jwksErrors;
      overloadedCalls += isolateCounts.overloadedCalls;
    },
    setTopology(newest) {
      topology = newest;
    },
    published(beacons, seconds) {
      accepted += beacons;
      const bucket = PUBLISH_SECONDS_BUCKETS.findIndex((bound) => seconds <= bound);
      const index = bucket === -1 ? PUBLISH_SECONDS_BUCKETS.length : bucket;
      buckets[index] = (buckets[index] ?? 0) + 1;
      sum += seconds;
    },
    publishFailed() {
      publishErrors += 1;
    },
    snapshot: (sentAtMs) => ({
      slot,
      epoch,
      sentAtMs,
      ...counts(),
      publishSeconds: { buckets: [...buckets], sum },
    }),
    fingerprint: () => JSON.stringify(counts()),
  };
}
