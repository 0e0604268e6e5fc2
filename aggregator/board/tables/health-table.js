/** Whether the figures can be trusted: the feed of each region, and the edge's own counters. */
import { createFigure, element, reconcile, sayRoles, setAttribute, setText } from '../page/elements.js';
import { bareMs, barePercent, bareRate, formatCount } from '../page/format.js';
import { sinceText } from '../verdict/verdict.js';

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {import('./rates.js').Rates} Rates */

/** @param {HTMLTableElement} table with a body */
export function createHealthTable(table) {
  const [body] = table.tBodies;
  if (!body) throw new TypeError('the table of health has no body');
  sayRoles(table);
  const first = element('tr', { hidden: '' });
  body.append(first);
  /** @type {Map<string, ReturnType<typeof createRow>>} */
  const rows = new Map();
  return {
    /** @param {Overview} overview @param {Rates} rates */
    update({ regions }, rates) {
      const parts = reconcile(rows, { after: first, items: regions, keyOf: ({ region }) => region, create: createRow });
      for (const [index, region] of regions.entries()) parts[index]?.update(region, rates);
    },
  };
}

/** @param {Region} region */
function createRow({ region: name }) {
  const state = element('td', { class: 'feed', role: 'cell', 'data-label': 'feed' });
  const accepted = createFigure('accepted/s');
  const rejected = createFigure('rejected/s');
  const reason = element('td', { class: 'reason', role: 'cell', 'data-label': 'mostly' });
  const lost = createFigure('lost, %');
  const spool = createFigure('spooled');
  const delay = createFigure('delay, ms');
  const skew = createFigure('clock skew, ms');
  const reach = createFigure('reach, s');
  const forwarders = createFigure('forwarders');
  const head = element('th', { scope: 'row', role: 'rowheader' }, element('span', { class: 'name' }, name));
  const node = element('tr', { role: 'row' }, head, state);
  node.append(accepted.cell, rejected.cell, reason, lost.cell, spool.cell, delay.cell);
  node.append(skew.cell, reach.cell, forwarders.cell);
  return {
    node,
    /** @param {Region} region @param {Rates} rates */
    update({ feed, health }, rates) {
      const activity = rates.activityOf(name);
      setText(state, feedText(feed, health));
      setAttribute(node, 'data-level', feed.up && !health.topology_mismatch ? undefined : 'silent');
      accepted.set(bareRate(activity?.acceptedPerSecond));
      rejected.set(bareRate(activity?.rejectedPerSecond));
      setText(reason, activity?.mainReason ?? '');
      lost.set(barePercent(activity?.lostRatio));
      spool.set(formatCount(activity?.spool));
      delay.set(bareMs(activity?.ingestDelayP95));
      skew.set(bareMs(greatestSkew(health)));
      reach.set(formatCount(health.stream_reach_seconds));
      forwarders.set(formatCount(health.forwarders));
    },
  };
}

/** @param {Region['health']} health @returns {number | undefined} of the host's clock or the edge's, whichever is further off */
function greatestSkew({ clock_skew_seconds: skew }) {
  const known = [skew?.host, skew?.edge].flatMap((seconds) => (seconds === undefined ? [] : Math.abs(seconds)));
  return known.length === 0 ? undefined : Math.max(...known);
}

/**
 * The edge and this process read the same lanes only when they have the same topology.
 * @param {Region['feed']} feed @param {Region['health']} health
 */
export function feedText(feed, health) {
  const { lag_seconds: lag } = feed;
  if (!feed.up) return feed.replaying ? `catching up, ${formatCount(lag)} s behind` : `down since ${sinceText(feed)}`;
  if (health.topology_mismatch) return 'up, but the edge has a different topology';
  const up = feed.through === undefined ? 'up' : `up through ${feed.through}`;
  return lag === undefined ? up : `${up}, ${lag < 1 ? 'no lag' : `${formatCount(lag)} s behind`}`;
}
