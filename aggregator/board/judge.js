/** What is wrong in a region, if anything: network or audio, where, and how many it touches. verdict.js puts it into words. */
import { LEVELS, levelOf, worstLevel } from './levels.js';

/** @typedef {import('./levels.js').Level} Level */
/** @typedef {import('./levels.js').Judged} Judged */
/** @typedef {import('./levels.js').Objectives} Objectives */
/** @typedef {import('../http/answers.ts').LiveFigures} Figures */
/** @typedef {import('../http/answers.ts').RegionOverview} Region */
/** @typedef {import('../http/answers.ts').ServerOverview} Server */

/**
 * `cause` is undefined when nothing is wrong. `audio` names the worse of the two audio measures.
 * @typedef {{
 *   readonly level: Level,
 *   readonly network: Level,
 *   readonly audio: Judged,
 *   readonly audioLevel: Level,
 *   readonly cause: 'network' | 'audio' | 'both' | undefined,
 * }} Judgement
 */

/**
 * A region that is not well: in all, or (`server`) in one server that the region's percentile hides.
 * @typedef {{
 *   readonly region: Region,
 *   readonly figures: Figures,
 *   readonly judgement: Judgement,
 *   readonly server: Server | undefined,
 *   readonly touched: number,
 * }} Trouble
 */

/** Fewer than this on one server point to a client's own network, not to the server. */
export const LEAST_TOUCHED = 5;

/** @param {Figures} figures @param {Objectives} objectives @returns {Judgement} */
export function judge({ measures }, objectives) {
  const network = levelOf(objectives.rtt, measures.rtt.p95);
  const concealment = levelOf(objectives.concealment, measures.concealment.p95);
  const expand = levelOf(objectives.expand, measures.expand.p95);
  const audioLevel = worstLevel([concealment, expand]);
  const audio = concealment === audioLevel ? 'concealment' : 'expand';
  return { level: worstLevel([network, audioLevel]), network, audio, audioLevel, cause: causeOf(network, audioLevel) };
}

/** @param {Level} network @param {Level} audio */
function causeOf(network, audio) {
  if (isTrouble(network)) return isTrouble(audio) ? 'both' : 'network';
  return isTrouble(audio) ? 'audio' : undefined;
}

/** @param {Level} level */
export function isTrouble(level) {
  return level === 'warn' || level === 'bad';
}

/** @param {readonly Region[]} regions @param {Objectives} objectives @returns {Trouble[]} the most serious first */
export function findTroubles(regions, objectives) {
  const troubles = regions.flatMap((region) => troubleOf(region, objectives) ?? []);
  return troubles.sort(
    (a, b) => LEVELS.indexOf(b.judgement.level) - LEVELS.indexOf(a.judgement.level) || b.touched - a.touched,
  );
}

/** @param {Region} region @param {Objectives} objectives @returns {Trouble | undefined} */
function troubleOf(region, objectives) {
  const { live } = region;
  if (!live) return undefined;
  const judgement = judge(live, objectives);
  const touched = touchedBy(live, mainMeasure(judgement));
  if (judgement.cause) return { region, figures: live, judgement, server: undefined, touched };
  const hidden = live.servers.map((server) => {
    const own = judge(server, objectives);
    return { region, figures: server, judgement: own, server, touched: touchedBy(server, mainMeasure(own)) };
  });
  return hidden
    .filter((trouble) => trouble.judgement.cause && trouble.touched >= LEAST_TOUCHED)
    .reduce(
      (/** @type {Trouble | undefined} */ most, trouble) => (most && most.touched >= trouble.touched ? most : trouble),
      undefined,
    );
}

/** @param {Judgement} judgement @returns {Judged} what to look at first */
export function mainMeasure({ cause, audio }) {
  return cause === 'audio' ? audio : 'rtt';
}

/**
 * @param {Figures} figures
 * @param {Judged} measure
 * @returns {number} sessions (for RTT) or received streams over its warning
 */
export function touchedBy({ measures }, measure) {
  return measures[measure].over_warn ?? 0;
}

/**
 * @param {readonly Server[]} servers
 * @param {Judged} measure
 * @param {Objectives} objectives
 * @returns {{ readonly known: readonly Server[], readonly affected: readonly Server[] }}
 */
export function localize(servers, measure, objectives) {
  const p95 = (/** @type {Server} */ { measures }) => measures[measure].p95;
  const known = servers.filter((server) => p95(server) !== undefined);
  return { known, affected: known.filter((server) => isTrouble(levelOf(objectives[measure], p95(server)))) };
}
