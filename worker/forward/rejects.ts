/**
 * Counts of what this isolate rejected, by region, until a Forwarder has taken them: with the next call to that
 * region, or in a call of their own about a second later. Counts in a call carry a number; if the call fails, they
 * are sent again under the same number, and a Forwarder that already has that number ignores them. So a failed
 * call neither loses counts nor doubles them. Counts not yet delivered when the isolate is evicted are lost: about
 * a second of them.
 */
import type { RejectReason } from '../../shared/reject.ts';
import type { IsolateCounts, RejectCounts } from './call.ts';
import { delay, type WaitUntil } from './deadline.ts';

/** How long counts wait for a call that takes them along. */
export const DELIVER_AFTER_MS = 1_000;
/** After this long, a request that was to deliver them, or that carried them, is presumed dead. */
export const DELIVERY_LOST_MS = 10_000;

export type RejectsOptions = {
  /** Makes a call without beacons to a region; it gets its counts from {@link Rejects.take}. */
  readonly deliver: (region: string) => Promise<unknown>;
  readonly now: () => number;
};

/** How the call that carried counts ended; after `failed` the Forwarder may or may not have them. */
export type CallOutcome = 'taken' | 'not_taken' | 'failed';

export type Rejects = {
  /** Counts one rejected request and schedules the delivery of the count. */
  count(region: string, reason: RejectReason, waitUntil: WaitUntil): void;
  /** Counts one JWKS fetch that failed. */
  countJwksError(region: string, waitUntil: WaitUntil): void;
  /** Counts one call that an overloaded Forwarder did not take; delivered with the region's next counts. */
  countOverloadedCall(region: string): void;
  /**
   * The counts to send with a call to a slot; undefined when there are none, when some are under way, or when
   * those of a failed call belong to another slot. Counts whose request was ended early are handed out again.
   */
  take(region: string, slot: number): IsolateCounts | undefined;
  /** How the call that carried the counts ended; has no effect once they have been taken. */
  callEnded(region: string, counts: IsolateCounts, outcome: CallOutcome): void;
};

type Counts = { rejected: RejectCounts; jwksErrors: number; overloadedCalls: number };

/** Counts that may have been taken go to the same slot again: only it can recognise their number. */
type Undelivered = {
  readonly counts: IsolateCounts;
  slot: number | undefined;
  /** Undefined while no call carries them. */
  sentAtMs: number | undefined;
  /** A call that carried them never ended, and may still be taken. */
  mayBeTaken: boolean;
};

export function createRejects({ deliver, now }: RejectsOptions): Rejects {
  const waiting = new Map<string, Counts>();
  const undelivered = new Map<string, Undelivered>();
  const deliveryStartedAtMs = new Map<string, number>();
  let lastNumber = 0;

  function countsOf(region: string): Counts {
    const counts = waiting.get(region) ?? { rejected: {}, jwksErrors: 0, overloadedCalls: 0 };
    waiting.set(region, counts);
    return counts;
  }

  function deliverLater(region: string, waitUntil: WaitUntil): void {
    const startedAtMs = deliveryStartedAtMs.get(region);
    if (startedAtMs !== undefined && Math.abs(now() - startedAtMs) < DELIVERY_LOST_MS) return;
    deliveryStartedAtMs.set(region, now());
    waitUntil(deliverSoon(region));
  }

  async function deliverSoon(region: string): Promise<void> {
    await delay(DELIVER_AFTER_MS);
    deliveryStartedAtMs.delete(region);
    if (waiting.has(region) || undelivered.has(region)) await deliver(region);
  }

  function nextCounts(region: string): Undelivered | undefined {
    const counts = waiting.get(region);
    if (!counts) return undefined;
    waiting.delete(region);
    lastNumber += 1;
    const next: Undelivered = {
      counts: { number: lastNumber, ...counts },
      slot: undefined,
      sentAtMs: undefined,
      mayBeTaken: false,
    };
    undelivered.set(region, next);
    return next;
  }

  return {
    count(region, reason, waitUntil) {
      const { rejected } = countsOf(region);
      rejected[reason] = (rejected[reason] ?? 0) + 1;
      deliverLater(region, waitUntil);
    },
    countJwksError(region, waitUntil) {
      countsOf(region).jwksErrors += 1;
      deliverLater(region, waitUntil);
    },
    countOverloadedCall(region) {
      countsOf(region).overloadedCalls += 1;
    },
    take(region, slot) {
      if (waiting.size === 0 && undelivered.size === 0) return undefined;
      const next = undelivered.get(region) ?? nextCounts(region);
      if (!next || (next.slot !== undefined && next.slot !== slot)) return undefined;
      if (next.sentAtMs !== undefined) {
        if (Math.abs(now() - next.sentAtMs) < DELIVERY_LOST_MS) return undefined;
        next.mayBeTaken = true;
      }
      next.slot = slot;
      next.sentAtMs = now();
      return next.counts;
    },
    callEnded(region, { number }, outcome) {
      const current = undelivered.get(region);
      if (current?.counts.number !== number) return;
      current.sentAtMs = undefined;
      if (outcome === 'taken') undelivered.delete(region);
      else if (outcome === 'not_taken' && !current.mayBeTaken) current.slot = undefined;
    },
  };
}
