/** What is wrong in a region, if anything: network or audio, where, and how many it touches. verdict.js puts it into words. */
import { LEVELS, levelOf, worstLevel } from './levels.js';

/** @typedef {import('./levels.js').Level} Level */
/** @typedef {import('./levels.js').Judged} Judged */
/** @typedef {import('./levels.js').Objectives} Objectives */
/** @typedef {import('../../http/answers.ts').Overview['incident']} Incident */
/** @typedef {import('../../http/answers.ts').LiveFigures} Figures */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {import('../../http/answers.ts').ServerOverview} Server */

/**
 * `cause` is undefined when nothing is wrong, and `video` when nothing but the video is. `audio` names the worse of the
 * two audio measures. `isSilence`: more people hear nothing of somebody who speaks than hear somebody badly.
 * @typedef {{
 *   readonly level: Level,
 *   readonly network: Level,
 *   readonly audio: Judged,
 *   readonly audioLevel: Level,
 *   readonly isSilence: boolean,
 *   readonly cause: 'network' | 'audio' | 'both' | 'video' | undefined,
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

/** How people are judged: what is past an objective, and how many of them make an incident. @typedef {{ readonly objectives: Objectives, readonly incident: Incident }} Rules */

/** @param {Figures} figures @param {Rules} rules @returns {Judgement} */
export function judge(figures, { objectives, incident }) {
  const { impaired_sessions: impaired, measures } = figures;
  const judged = judgedSessions(figures);
  const isIncident = (/** @type {number} */ people) => isIncidentOf(people, judged, incident);
  const byPercentile = (/** @type {Judged} */ measure) => {
    const level = levelOf(objectives[measure], measures[measure].p95);
    // A percentile of few is that of one of them, who may be just over the warning: nobody is hurt by that.
    const isSeen =
      impaired.any > 0 || isIncidentOf(measures[measure].over_warn ?? 0, measures[measure].count, incident);
    return isTrouble(level) && !isSeen ? 'ok' : level;
  };
  const concealment = byPercentile('concealment');
  const expand = byPercentile('expand');
  const network = levelOfPeople(byPercentile('rtt'), isIncident(impaired.rtt));
  const isAudioIncident = isIncident(impaired.audio) || isIncident(impaired.silence);
  const audioLevel = levelOfPeople(worstLevel([concealment, expand]), isAudioIncident);
  const audio = concealment === worstLevel([concealment, expand]) ? 'concealment' : 'expand';
  // The board has no percentile of video: nothing less than an incident is seen.
  const video = isIncident(impaired.video) ? 'bad' : 'unknown';
  const cause = causeOf(network, audioLevel) ?? (isTrouble(video) ? 'video' : undefined);
  const isSilence = isIncident(impaired.silence) && impaired.silence >= impaired.audio;
  return { level: worstLevel([network, audioLevel, video]), network, audio, audioLevel, isSilence, cause };
}

/** @param {Judgement} judgement @returns {'network' | 'audio' | 'both' | 'video' | 'silence' | undefined} what to call it */
export function nameOf({ cause, isSilence }) {
  return cause === 'audio' && isSilence ? 'silence' : cause;
}

/** @param {Figures} figures @returns {number} sessions that count: what was last heard of quiet ones may no longer be so */
export function judgedSessions({ sessions, quiet_sessions: quiet }) {
  return sessions - quiet;
}

/**
 * Bad requires an incident, judged by how many sessions it hits: a percentile of few sessions is that of one of them, and
 * a percentile of streams is that of the session that receives most of them.
 * @param {Level} level by the percentile
 * @param {boolean} isIncident
 * @returns {Level}
 */
function levelOfPeople(level, isIncident) {
  if (isIncident) return 'bad';
  return level === 'bad' ? 'warn' : level;
}

/** @param {number} impaired @param {number} people how many are there @param {Incident} incident */
export function isIncidentOf(impaired, people, incident) {
  return impaired >= incident.people && impaired >= incident.share * people;
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

/** @param {readonly Region[]} regions @param {Rules} rules @returns {Trouble[]} the most serious first */
export function findTroubles(regions, rules) {
  const troubles = regions.flatMap((region) => troubleOf(region, rules) ?? []);
  return troubles.sort(
    (a, b) => LEVELS.indexOf(b.judgement.level) - LEVELS.indexOf(a.judgement.level) || b.touched - a.touched,
  );
}

/** @param {Region} region @param {Rules} rules @returns {Trouble | undefined} */
function troubleOf(region, rules) {
  const { live } = region;
  if (!live) return undefined;
  const judgement = judge(live, rules);
  const touched = touchedBy(live, judgement);
  if (judgement.cause) return { region, figures: live, judgement, server: undefined, touched };
  const hidden = live.servers.map((server) => {
    const own = judge(server, rules);
    return { region, figures: server, judgement: own, server, touched: touchedBy(server, own) };
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
 * @param {Judgement} judgement
 * @returns {number} sessions (for RTT and video) or received streams (for audio) that are not well
 */
function touchedBy({ impaired_sessions: impaired, measures }, judgement) {
  return judgement.cause === 'video' ? impaired.video : (measures[mainMeasure(judgement)].over_warn ?? 0);
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
