/** The aggregator's counters as rates of the last minute. The clock is the page's own, at each answer. */

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {import('../../http/answers.ts').HealthOverview} Health */
/** @typedef {Health['ingest_delay_seconds']} Observations */

/**
 * Of the last minute or less. Undefined: not known, or not yet.
 * @typedef {{
 *   readonly acceptedPerSecond: number | undefined,
 *   readonly rejectedPerSecond: number | undefined,
 *   readonly mainReason: string | undefined,
 *   readonly lostRatio: number | undefined,
 *   readonly spool: number | undefined,
 *   readonly ingestDelayP95: number | undefined,
 * }} Activity
 */

/** @typedef {{ readonly atMs: number, readonly health: Health }} Look */

/** Rates are over this long: a dozen polls, so that one beat more or less does not show. */
export const RATE_MS = 60_000;

/**
 * `add`: of an overview newer than all before it, and when it came. `activityOf`: undefined when nothing is known.
 * @typedef {{ add(overview: Overview, atMs: number): void, activityOf(region: string): Activity | undefined }} Rates
 */

/** @returns {Rates} */
export function createRates() {
  /** @type {Map<string, Look[]>} */
  const windows = new Map();
  /** @type {number | undefined} */
  let startedAtMs;

  return {
    add({ started_at_ms, regions }, atMs) {
      const isRestarted = started_at_ms !== startedAtMs;
      startedAtMs = started_at_ms;
      for (const { region, feed, health } of regions) {
        // Counters begin anew with the process. What the edge does while the feed is down can't be heard; and what it did
        // comes all at once later, at no true rate.
        const kept = isRestarted || !feed.up ? [] : (windows.get(region) ?? []);
        if (feed.up) kept.push({ atMs, health });
        while (kept[0] && kept[0].atMs < atMs - RATE_MS) kept.shift();
        windows.set(region, kept);
      }
    },
    activityOf: (region) => measure(windows.get(region) ?? []),
  };
}

/**
 * @param {readonly Look[]} window
 * @returns {Activity | undefined}
 */
function measure(window) {
  const first = window[0];
  const last = window.at(-1);
  if (!first || !last) return undefined;
  const { health: newest } = last;
  const { spooled: spool } = newest;
  const seconds = (last.atMs - first.atMs) / 1000;
  if (seconds <= 0) return { ...NOTHING_YET, spool };
  const { health: oldest } = first;
  const reasons = Object.entries(newest.rejected).map(
    ([reason, count]) => /** @type {const} */ ([reason, count - (oldest.rejected[reason] ?? 0)]),
  );
  const main = reasons.reduce((most, reason) => (reason[1] > most[1] ? reason : most), /** @type {const} */ (['', 0]));
  const rejected = reasons.reduce((sum, [, count]) => sum + count, 0);
  const lost = grown(newest.lost, oldest.lost);
  const sent = lost + grown(newest.applied, oldest.applied);
  return {
    acceptedPerSecond: grown(newest.accepted, oldest.accepted) / seconds,
    rejectedPerSecond: Math.max(0, rejected) / seconds,
    mainReason: main[0] || undefined,
    lostRatio: sent === 0 ? undefined : lost / sent,
    spool,
    ingestDelayP95: quantileBetween(0.95, oldest.ingest_delay_seconds, newest.ingest_delay_seconds),
  };
}

const NOTHING_YET = Object.freeze({
  acceptedPerSecond: undefined,
  rejectedPerSecond: undefined,
  mainReason: undefined,
  lostRatio: undefined,
  ingestDelayP95: undefined,
});

/** @param {number} newer @param {number} older */
function grown(newer, older) {
  return Math.max(0, newer - older);
}

/**
 * Of what was observed between two looks at a histogram: interpolated inside its bucket, as PromQL's
 * `histogram_quantile` does.
 * @param {number} q over 0, at most 1
 * @param {Observations} older
 * @param {Observations} newer
 * @returns {number | undefined} undefined when nothing was observed
 */
export function quantileBetween(q, older, newer) {
  const { bounds } = newer;
  const counts = newer.counts.map((count, i) => grown(count, older.counts[i] ?? 0));
  const rank = q * counts.reduce((sum, count) => sum + count, 0);
  if (rank === 0) return undefined;
  let below = 0;
  for (const [i, upper] of bounds.entries()) {
    const count = counts[i] ?? 0;
    const lower = bounds[i - 1] ?? 0;
    if (below + count >= rank) return lower + (upper - lower) * ((rank - below) / count);
    below += count;
  }
  // Over the last bound nothing is known but that bound.
  return bounds.at(-1);
}
