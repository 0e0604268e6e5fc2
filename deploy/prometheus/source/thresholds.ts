/**
 * From when on an alert fires, for everything that is not a figure of the calls: those are in shared/objectives.ts, which
 * the board judges by too. docs/runbook.md prints these values.
 */

/** Windows of the Google SRE workbook ("Alerting on SLOs"): the share of a 30-day budget that is gone, and how fast. */
export const BURN = {
  /** Pages: 2 % of the budget in an hour, or 5 % in six hours. The short window ends the alert soon after the trouble. */
  fast: [
    { factor: 14.4, long: '1h', short: '5m' },
    { factor: 6, long: '6h', short: '30m' },
  ],
  /** A ticket: the whole budget, if it goes on like this for a month. */
  slow: { factor: 1, long: '3d', short: '6h' },
} as const;

export const PIPELINE = {
  /** Seconds behind the broker. From 5 s on, the feed counts as down (BEHIND_MS in aggregator/feed/). */
  feedLagSeconds: 2,
  /** Seconds from the edge to the aggregator, at the 99th percentile. */
  ingestDelaySeconds: 5,
  /** Seconds without a canary, of which one a minute is due. */
  canarySeconds: 180,
  /** Shares of the beacons. */
  lostShare: 0.05,
  rejectedShare: 0.05,
  unavailableShare: 0.01,
  implausibleShare: 0.01,
  /** Share of MAX_SESSION_SERIES. */
  seriesShare: 0.9,
  clockSkewSeconds: 5,
  /** SESSION_TTL_SECONDS: set it to yours. */
  ttlSeconds: 30,
} as const;
