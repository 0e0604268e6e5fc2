/** What is wrong in a region, if anything: network or audio, where, and how many it touches. Words are verdict.js's. */
import { countOver } from './histogram.js';
import { LEVELS, levelOf, THRESHOLDS, worstLevel } from './thresholds.js';

/** @typedef {import('./thresholds.js').Level} Level */
/** @typedef {import('./thresholds.js').Judged} Judged */
/** @typedef {import('./snapshot.js').Figures} Figures */
/** @typedef {import('./snapshot.js').Region} Region */
/** @typedef {import('./snapshot.js').Server} Server */

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

/** Fewer than this on one server are somebody's home network, not the server. */
export const LEAST_TOUCHED = 5;

/** @param {Figures} figures @returns {Judgement} */
export function judge(figures) {
  const network = levelOf('rtt', figures.rtt.p95);
  const concealment = levelOf('concealment', figures.concealment.p95);
  const expand = levelOf('expand', figures.expand.p95);
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

/** @param {readonly Region[]} regions @returns {Trouble[]} the most serious first */
export function findTroubles(regions) {
  const troubles = regions.flatMap((region) => troubleOf(region) ?? []);
  return troubles.sort(
    (a, b) => LEVELS.indexOf(b.judgement.level) - LEVELS.indexOf(a.judgement.level) || b.touched - a.touched,
  );
}

/** @param {Region} region @returns {Trouble | undefined} */
function troubleOf(region) {
  const { figures, servers } = region;
  if (!figures) return undefined;
  const judgement = judge(figures);
  const touched = touchedBy(figures, mainMeasure(judgement));
  if (judgement.cause) return { region, figures, judgement, server: undefined, touched };
  const hidden = servers.map((server) => {
    const own = judge(server.figures);
    return {
      region,
      figures: server.figures,
      judgement: own,
      server,
      touched: touchedBy(server.figures, mainMeasure(own)),
    };
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
export function touchedBy(figures, measure) {
  return countOver(figures[measure].buckets, THRESHOLDS[measure].warn) ?? 0;
}

/**
 * @param {readonly Server[]} servers
 * @param {Judged} measure
 * @returns {{ readonly known: readonly Server[], readonly affected: readonly Server[] }}
 */
export function localize(servers, measure) {
  const known = servers.filter(({ figures }) => figures[measure].p95 !== undefined);
  return { known, affected: known.filter(({ figures }) => isTrouble(levelOf(measure, figures[measure].p95))) };
}
