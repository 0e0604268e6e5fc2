/**
 * When a figure is worth waking up for: every threshold of the board, in one place. Each is also a
 * bound of its live histogram's buckets, so that how many lie over it is counted, not estimated.
 */

/** @typedef {'unknown' | 'ok' | 'warn' | 'bad'} Level */
/** @typedef {'rtt' | 'concealment' | 'expand'} Judged what has thresholds */

/** A p95 over `warn` is a warning, over `bad` bad. */
export const THRESHOLDS = Object.freeze({
  /** Seconds. */
  rtt: Object.freeze({ warn: 0.15, bad: 0.25 }),
  /** Ratio of samples that are audibly concealed. */
  concealment: Object.freeze({ warn: 0.02, bad: 0.05 }),
  /** NetEQ operations per second. */
  expand: Object.freeze({ warn: 5, bad: 15 }),
});

/** From the least to the most serious. */
export const LEVELS = Object.freeze(/** @type {const} */ (['unknown', 'ok', 'warn', 'bad']));

/**
 * @param {Judged} what
 * @param {number | undefined} value in the unit of its thresholds
 * @returns {Level}
 */
export function levelOf(what, value) {
  if (value === undefined) return 'unknown';
  const { warn, bad } = THRESHOLDS[what];
  if (value > bad) return 'bad';
  return value > warn ? 'warn' : 'ok';
}

/**
 * @param {readonly Level[]} levels
 * @returns {Level} the most serious one
 */
export function worstLevel(levels) {
  return LEVELS.findLast((level) => levels.includes(level)) ?? 'unknown';
}
