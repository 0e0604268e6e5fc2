/** Every rule, in groups: Prometheus evaluates the rules of a group in order, so an alert reads what was just recorded. */
import { CALLS_ALERTS } from './calls-alerts.ts';
import { CALLS_RECORDED } from './calls-recorded.ts';
import { EDGE_ALERTS, EDGE_RECORDED } from './edge.ts';
import { FEED_ALERTS, FEED_RECORDED } from './feed.ts';
import { type Alert, type Group, isAlert } from './rule.ts';
import { SLO_GROUP } from './slo.ts';

export const GROUPS: readonly Group[] = [
  { name: 'edgepulse-feed', rules: [...FEED_RECORDED, ...FEED_ALERTS] },
  { name: 'edgepulse-calls', rules: [...CALLS_RECORDED, ...CALLS_ALERTS] },
  { name: 'edgepulse-edge', rules: [...EDGE_RECORDED, ...EDGE_ALERTS] },
  SLO_GROUP,
];

export const ALERTS: readonly Alert[] = GROUPS.flatMap(({ rules }) => rules.filter(isAlert));
