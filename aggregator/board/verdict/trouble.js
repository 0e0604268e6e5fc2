/** A region that is not well, in words: what is bad, where, and for how many. Pure. */
import { formatCount, formatPerSecond, formatRatio, formatSeconds, formatServer, plural } from '../page/format.js';
import { isTrouble, judgedSessions, localize, mainMeasure, nameOf } from './judge.js';
import { levelOf } from './levels.js';
import { countText, impairedText, nounOf } from './people.js';

/** @typedef {import('./levels.js').Judged} Judged */
/** @typedef {import('./levels.js').Objectives} Objectives */
/** @typedef {import('../../http/answers.ts').ServerOverview} Server */
/** @typedef {import('./judge.js').Trouble} Trouble */

/** @type {{ readonly [J in Judged]: { readonly name: string, readonly format: (value: number | undefined) => string } }} */
export const MEASURES = {
  rtt: { name: 'RTT', format: formatSeconds },
  concealment: { name: 'concealment', format: formatRatio },
  expand: { name: 'expand', format: formatPerSecond },
};

/** @param {Trouble} trouble @param {Objectives} objectives */
export function measuredText(trouble, objectives) {
  return [
    `${trouble.region.region}: ${figuresText(trouble)} \u2013 ${causeText(trouble)}`,
    ...whereText(trouble, objectives),
    howManyText(trouble, objectives),
  ];
}

/**
 * Whether a percentile shows the trouble. Five people of a hundred are an incident that a p95 can hide, and it has none of
 * video or silence: then the figure would be one that is fine.
 * @param {Trouble} trouble @param {Objectives} objectives
 */
export function isByPercentile({ figures, judgement }, objectives) {
  if (judgement.cause === 'video' || nameOf(judgement) === 'silence') return false;
  const measure = mainMeasure(judgement);
  return isTrouble(levelOf(objectives[measure], figures.measures[measure].p95));
}

/** @param {Trouble} trouble */
export function countedText({ region, figures, judgement: { cause }, server }) {
  const noun = nounOf([region]);
  const [count, what] = countedOf(cause, figures.impaired_sessions);
  const where = server ? [`on ${serverText(server)} alone`] : [];
  const whom = `${formatCount(count)} of ${countText(judgedSessions(figures), noun)}`;
  return [`${region.region}: ${whom} ${what}`, ...where, ...othersText(figures, noun, count)];
}

/**
 * Those who are impaired by something else too, or whose side it is.
 * @param {Trouble['figures']} figures @param {import('./people.js').Noun} noun @param {number} counted
 */
function othersText(figures, noun, counted) {
  const impaired = impairedText(figures, noun);
  if (figures.impaired_sessions.any > counted) return [impaired];
  const [, side] = impaired.split(', ');
  return side ? [side] : [];
}

/** @param {Trouble['judgement']['cause']} cause @param {Trouble['figures']['impaired_sessions']} impaired @returns {[count: number, what: string]} */
function countedOf(cause, { rtt, audio, video, silence }) {
  if (cause === 'video') return [video, 'receive video with loss or freezes \u2013 video'];
  if (cause !== 'audio') return [rtt, 'have a bad RTT \u2013 network'];
  if (silence > 0 && silence >= audio) return [silence, "can't hear somebody who speaks \u2013 silence"];
  return [audio, 'hear somebody badly \u2013 audio'];
}

/** @param {Trouble} trouble */
function figuresText({ figures, judgement }) {
  /** @type {Judged[]} */
  const measures = judgement.cause === 'both' ? ['rtt', judgement.audio] : [mainMeasure(judgement)];
  return measures
    .map((measure) => {
      const { name, format } = MEASURES[measure];
      const { p95, p95_elsewhere: elsewhere } = figures.measures[measure];
      const others = elsewhere === undefined ? '' : ` (others ${format(elsewhere)})`;
      return `${name} p95 ${format(p95)}${others}`;
    })
    .join(', ');
}

/** @param {Trouble} trouble */
function causeText({ figures, judgement }) {
  if (judgement.cause === 'network') return 'network';
  if (judgement.cause === 'both') return 'network, and audio suffers';
  const rtt = figures.measures.rtt.p95;
  return `audio, by loss or jitter: RTT is ${rtt === undefined ? 'not known' : `within its objective at ${formatSeconds(rtt)}`}`;
}

/** @param {Trouble} trouble @param {Objectives} objectives @returns {string[]} nothing, when no server stands out */
function whereText({ region, judgement, server }, objectives) {
  if (server) return [`on ${serverText(server)} alone`];
  const { known, affected } = localize(region.live?.servers ?? [], mainMeasure(judgement), objectives);
  const [only] = affected;
  if (!only) return [];
  if (known.length === 1) return [`on its only server, ${serverText(only)}`];
  if (affected.length === known.length) {
    // One host is one server, by however many transports it is reached: nothing tells it from the region's network.
    const hosts = new Set(known.map(({ server_url: url }) => hostOf(url)));
    const [host] = hosts;
    if (hosts.size === 1) return [`on its only server, ${host} (${known.length} transports)`];
    return [`on all ${known.length} servers`];
  }
  return [affected.length === 1 ? `on ${serverText(only)} alone` : `on ${affected.length} of ${known.length} servers`];
}

/** @param {string} url */
function hostOf(url) {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** @param {Server} server */
function serverText({ server_url: url, server_type: type }) {
  return formatServer({ url, type });
}

/** @param {Trouble} trouble @param {Objectives} objectives */
function howManyText({ region, figures, judgement, touched }, objectives) {
  const impaired = impairedText(figures, nounOf([region]));
  if (impaired) return impaired;
  const measure = mainMeasure(judgement);
  const noun = measure === 'rtt' ? 'session' : 'stream';
  const over = thresholdText(measure, objectives[measure].warn);
  return `${touched} of ${plural(figures.measures[measure].count, noun)} over ${over}, nobody is impaired`;
}

/** @param {Judged} measure @param {number} threshold @returns {string} exact: 2 %, not 2.0 % */
export function thresholdText(measure, threshold) {
  return MEASURES[measure].format(threshold).replace('.0', '');
}
