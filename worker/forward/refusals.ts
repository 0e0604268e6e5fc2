/**
 * Counts of what this isolate refused, by region, until a Forwarder has taken them: with the next batch of
 * that region, or alone about a second later. A call that fails puts its counts back, so that each refusal
 * is told once; what an isolate had not told when it was evicted is lost with it, a second's worth.
 */
import type { RejectReason } from '../../shared/reject.ts';
import type { Refusals } from './call.ts';
import { delay, type Hold } from './deadline.ts';

/** How long counts wait for a batch that takes them along. */
export const TELL_AFTER_MS = 1_000;
/** After this a teller whose request was lost counts as gone. */
const TELLER_LOST_MS = 10_000;

export type UntoldCounts = { refused: Refusals; jwksErrors: number };

export type RefusalsOptions = {
  /** Tells a region's counts to a Forwarder; what it takes, it has taken with {@link RefusalCounts.take}. */
  readonly tell: (region: string) => Promise<unknown>;
  readonly now: () => number;
};

export type RefusalCounts = {
  /** Counts one refused request, and sees to it that the count is told. */
  count(region: string, reason: RejectReason, hold: Hold): void;
  /** Counts one JWKS fetch that failed. */
  countJwksError(region: string, hold: Hold): void;
  /** Hands a region's counts over; the caller puts them back if it can't tell them. */
  take(region: string): UntoldCounts;
  putBack(region: string, counts: UntoldCounts): void;
};

export function createRefusals({ tell, now }: RefusalsOptions): RefusalCounts {
  const untold = new Map<string, UntoldCounts>();
  const tellers = new Map<string, number>();

  function countsOf(region: string): UntoldCounts {
    const counts = untold.get(region) ?? { refused: {}, jwksErrors: 0 };
    untold.set(region, counts);
    return counts;
  }

  function tellLater(region: string, hold: Hold): void {
    const startedAtMs = tellers.get(region);
    if (startedAtMs !== undefined && now() - startedAtMs < TELLER_LOST_MS) return;
    tellers.set(region, now());
    hold(tellSoon(region));
  }

  async function tellSoon(region: string): Promise<void> {
    await delay(TELL_AFTER_MS);
    tellers.delete(region);
    if (untold.has(region)) await tell(region);
  }

  return {
    count(region, reason, hold) {
      const { refused } = countsOf(region);
      refused[reason] = (refused[reason] ?? 0) + 1;
      tellLater(region, hold);
    },
    countJwksError(region, hold) {
      countsOf(region).jwksErrors += 1;
      tellLater(region, hold);
    },
    take(region) {
      const counts = untold.get(region);
      untold.delete(region);
      return counts ?? { refused: {}, jwksErrors: 0 };
    },
    putBack(region, { refused, jwksErrors }) {
      if (jwksErrors === 0 && Object.keys(refused).length === 0) return;
      const counts = countsOf(region);
      counts.jwksErrors += jwksErrors;
      for (const reason of Object.keys(refused) as RejectReason[]) {
        counts.refused[reason] = (counts.refused[reason] ?? 0) + (refused[reason] ?? 0);
      }
    },
  };
}
