/**
 * The broker's clock, estimated from the timestamps that arrive and carried on by a monotonic clock.
 * The wall clock of this host has no part in it: it may be wrong, and it may be set while we run.
 */

export type BrokerClock = {
  /** The broker's time now, ms since the epoch; NaN before it was first seen. Never later than it really is, but for drift. */
  timeAt(monotonicMs: number): number;
  /**
   * A timestamp of the broker that was read at `monotonicMs`.
   * @param isPrompt nothing was waiting in front of it, so that it says what time it is now
   */
  observe(timestampMs: number, monotonicMs: number, isPrompt: boolean): void;
};

/**
 * A timestamp is never read before it was made, so that the largest difference to our clock is the best
 * one. It is given up only for the best of so long a time in which nothing waited: the two clocks
 * drift apart by seconds a day, and the broker's may be set back.
 */
const WINDOW_MS = 10_000;
const WINDOW_SAMPLES = 3;

export function createBrokerClock(): BrokerClock {
  let aheadMs = Number.NaN;
  let windowSinceMs = 0;
  let windowBestMs = Number.NEGATIVE_INFINITY;
  let windowSamples = 0;

  return {
    timeAt: (monotonicMs) => monotonicMs + aheadMs,
    observe(timestampMs, monotonicMs, isPrompt) {
      const sampleMs = timestampMs - monotonicMs;
      if (!(sampleMs <= aheadMs)) aheadMs = sampleMs;
      if (!isPrompt) return;
      if (windowSamples === 0) windowSinceMs = monotonicMs;
      windowSamples++;
      windowBestMs = Math.max(windowBestMs, sampleMs);
      if (windowSamples < WINDOW_SAMPLES || monotonicMs - windowSinceMs < WINDOW_MS) return;
      aheadMs = windowBestMs;
      windowBestMs = Number.NEGATIVE_INFINITY;
      windowSamples = 0;
    },
  };
}
