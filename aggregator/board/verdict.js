/** One sentence that answers: which region, which server, network or audio, how many people. Pure. */
import { formatClock, formatPerSecond, formatRatio, formatSeconds, formatServer, plural } from './format.js';
import { findTroubles, judge, localize, mainMeasure } from './judge.js';
import { mergeFigures } from './snapshot.js';
import { THRESHOLDS } from './thresholds.js';

/** @typedef {import('./thresholds.js').Level} Level */
/** @typedef {import('./thresholds.js').Judged} Judged */
/** @typedef {import('./snapshot.js').Figures} Figures */
/** @typedef {import('./snapshot.js').Region} Region */
/** @typedef {import('./history.js').Silence} Silence */
/** @typedef {import('./judge.js').Trouble} Trouble */

/**
 * `headline` has no figures: it changes only when the situation does.
 * @typedef {{ readonly level: Level, readonly headline: string, readonly sentence: string }} Verdict
 */

/** @typedef {(region: string) => Silence | undefined} SilenceOf */

/** @type {{ readonly [J in Judged]: { readonly name: string, readonly format: (value: number | undefined) => string } }} */
const MEASURES = {
  rtt: { name: 'RTT', format: formatSeconds },
  concealment: { name: 'concealment', format: formatRatio },
  expand: { name: 'expand', format: formatPerSecond },
};

const CAUSES = { network: 'network', audio: 'audio', both: 'network and audio' };

/**
 * @param {readonly Region[]} regions
 * @param {SilenceOf} silenceOf
 * @returns {Verdict}
 */
export function reachVerdict(regions, silenceOf) {
  const silent = regions.filter(({ feedUp }) => !feedUp);
  const [worst, ...others] = findTroubles(regions);
  if (worst) return troubled(regions, silenceOf, worst, others);
  if (silent.length === regions.length) {
    const [first] = silent;
    const since = first && silent.every(({ name }) => silenceOf(name)?.sinceMs === silenceOf(first.name)?.sinceMs);
    return {
      level: 'unknown',
      headline: 'no feed',
      sentence: `No feed from any region${since ? ` since ${sinceText(silenceOf(first.name))}` : ''}: nothing is known of the calls.`,
    };
  }
  const calm = calmVerdict(regions);
  if (silent.length === 0) return calm;
  return {
    level: 'unknown',
    headline: `no feed: ${names(silent)}`,
    sentence: `Nothing is known of ${silentText(silent, silenceOf)}. Elsewhere ${lowerFirst(calm.sentence)}`,
  };
}

/** @returns {string} every threshold, for the page's legend */
export function thresholdsText() {
  const judged = /** @type {Judged[]} */ (Object.keys(MEASURES));
  return judged
    .map(
      (measure) =>
        `${MEASURES[measure].name} p95 ${thresholdText(measure, 'warn')} and ${thresholdText(measure, 'bad')}`,
    )
    .join(', ');
}

/** @param {Judged} measure @param {'warn' | 'bad'} level @returns {string} exact: 2 %, not 2.0 % */
function thresholdText(measure, level) {
  return MEASURES[measure].format(THRESHOLDS[measure][level]).replace('.0', '');
}

/** @param {Silence | undefined} silence */
export function sinceText(silence) {
  return silence ? `${formatClock(silence.sinceMs)}${silence.orEarlier ? ' or earlier' : ''}` : '';
}

/** @param {readonly Region[]} regions @returns {Verdict} of the regions that are heard, none of which has a trouble */
function calmVerdict(regions) {
  const heard = regions.filter(({ figures }) => figures && figures.sessions > 0);
  const all = mergeFigures(regions.flatMap(({ servers }) => servers.map(({ figures }) => figures)));
  if (all.sessions === 0) {
    const sentence = 'No session reports: nobody is in a call, or no beacon comes through.';
    return { level: 'unknown', headline: 'no sessions', sentence };
  }
  const crowd = `${plural(all.sessions, 'session')} in ${plural(heard.length, 'region')}`;
  if (judge(all).level === 'unknown') {
    return {
      level: 'unknown',
      headline: 'no figures yet',
      sentence: `${crowd}, and none has told its RTT or audio yet.`,
    };
  }
  const highest = [highestText(heard, 'rtt'), highestText(heard, 'concealment')].filter(Boolean).join(', ');
  return { level: 'ok', headline: 'all is well', sentence: `All is well: highest p95 ${highest}; ${crowd}.` };
}

/** @param {readonly Region[]} regions @param {Judged} measure */
function highestText(regions, measure) {
  const { name, format } = MEASURES[measure];
  const known = regions.flatMap((region) => {
    const value = region.figures?.[measure].p95;
    return value === undefined ? [] : [{ region: region.name, value }];
  });
  if (known.length === 0) return '';
  const top = known.reduce((most, candidate) => (candidate.value > most.value ? candidate : most));
  return `${name} ${format(top.value)} (${top.region})`;
}

/**
 * @param {readonly Region[]} regions
 * @param {SilenceOf} silenceOf
 * @param {Trouble} worst
 * @param {readonly Trouble[]} others
 * @returns {Verdict}
 */
function troubled(regions, silenceOf, worst, others) {
  const { region, judgement } = worst;
  const cause = CAUSES[judgement.cause ?? 'both'];
  const also = others.map((trouble) => `${trouble.region.name} (${CAUSES[trouble.judgement.cause ?? 'both']})`);
  const silent = regions.filter(({ feedUp }) => !feedUp);
  const sentence = [
    `${region.name}: ${figuresText(worst, regions)} \u2013 ${causeText(worst)}`,
    ...whereText(worst),
    howManyText(worst),
    ...(also.length > 0 ? [`also ${also.join(', ')}`] : []),
    ...(silent.length > 0 ? [`nothing is known of ${silentText(silent, silenceOf)}`] : []),
  ].join('; ');
  return { level: judgement.level, headline: `${region.name}: ${cause}`, sentence: `${sentence}.` };
}

/** @param {Trouble} trouble @param {readonly Region[]} regions */
function figuresText({ region, figures, judgement, server }, regions) {
  const rest = server
    ? mergeFigures(region.servers.filter((other) => other !== server).map((other) => other.figures))
    : mergeFigures(
        regions.filter((other) => other !== region).flatMap(({ servers }) => servers.map((other) => other.figures)),
      );
  /** @type {Judged[]} */
  const measures = judgement.cause === 'both' ? ['rtt', judgement.audio] : [mainMeasure(judgement)];
  return measures
    .map((measure) => {
      const { name, format } = MEASURES[measure];
      const comparison = rest[measure].p95;
      const others = comparison === undefined ? '' : ` (others ${format(comparison)})`;
      return `${name} p95 ${format(figures[measure].p95)}${others}`;
    })
    .join(', ');
}

/** @param {Trouble} trouble */
function causeText({ figures, judgement }) {
  if (judgement.cause === 'network') return 'network';
  if (judgement.cause === 'both') return 'network, and audio suffers';
  const rtt = figures.rtt.p95;
  return `audio, by loss or jitter: RTT is ${rtt === undefined ? 'not known' : `steady at ${formatSeconds(rtt)}`}`;
}

/** @param {Trouble} trouble @returns {string[]} nothing, when no server stands out */
function whereText({ region, judgement, server }) {
  if (server) return [`on ${formatServer(server)} alone`];
  const { known, affected } = localize(region.servers, mainMeasure(judgement));
  const [only] = affected;
  if (!only) return [];
  if (known.length === 1) return [`on its only server, ${formatServer(only)}`];
  if (affected.length === known.length) return [`on all ${known.length} servers`];
  return [
    affected.length === 1 ? `on ${formatServer(only)} alone` : `on ${affected.length} of ${known.length} servers`,
  ];
}

/** @param {Trouble} trouble */
function howManyText({ region, figures, judgement, touched }) {
  const measure = mainMeasure(judgement);
  const noun = measure === 'rtt' ? 'session' : 'stream';
  const over = thresholdText(measure, 'warn');
  const share = `${touched} of ${plural(figures[measure].count, noun)} over ${over}`;
  const people = region.figures?.participants;
  return people === undefined ? share : `${share}, ${people === 1 ? '1 person' : `${people} people`} in the region`;
}

/** @param {readonly Region[]} silent @param {SilenceOf} silenceOf */
function silentText(silent, silenceOf) {
  return silent.map(({ name }) => `${name} (no feed since ${sinceText(silenceOf(name))})`).join(', ');
}

/** @param {readonly Region[]} regions */
function names(regions) {
  return regions.map(({ name }) => name).join(', ');
}

/** @param {string} sentence */
function lowerFirst(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
