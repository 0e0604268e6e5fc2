/** Whether people can get into calls: who can't has no session, and is in no other figure. Pure. */
import { formatCount, plural } from '../page/format.js';
import { isIncidentOf } from './judge.js';

/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {import('./judge.js').Rules} Rules */
/** @typedef {NonNullable<Region['live']>['joins']} Joins of the last minute, by result */

/** A region in which joins fail. @typedef {{ readonly region: string, readonly joins: Joins }} JoinTrouble */

/** What to look at, by the stage at which joins fail. @type {{ readonly [stage: string]: string }} */
const SUSPECTS = {
  signaling: 'the signaling service or tokens',
  ice: 'TURN, STUN or a firewall',
  dtls: 'certificates or clocks',
  media: 'the media server',
};

/** @param {Region['live']} live @param {Rules} rules @returns {boolean} whether as many fail as the alert fires at */
export function areJoinsFailing(live, { incident }) {
  return live !== undefined && isIncidentOf(failedOf(live.joins), totalOf(live.joins), incident);
}

/** @param {readonly Region[]} regions @param {Rules} rules @returns {JoinTrouble[]} those with the most failures first */
export function findJoinTroubles(regions, rules) {
  const failing = regions.flatMap(({ region, live }) =>
    live && areJoinsFailing(live, rules) ? [{ region, joins: live.joins }] : [],
  );
  return failing.sort((a, b) => failedOf(b.joins) - failedOf(a.joins));
}

/** @param {JoinTrouble} trouble @returns {string} where, how many, and at which stage */
export function joinsText({ region, joins }) {
  const stages = Object.entries(joins).filter(([result]) => result !== 'ok');
  const [stage, count] = stages.reduce((most, one) => (one[1] > most[1] ? one : most));
  const all = failedOf(joins);
  const most = count === all ? `all at ${stage}` : `most at ${stage}`;
  return `${region}: ${formatCount(all)} of ${plural(totalOf(joins), 'join')} failed within a minute, ${most} \u2013 ${SUSPECTS[stage] ?? stage}`;
}

/** @param {Joins} joins */
function totalOf(joins) {
  return Object.values(joins).reduce((sum, count) => sum + count, 0);
}

/** @param {Joins} joins */
function failedOf(joins) {
  return totalOf(joins) - joins.ok;
}
