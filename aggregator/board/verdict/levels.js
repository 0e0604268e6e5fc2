/** How serious a figure is, by the objective that the aggregator gives with it. */

/** @typedef {'unknown' | 'ok' | 'warn' | 'bad'} Level */
/** @typedef {import('../../http/answers.ts').Overview['objectives']} Objectives */
/** @typedef {import('../../../shared/objectives.ts').Objective} Objective */
/** @typedef {'rtt' | 'concealment' | 'expand'} Judged the measures that the board judges by their objectives */

/** From the least to the most serious. */
export const LEVELS = Object.freeze(/** @type {const} */ (['unknown', 'ok', 'warn', 'bad']));

/**
 * @param {Objective} objective
 * @param {number | undefined} value in the unit of its objective
 * @returns {Level}
 */
export function levelOf({ warn, bad }, value) {
  if (value === undefined) return 'unknown';
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
