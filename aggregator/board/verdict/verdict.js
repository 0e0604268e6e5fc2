/** One sentence that answers: which region, which server, network or audio, how many sessions. Pure. */
import {
  formatClock,
  formatCount,
  formatPerSecond,
  formatRatio,
  formatSeconds,
  formatServer,
  plural,
} from '../page/format.js';
import { findTroubles, isTrouble, judge, judgedSessions, localize, mainMeasure, nameOf } from './judge.js';
import { levelOf } from './levels.js';
import { countText, impairedText, nounOf, quietText } from './people.js';

/** @typedef {import('./levels.js').Level} Level */
/** @typedef {import('./levels.js').Judged} Judged */
/** @typedef {import('./levels.js').Objectives} Objectives */
/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {Extract<import('../../http/answers.ts').FeedOverview, { readonly up: false }>} Silence */
/** @typedef {import('../../http/answers.ts').ServerOverview} Server */
/** @typedef {import('./judge.js').Trouble} Trouble */

/**
 * `headline` has no figures: it changes only when the situation does.
 * @typedef {{ readonly level: Level, readonly headline: string, readonly sentence: string }} Verdict
 */

/** @type {{ readonly [J in Judged]: { readonly name: string, readonly format: (value: number | undefined) => string } }} */
const MEASURES = {
  rtt: { name: 'RTT', format: formatSeconds },
  concealment: { name: 'concealment', format: formatRatio },
  expand: { name: 'expand', format: formatPerSecond },
};

const CAUSES = { network: 'network', audio: 'audio', both: 'network and audio', video: 'video', silence: 'silence' };

/** @param {Overview} overview @returns {Verdict} */
export function reachVerdict(overview) {
  const { regions } = overview;
  const silent = regions.flatMap(({ region, feed }) => (feed.up ? [] : [{ region, feed }]));
  const [worst, ...others] = findTroubles(regions, overview);
  if (worst) return troubled({ overview, silent, worst, others });
  if (silent.length === regions.length) {
    // One broken connection takes the regions down a moment apart; none is heard since the last of them went.
    const { feed } = silent.reduce((last, one) => (one.feed.since_ms > last.feed.since_ms ? one : last));
    if (silent.some(({ feed: one }) => one.replaying)) {
      const sentence = 'Catching up with what was missed: nothing is known of the calls yet.';
      return { level: 'unknown', headline: 'catching up', sentence };
    }
    return {
      level: 'unknown',
      headline: 'no feed',
      sentence: `No feed from any region since ${sinceText(feed)}: nothing is known of the calls.`,
    };
  }
  const calm = calmVerdict(overview);
  if (silent.length === 0) return overview.shown.missing.length === 0 ? calm : partialVerdict(calm);
  return {
    level: 'unknown',
    headline: `no feed: ${silent.map(({ region }) => region).join(', ')}`,
    sentence: `Nothing is known of ${silentText(silent)}. Elsewhere ${lowerFirst(calm.sentence)}`,
  };
}

/** @param {Verdict} calm of the shards that answer @returns {Verdict} whoever is in the others may fare badly */
function partialVerdict({ sentence }) {
  return {
    level: 'unknown',
    headline: 'a part does not answer',
    sentence: `Nothing is known of a part of the fleet, which does not answer. Elsewhere ${lowerFirst(sentence)}`,
  };
}

/** @param {Objectives} objectives @returns {string} every threshold, for the page's legend */
export function thresholdsText(objectives) {
  const judged = /** @type {Judged[]} */ (Object.keys(MEASURES));
  return judged
    .map((measure) => {
      const { warn, bad } = objectives[measure];
      return `${MEASURES[measure].name} p95 ${thresholdText(measure, warn)} and ${thresholdText(measure, bad)}`;
    })
    .join(', ');
}

/** @param {Judged} measure @param {number} threshold @returns {string} exact: 2 %, not 2.0 % */
function thresholdText(measure, threshold) {
  return MEASURES[measure].format(threshold).replace('.0', '');
}

/** @param {Silence} silence @returns {string} why nothing is known of a region */
export function silenceText(silence) {
  // It is heard again, and what was missed meanwhile is being read: its figures would be of then.
  return silence.replaying ? 'catching up' : `no feed since ${sinceText(silence)}`;
}

/** @param {Silence} silence */
export function sinceText({ since_ms, or_earlier }) {
  return `${formatClock(since_ms)}${or_earlier ? ' or earlier' : ''}`;
}

/** @param {Overview} overview @returns {Verdict} of the regions that are heard, none of which has a trouble */
function calmVerdict(overview) {
  const { regions, all } = overview;
  const heard = regions.filter(({ live }) => live && live.sessions > 0);
  if (all.sessions === 0) {
    const sentence = 'No session reports: nobody is in a call, or no beacon comes through.';
    return { level: 'unknown', headline: 'no sessions', sentence };
  }
  const noun = nounOf(regions);
  const quiet = quietText(all);
  const crowd = `${countText(all.sessions, noun)} in ${plural(heard.length, 'region')}${quiet && `, ${quiet}`}`;
  if (judge(all, overview).level === 'unknown') {
    const isQuiet = judgedSessions(all) === 0;
    const why = isQuiet ? 'they vanished, or their beacons are late' : 'nobody has reported RTT or audio yet';
    return { level: 'unknown', headline: 'no figures yet', sentence: `${crowd}: ${why}.` };
  }
  const highest = [highestText(heard, 'rtt'), highestText(heard, 'concealment')].filter(Boolean).join(', ');
  // Not of people of whom some are impaired, too few in any one region to be an incident.
  const headline = all.impaired_sessions.any === 0 ? 'all is well' : 'no incident';
  return {
    level: 'ok',
    headline,
    sentence: `${upperFirst(headline)}: ${[`highest p95 ${highest}`, crowd, impairedText(all, noun)].filter(Boolean).join('; ')}.`,
  };
}

/** @param {readonly Region[]} regions @param {Judged} measure */
function highestText(regions, measure) {
  const { name, format } = MEASURES[measure];
  const known = regions.flatMap((region) => {
    const value = region.live?.measures[measure].p95;
    return value === undefined ? [] : [{ region: region.region, value }];
  });
  if (known.length === 0) return '';
  const top = known.reduce((most, candidate) => (candidate.value > most.value ? candidate : most));
  return `${name} ${format(top.value)} (${top.region})`;
}

/** @typedef {readonly { readonly region: string, readonly feed: Silence }[]} Silent regions */

/**
 * @param {{ readonly overview: Overview, readonly silent: Silent, readonly worst: Trouble, readonly others: readonly Trouble[] }} situation
 * @returns {Verdict}
 */
function troubled({ overview: { objectives }, silent, worst, others }) {
  const { region, judgement } = worst;
  const causeOf = (/** @type {Trouble} */ trouble) => CAUSES[nameOf(trouble.judgement) ?? 'both'];
  const also = others.map((trouble) => `${trouble.region.region} (${causeOf(trouble)})`);
  const quiet = quietText(worst.figures);
  const sentence = [
    ...(isByPercentile(worst, objectives) ? measuredText(worst, objectives) : countedText(worst)),
    ...(quiet ? [quiet] : []),
    ...(also.length > 0 ? [`also ${also.join(', ')}`] : []),
    ...(silent.length > 0 ? [`nothing is known of ${silentText(silent)}`] : []),
  ].join('; ');
  return { level: judgement.level, headline: `${region.region}: ${causeOf(worst)}`, sentence: `${sentence}.` };
}

/** @param {Trouble} trouble @param {Objectives} objectives */
function measuredText(trouble, objectives) {
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
function isByPercentile({ figures, judgement }, objectives) {
  if (judgement.cause === 'video' || nameOf(judgement) === 'silence') return false;
  const measure = mainMeasure(judgement);
  return isTrouble(levelOf(objectives[measure], figures.measures[measure].p95));
}

/** @param {Trouble} trouble */
function countedText({ region, figures, judgement: { cause }, server }) {
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

/** @param {Silent} silent */
function silentText(silent) {
  return silent.map(({ region, feed }) => `${region} (${silenceText(feed)})`).join(', ');
}

/** @param {string} sentence */
function upperFirst(sentence) {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** @param {string} sentence */
function lowerFirst(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
