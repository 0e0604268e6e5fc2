/** How many are there, how many of them are impaired, and whose side that is, in words. Pure. */
import { formatCount, plural } from '../page/format.js';
import { judgedSessions } from './judge.js';

/** @typedef {import('../../http/answers.ts').LiveFigures} Figures */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */

/** What is counted: `people` where nobody has two sessions, for a session is what is measured. @typedef {'people' | 'sessions'} Noun */

/** Whose fault bad streams are; of the rest nobody knows. */
const SIDES = /** @type {const} */ ([
  { side: 'server', words: 'the server' },
  { side: 'publisher', words: 'the sender’s uplink' },
  { side: 'receiver', words: 'their own downlink' },
]);

/** @param {readonly Region[]} regions that are counted together @returns {Noun} */
export function nounOf(regions) {
  const heard = regions.flatMap(({ live }) => live ?? []);
  return heard.every(({ sessions, participants }) => sessions === participants) ? 'people' : 'sessions';
}

/** @param {number} count @param {Noun} noun @returns {string} `1 person`, `84 people` */
export function countText(count, noun) {
  if (noun === 'sessions') return plural(count, 'session');
  return count === 1 ? '1 person' : `${formatCount(count)} people`;
}

/** @param {Figures} figures @param {Noun} noun @returns {string} `12 of 84 people are impaired, mostly by their own downlink`, which is the side of most bad streams; empty when nobody is */
export function impairedText(figures, noun) {
  const { impaired_sessions: impaired, impaired_streams: streams } = figures;
  if (impaired.any === 0) return '';
  const bad = Object.values(streams).reduce((sum, count) => sum + count, 0);
  const most = SIDES.find(({ side }) => 2 * streams[side] > bad);
  const whose = most ? `, mostly by ${most.words}` : '';
  const whom = `${formatCount(impaired.any)} of ${countText(judgedSessions(figures), noun)}`;
  return `${whom} ${impaired.any === 1 ? 'is' : 'are'} impaired${whose}`;
}

/** @param {Figures} figures @returns {string} `3 quiet`; empty when none is */
export function quietText({ quiet_sessions: quiet }) {
  return quiet > 0 ? `${formatCount(quiet)} quiet` : '';
}
