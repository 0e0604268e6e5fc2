/** One sentence that answers: which region, which server, network or audio, how many sessions. Pure. */
import { formatClock, plural } from '../page/format.js';
import { findJoinTroubles, joinsText } from './joining.js';
import { findTroubles, judge, judgedSessions, nameOf } from './judge.js';
import { countText, impairedText, nounOf, quietText } from './people.js';
import { countedText, isByPercentile, MEASURES, measuredText, thresholdText } from './trouble.js';

/** @typedef {import('./levels.js').Level} Level */
/** @typedef {import('./levels.js').Judged} Judged */
/** @typedef {import('./levels.js').Objectives} Objectives */
/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {Extract<import('../../http/answers.ts').FeedOverview, { readonly up: false }>} Silence */
/** @typedef {import('./joining.js').JoinTrouble} JoinTrouble */
/** @typedef {import('./judge.js').Trouble} Trouble */

/**
 * `headline` has no figures: it changes only when the situation does.
 * @typedef {{ readonly level: Level, readonly headline: string, readonly sentence: string }} Verdict
 */

const CAUSES = { network: 'network', audio: 'audio', both: 'network and audio', video: 'video', silence: 'silence' };

/** @param {Overview} overview @returns {Verdict} */
export function reachVerdict(overview) {
  const { regions } = overview;
  const silent = regions.flatMap(({ region, feed }) => (feed.up ? [] : [{ region, feed }]));
  const [worst, ...others] = findTroubles(regions, overview);
  const joins = findJoinTroubles(regions, overview);
  // Who can't join is hurt more than whoever is just past a warning.
  if (worst && (worst.judgement.level === 'bad' || joins.length === 0)) {
    return troubled({ overview, silent, worst, others, joins });
  }
  if (joins.length > 0) return joinVerdict({ overview, silent, joins });
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
 * @param {{ readonly overview: Overview, readonly silent: Silent, readonly worst: Trouble, readonly others: readonly Trouble[], readonly joins: readonly JoinTrouble[] }} situation
 * @returns {Verdict}
 */
function troubled({ overview: { objectives }, silent, worst, others, joins }) {
  const { region, judgement } = worst;
  const causeOf = (/** @type {Trouble} */ trouble) => CAUSES[nameOf(trouble.judgement) ?? 'both'];
  const also = others.map((trouble) => `${trouble.region.region} (${causeOf(trouble)})`);
  const quiet = quietText(worst.figures);
  const sentence = [
    ...(isByPercentile(worst, objectives) ? measuredText(worst, objectives) : countedText(worst)),
    ...(quiet ? [quiet] : []),
    ...(also.length > 0 ? [`also ${also.join(', ')}`] : []),
    ...joins.map(joinsText),
    ...(silent.length > 0 ? [`nothing is known of ${silentText(silent)}`] : []),
  ].join('; ');
  return { level: judgement.level, headline: `${region.region}: ${causeOf(worst)}`, sentence: `${sentence}.` };
}

/**
 * Of joins that fail where those who are in calls fare well, or at least not badly.
 * @param {{ readonly overview: Overview, readonly silent: Silent, readonly joins: readonly JoinTrouble[] }} situation
 * @returns {Verdict}
 */
function joinVerdict({ overview, silent, joins }) {
  const where = joins.map(({ region }) => region).join(', ');
  const warned = findTroubles(overview.regions, overview).map(({ region }) => region.region);
  const calls = warned.length > 0 ? [`in calls: a warning in ${warned.join(', ')}`] : callsText(overview);
  const unknown = silent.length > 0 ? [`nothing is known of ${silentText(silent)}`] : [];
  return {
    level: 'bad',
    headline: `${where}: joins fail`,
    sentence: `${[...joins.map(joinsText), ...calls, ...unknown].join('; ')}.`,
  };
}

/** @param {Overview} overview @returns {string[]} */
function callsText(overview) {
  const { level, headline } = calmVerdict(overview);
  return level === 'ok' ? [`of those in calls, ${headline}`] : [];
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
