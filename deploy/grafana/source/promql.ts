/**
 * The expressions of the panels. A name or a label that /metrics does not have fails the generator, every family is
 * filtered by those variables that it has labels for, and every expression counts each series once, whatever the
 * number of replicas: `max` takes the replicas' copies together, and the label `shard` keeps shards apart to be summed.
 */
import { FAMILIES } from '../../../aggregator/metrics/families.ts';
import type { Family } from '../../../aggregator/metrics/family.ts';
import { OBJECTIVES } from '../../../shared/objectives.ts';
import { LEVELS, type Level } from '../../prometheus/source/expressions.ts';
import { GROUPS } from '../../prometheus/source/groups.ts';

/** Labels of the families by which a dashboard is filtered; the variables have the same names. */
export const FILTERS = ['region', 'server_type', 'server_url'] as const;

export type Matchers = { readonly [label: string]: string };

export type Query = {
  /** As /metrics has it: with `_bucket` and so on, of a histogram. */
  readonly name: string;
  /** Labels that the answer keeps; none for one value. */
  readonly by?: readonly string[];
  /** Matchers beside those of the variables, `cause: '="rtt"'`. */
  readonly where?: Matchers;
  /** Of a rate; by default what Grafana finds long enough. */
  readonly window?: string;
};

const RATE_INTERVAL = '$__rate_interval';

/** The series of a family that the variables choose. @throws on a name or a label that /metrics does not have */
export function select({ name, where = {} }: Pick<Query, 'name' | 'where'>): string {
  const { labels } = familyOf(name);
  for (const label of Object.keys(where)) {
    if (!labels.includes(label)) throw new Error(`${name} has no label ${label}`);
  }
  const filters = FILTERS.filter((label) => labels.includes(label) && !(label in where));
  const matchers = [
    ...filters.map((label) => `${label}=~"$${label}"`),
    ...Object.entries(where).map(([label, matcher]) => label + matcher),
  ];
  return matchers.length === 0 ? name : `${name}{${matchers.join(', ')}}`;
}

const RECORDED = new Set(
  GROUPS.flatMap(({ rules }) => rules.flatMap((rule) => ('record' in rule ? [rule.record] : []))),
);

/** A recorded series, `region:what:how`, which counts each thing once already. @throws when no rule records it */
export function recorded(level: Level, what: string): string {
  const name = `${level}:${what}`;
  if (!RECORDED.has(name)) throw new Error(`no rule records ${name}`);
  const labels = FILTERS.filter((label) => LEVELS[level].split(', ').includes(label));
  return `${name}{${labels.map((label) => `${label}=~"$${label}"`).join(', ')}}`;
}

/** Alerts that fire now, of the chosen regions and of none. */
export const FIRING = 'ALERTS{alertname=~"Edgepulse.+", alertstate="firing", region=~"$region|"}';

/** Each series once, whatever the number of replicas. */
export function once(vector: string): string {
  return `max without (instance, pod) (${vector})`;
}

/** A gauge, summed over shards and over all labels but `by`. */
export function sum(query: Query): string {
  return `${aggregate('sum', query)} (${once(select(query))})`;
}

/** A counter's increase per second, summed in the same way. */
export function perSecond(query: Query): string {
  return `${aggregate('sum', query)} (${rate(query)})`;
}

/** The largest, or smallest, of a gauge that can't be summed. */
export function extreme(operator: 'max' | 'min', query: Query): string {
  return `${aggregate(operator, query)} (${once(select(query))})`;
}

/** Of a live distribution: a gauge histogram, hence without rate(). `name` without `_bucket`. */
export function liveQuantile(quantile: number, query: Query): string {
  return `histogram_quantile(${quantile}, ${sum(bucketsOf(query))})`;
}

/** Of a histogram of what happened. `name` without `_bucket`. */
export function quantileOfRate(quantile: number, query: Query): string {
  return `histogram_quantile(${quantile}, ${perSecond(bucketsOf(query))})`;
}

/** The share of the RTT samples that were within the objective. */
export function rttWithinObjective(query: Pick<Query, 'by' | 'window'>): string {
  const good = { ...query, name: 'edgepulse_rtt_seconds_bucket', where: { le: `="${OBJECTIVES.rtt.bad}"` } };
  return `${perSecond(good)} / (${perSecond({ ...query, name: 'edgepulse_rtt_seconds_count' })} > 0)`;
}

/** Those of the sessions past their objectives that have this cause, as a share of the living sessions. */
export function impairedShare(cause: string, by: readonly string[] = []): string {
  const impaired = sum({ name: 'edgepulse_impaired_sessions', by, where: { cause: `="${cause}"` } });
  return `${impaired} / (${sum({ name: 'edgepulse_sessions', by })} > 0)`;
}

/** Of the process, or of Prometheus about its target: with the labels of the target alone. */
export function ofProcess(name: ProcessMetric): string {
  return `${name}{job=~"$job"}`;
}

type ProcessMetric = `${'process' | 'nodejs'}_${string}` | 'up' | 'scrape_duration_seconds' | 'scrape_samples_scraped';

function rate(query: Query): string {
  const { type } = familyOf(query.name);
  if (type === 'gauge') throw new Error(`${query.name} is a gauge: it has no rate`);
  return once(`rate(${select(query)}[${query.window ?? RATE_INTERVAL}])`);
}

function bucketsOf(query: Query): Query {
  return { ...query, name: `${query.name}_bucket`, by: ['le', ...(query.by ?? [])] };
}

function aggregate(operator: string, { name, by = [] }: Query): string {
  const { labels } = familyOf(name);
  for (const label of by) if (!labels.includes(label)) throw new Error(`${name} has no label ${label}`);
  return by.length === 0 ? operator : `${operator} by (${by.join(', ')})`;
}

function familyOf(name: string): Family {
  const ofHistogram = name.replace(/_(?:bucket|sum|count)$/, '');
  const family = FAMILIES.find((one) => one.name === name || (one.type === 'histogram' && one.name === ofHistogram));
  if (!family || (family.type === 'histogram' && family.name === name)) throw new Error(`/metrics has no ${name}`);
  return family;
}
