/** What time it is in one region: as far as all of its cursors have been read, and how far that is behind. Pure. */
import type { BrokerClock } from './broker-clock.ts';
import type { ReadPosition } from './read-position.ts';

export type RegionClock = {
  /** The cursor furthest behind, ms since the epoch by the broker; NaN while one of them has read nothing. */
  readMs(monotonicMs: number): number;
  /** How far that is behind the broker's time now; NaN while it is not known. */
  lagMs(monotonicMs: number): number;
  /** Whether the lag is over {@link BEHIND_MS}; then until it is under {@link CAUGHT_UP_MS}. */
  isBehind(monotonicMs: number): boolean;
};

/** Nothing in the way of a message takes so long but work that waits. */
export const BEHIND_MS = 5_000;
export const CAUGHT_UP_MS = 2_000;

export function createRegionClock(
  broker: Pick<BrokerClock, 'timeAt'>,
  positions: readonly Pick<ReadPosition, 'timeAt'>[],
): RegionClock {
  let behind = false;

  function readMs(monotonicMs: number): number {
    let earliestMs = Number.POSITIVE_INFINITY;
    // Math.min gives NaN when one of them is NaN.
    for (const position of positions) earliestMs = Math.min(earliestMs, position.timeAt(monotonicMs));
    return earliestMs;
  }

  function lagMs(monotonicMs: number): number {
    return Math.max(0, broker.timeAt(monotonicMs) - readMs(monotonicMs));
  }

  return {
    readMs,
    lagMs,
    isBehind(monotonicMs) {
      const lag = lagMs(monotonicMs);
      behind = lag > (behind ? CAUGHT_UP_MS : BEHIND_MS);
      return behind;
    },
  };
}
