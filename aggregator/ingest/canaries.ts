/**
 * When the newest canary of each lane left the edge: by the broker's clock, since of the edge's only the time between
 * the Cron Trigger and the publish is used. So one that is late makes no lane look better than it is.
 */
import type { Canary, CanaryClaim } from '../../shared/canary.ts';
import type { EdgeTotals } from '../store/totals.ts';

export type CanaryMessage = {
  readonly region: string;
  readonly lane: string;
  readonly canary: Canary;
  /** The edge's clock when its batch was published. */
  readonly batchSentAtMs: number;
  /** When the broker stored it. */
  readonly storedAtMs: number;
  /** An earlier process has read it, and counted it if it was rejected. */
  readonly isHistory: boolean;
};

export type Canaries = { take(message: CanaryMessage): void };

export type CanariesOptions = {
  /** Those that this process reads. From a region's first canary on, one is due on each of them. */
  readonly lanes: readonly string[];
  readonly totalsOf: (region: string) => EdgeTotals;
  /** Whether the signature is good; without it, every canary is believed. */
  readonly isSigned?: ((claim: CanaryClaim, signature: string) => boolean) | undefined;
  /** The first canary with a wrong signature, or the first one after a good one. */
  onRejected(region: string): void;
};

/** Of one region. */
type Known = {
  /** By lane. */
  readonly sentAtMs: Map<string, number>;
  /** By lane: the edge's clock in the newest one that was believed. */
  readonly newestMs: Map<string, number>;
  isRejecting: boolean;
};

export function createCanaries({ lanes, totalsOf, isSigned, onRejected }: CanariesOptions): Canaries {
  /** Bounded, since the feed knows our regions only. */
  const regions = new Map<string, Known>();

  return {
    take(message) {
      const { region, lane, canary, batchSentAtMs, storedAtMs, isHistory } = message;
      const totals = totalsOf(region);
      const sentAtMs = storedAtMs - Math.max(0, batchSentAtMs - canary.sentAtMs);
      let known = regions.get(region);
      if (!known) {
        known = { sentAtMs: new Map(), newestMs: new Map(), isRejecting: false };
        regions.set(region, known);
      }
      if (isSigned && !isSigned({ region, lane, sentAtMs: canary.sentAtMs }, canary.signature)) {
        if (!isHistory) totals.canariesRejected++;
        if (!known.isRejecting) onRejected(region);
        known.isRejecting = true;
        return;
      }
      known.isRejecting = false;
      // Without shards all lanes are read: one of an edge with more LANES would be waited for after they were taken away.
      if (!lanes.includes(lane)) return;
      // Its signature proves nothing when somebody publishes it again.
      if (isSigned && canary.sentAtMs <= (known.newestMs.get(lane) ?? 0)) return;
      known.newestMs.set(lane, canary.sentAtMs);
      if (known.sentAtMs.size === 0) for (const each of lanes) known.sentAtMs.set(each, sentAtMs);
      known.sentAtMs.set(lane, Math.max(sentAtMs, known.sentAtMs.get(lane) ?? sentAtMs));
      totals.canarySentAtMs = Math.min(...known.sentAtMs.values());
    },
  };
}
