/** Whether the figures can be trusted: the feed of each region, and the edge's own counters. */
import { createFigure, element, reconcile, sayRoles, setAttribute, setText } from '../page/elements.js';
import { bareMs, barePercent, bareRate, formatCount } from '../page/format.js';
import { sinceText } from '../verdict/verdict.js';

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').RegionOverview} Region */
/** @typedef {import('../charts/history.js').History} History */

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
    /** @param {Overview} overview @param {History} history */
    update({ regions }, history) {
      const parts = reconcile(rows, { after: first, items: regions, keyOf: ({ region }) => region, create: createRow });
      for (const [index, region] of regions.entries()) parts[index]?.update(region, history);
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
  const head = element('th', { scope: 'row', role: 'rowheader' }, element('span', { class: 'name' }, name));
  const node = element('tr', { role: 'row' }, head, state);
  node.append(accepted.cell, rejected.cell, reason, lost.cell, spool.cell, delay.cell);
  return {
    node,
    /** @param {Region} region @param {History} history */
    update({ feed, health }, history) {
      const activity = history.activityOf(name);
      setText(state, feedText(feed, health));
      setAttribute(node, 'data-level', feed.up && !health.topology_mismatch ? undefined : 'silent');
      accepted.set(bareRate(activity?.acceptedPerSecond));
      rejected.set(bareRate(activity?.rejectedPerSecond));
      setText(reason, activity?.mainReason ?? '');
      lost.set(barePercent(activity?.lostRatio));
      spool.set(formatCount(activity?.spool));
      delay.set(bareMs(activity?.ingestDelayP95));
    },
  };
}

/**
 * The edge and this process read the same lanes only when they have the same topology.
 * @param {Region['feed']} feed @param {Region['health']} health
 */
export function feedText(feed, health) {
  if (!feed.up) return `down since ${sinceText(feed)}`;
  return health.topology_mismatch ? 'up, but the edge has a different topology' : 'up';
}
