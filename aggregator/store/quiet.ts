/**
 * When a session that is silent has gone quiet: after more than two of its own intervals between beacons. It may have
 * vanished without a goodbye; until its TTL has run out it is counted, and no longer judged. Pure arithmetic.
 */

export type Quietness = {
  /** Of a session that sent one beacon. */
  readonly firstIntervalMs: number;
  /** @param elapsedMs between its two newest beacons, as the edge received them @returns the estimate after the newer one */
  nextInterval(intervalMs: number, elapsedMs: number): number;
  /** For how long it may be silent before it is quiet; from a TTL on it never is. */
  quietAfterMs(intervalMs: number): number;
};

/** The reporter sends at once when a figure gets worse, but not more often. */
const INTERVAL_MIN_MS = 1_000;
/** Networks, an edge that waits for company, and the timers of busy pages make beacons late by less. */
export const SLACK_MAX_MS = 2_000;
const SLACK_MIN_MS = 250;

export function createQuietness(ttlMs: number): Quietness {
  // A healthy reporter sends every quarter of the TTL, stretched by up to a fifth.
  const firstIntervalMs = Math.ceil(0.3 * ttlMs);
  const slackMs = Math.min(SLACK_MAX_MS, Math.max(SLACK_MIN_MS, ttlMs / 15));
  return {
    firstIntervalMs,
    nextInterval(intervalMs, elapsedMs) {
      // Intervals are shorter in trouble and long again at once when it is over, so that the longest of the last few counts.
      const longestMs = Math.max(elapsedMs, 0.875 * intervalMs, INTERVAL_MIN_MS);
      return Math.ceil(Math.min(longestMs, ttlMs / 2));
    },
    quietAfterMs: (intervalMs) => 2 * intervalMs + slackMs,
  };
}
