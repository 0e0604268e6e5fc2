/**
 * What the page remembers from one scrape to the next: the last quarter of an hour of p95, since
 * when a feed is down, and counters of the last minute as rates. The clock is each snapshot's own.
 */
import { histogramQuantile, subtractBuckets } from './histogram.js';

/** @typedef {import('./snapshot.js').Snapshot} Snapshot */
/** @typedef {import('./snapshot.js').Region} Region */
/** @typedef {import('./snapshot.js').Health} Health */

/** @typedef {{ readonly atMs: number, readonly value: number | undefined }} Point seconds of RTT; undefined: not known then */
/** @typedef {{ readonly sinceMs: number, readonly orEarlier: boolean }} Silence `orEarlier`: it was so when we first looked */

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

/** @typedef {{ points: Point[], window: { atMs: number, health: Health }[], lastUpMs: number | undefined, silence: Silence | undefined }} Memory */

export const KEPT_MS = 15 * 60_000;
/** Rates are over this long: a dozen polls, so that one beat more or less does not show. */
export const RATE_MS = 60_000;

/** @typedef {ReturnType<typeof createHistory>} History */

export function createHistory() {
  /** @type {Map<string, Memory>} */
  const memories = new Map();
  /** @type {number | undefined} */
  let startedAt;

  return {
    /** @param {Snapshot} snapshot newer than all before it */
    add(snapshot) {
      const isRestarted = snapshot.startedAt !== startedAt;
      startedAt = snapshot.startedAt;
      for (const region of snapshot.regions) {
        const memory = memories.get(region.name) ?? { points: [], window: [], lastUpMs: undefined, silence: undefined };
        memories.set(region.name, memory);
        // Counters begin anew with the process.
        if (isRestarted) memory.window.length = 0;
        remember(memory, region, snapshot.atMs);
      }
    },
    /** @param {string} region @returns {readonly Point[]} p95 of the RTT, oldest first */
    rttP95: (region) => memories.get(region)?.points ?? [],
    /** @param {string} region @returns {Silence | undefined} undefined while its feed is up */
    silenceOf: (region) => memories.get(region)?.silence,
    /** @param {string} region @returns {Activity | undefined} */
    activityOf: (region) => measure(memories.get(region)?.window ?? []),
  };
}

/**
 * @param {Memory} memory
 * @param {Region} region
 * @param {number} atMs
 */
function remember(memory, { feedUp, figures, health }, atMs) {
  memory.points.push({ atMs, value: figures?.rtt.p95 });
  while (memory.points[0] && memory.points[0].atMs < atMs - KEPT_MS) memory.points.shift();
  if (feedUp) {
    memory.lastUpMs = atMs;
    memory.silence = undefined;
    memory.window.push({ atMs, health });
    while (memory.window[0] && memory.window[0].atMs < atMs - RATE_MS) memory.window.shift();
  } else {
    memory.silence ??= { sinceMs: memory.lastUpMs ?? atMs, orEarlier: memory.lastUpMs === undefined };
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
  const { spool } = newest;
  const seconds = (last.atMs - first.atMs) / 1000;
  if (seconds <= 0) return { ...NOTHING_YET, spool };
  const { health: oldest } = first;
  /** @type {[string, number][]} */
  const reasons = [...newest.rejected].map(([reason, count]) => [reason, count - (oldest.rejected.get(reason) ?? 0)]);
  const main = reasons.reduce((most, reason) => (reason[1] > most[1] ? reason : most), ['', 0]);
  const rejected = reasons.reduce((sum, [, count]) => sum + count, 0);
  const accepted = grown(newest.accepted, oldest.accepted);
  const lost = grown(newest.lost, oldest.lost);
  const applied = grown(newest.applied, oldest.applied);
  const sent = lost === undefined || applied === undefined ? undefined : lost + applied;
  return {
    acceptedPerSecond: accepted === undefined ? undefined : accepted / seconds,
    rejectedPerSecond: newest.rejected.size === 0 ? undefined : Math.max(0, rejected) / seconds,
    mainReason: main[0] || undefined,
    lostRatio: lost === undefined || !sent ? undefined : lost / sent,
    spool,
    ingestDelayP95: histogramQuantile(0.95, subtractBuckets(newest.ingestDelay, oldest.ingestDelay)),
  };
}

const NOTHING_YET = Object.freeze({
  acceptedPerSecond: undefined,
  rejectedPerSecond: undefined,
  mainReason: undefined,
  lostRatio: undefined,
  ingestDelayP95: undefined,
});

/**
 * @param {number | undefined} newer
 * @param {number | undefined} older
 */
function grown(newer, older) {
  return newer === undefined || older === undefined ? undefined : Math.max(0, newer - older);
}
