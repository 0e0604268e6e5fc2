/**
 * Counts of what this isolate rejected, by region, until a Forwarder has taken them: with the next call to that
 * region, or alone about a second later. Counts that travel form a numbered report; when its call fails, the
 * same report is sent again under its number, and a Forwarder that has taken it knows it. So none is lost or
 * counted twice by a call that fails; what an isolate had not delivered when it was evicted is lost with it,
 * about a second's worth.
 */
import type { RejectReason } from '../../shared/reject.ts';
import type { CountsReport, RejectCounts } from './call.ts';
import { delay, type WaitUntil } from './deadline.ts';

/** How long counts wait for a call that takes them along. */
export const DELIVER_AFTER_MS = 1_000;
/** After this, a request that was to deliver them counts as lost. */
const DELIVERY_LOST_MS = 10_000;

export type RejectsOptions = {
  /** Makes a call without beacons to a region; it takes its report with {@link Rejects.take}. */
  readonly deliver: (region: string) => Promise<unknown>;
  readonly now: () => number;
};

/** How the call that carried a report ended; after `failed` its Forwarder may have taken it. */
export type Delivery = 'taken' | 'not_taken' | 'failed';

export type Rejects = {
  /** Counts one rejected request, and sees to it that the count is delivered. */
  count(region: string, reason: RejectReason, waitUntil: WaitUntil): void;
  /** Counts one JWKS fetch that failed. */
  countJwksError(region: string, waitUntil: WaitUntil): void;
  /** Counts one call that an overloaded Forwarder did not take; delivered with the region's next counts. */
  countOverloadedCall(region: string): void;
  /**
   * The report for a call to a slot; undefined when there is nothing, when a report is under way, or when one
   * that failed belongs to another slot. Each taken report is settled once.
   */
  take(region: string, slot: number): CountsReport | undefined;
  settle(region: string, delivery: Delivery): void;
};

type Counts = { rejected: RejectCounts; jwksErrors: number; overloadedCalls: number };

/** A report stays with the first slot that may have taken it. */
type Travelling = { readonly report: CountsReport; slot: number | undefined; isUnderWay: boolean };

export function createRejects({ deliver, now }: RejectsOptions): Rejects {
  const waiting = new Map<string, Counts>();
  const travelling = new Map<string, Travelling>();
  const deliveryStartedAtMs = new Map<string, number>();
  let reports = 0;

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
    if (waiting.has(region) || travelling.has(region)) await deliver(region);
  }

  function nextReport(region: string): Travelling | undefined {
    const counts = waiting.get(region);
    if (!counts) return undefined;
    waiting.delete(region);
    reports += 1;
    const next: Travelling = { report: { number: reports, ...counts }, slot: undefined, isUnderWay: false };
    travelling.set(region, next);
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
      if (waiting.size === 0 && travelling.size === 0) return undefined;
      const next = travelling.get(region) ?? nextReport(region);
      if (!next || next.isUnderWay || (next.slot !== undefined && next.slot !== slot)) return undefined;
      next.slot = slot;
      next.isUnderWay = true;
      return next.report;
    },
    settle(region, delivery) {
      const report = travelling.get(region);
      if (!report) return;
      report.isUnderWay = false;
      if (delivery === 'taken') travelling.delete(region);
      else if (delivery === 'not_taken') report.slot = undefined;
    },
  };
}
