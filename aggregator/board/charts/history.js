/**
 * What the page remembers from one poll to the next: the last quarter of an hour of p95, and
 * counters of the last minute as rates. The clock is the page's own, at each answer.
 */

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {import('../../http/answers.ts').HealthOverview} Health */
/** @typedef {Health['ingest_delay_seconds']} Observations */

/** @typedef {{ readonly atMs: number, readonly value: number | undefined }} Point seconds of RTT; undefined: not known then */

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

/** @typedef {{ points: Point[], window: { atMs: number, health: Health }[] }} Memory */

export const KEPT_MS = 15 * 60_000;
/** Rates are over this long: a dozen polls, so that one beat more or less does not show. */
export const RATE_MS = 60_000;

/** @typedef {ReturnType<typeof createHistory>} History */

export function createHistory() {
  /** @type {Map<string, Memory>} */
  const memories = new Map();
  /** @type {number | undefined} */
  let startedAtMs;

  return {
    /** @param {Overview} overview newer than all before it @param {number} atMs when it came */
    add({ started_at_ms, regions }, atMs) {
      const isRestarted = started_at_ms !== startedAtMs;
      startedAtMs = started_at_ms;
      for (const region of regions) {
        const memory = memories.get(region.region) ?? { points: [], window: [] };
        memories.set(region.region, memory);
        // Counters begin anew with the process.
        if (isRestarted) memory.window.length = 0;
        remember(memory, region, atMs);
      }
    },
    /** @param {string} region @returns {readonly Point[]} p95 of the RTT, oldest first */
    rttP95: (region) => memories.get(region)?.points ?? [],
    /** @param {string} region @returns {Activity | undefined} */
    activityOf: (region) => measure(memories.get(region)?.window ?? []),
  };
}

/**
 * @param {Memory} memory
 * @param {Region} region
 * @param {number} atMs
 */
function remember(memory, { feed, live, health }, atMs) {
  memory.points.push({ atMs, value: live?.measures.rtt.p95 });
  while (memory.points[0] && memory.points[0].atMs < atMs - KEPT_MS) memory.points.shift();
  if (feed.up) {
    memory.window.push({ atMs, health });
    while (memory.window[0] && memory.window[0].atMs < atMs - RATE_MS) memory.window.shift();
  } else {
    // What the edge does meanwhile can't be heard; and what it did comes all at once later, at no true rate.
    memory.window.length = 0;
  }
}

/**
 * @param {readonly { readonly atMs: number, readonly health: Health }[]} window
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
