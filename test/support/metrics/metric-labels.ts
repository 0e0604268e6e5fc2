/** What an expression may name: the metrics of /metrics and their labels, and what Prometheus itself adds. */
import { FAMILIES } from '../../../aggregator/metrics/families.ts';
import { namesOf, type Selector } from './promql.ts';

/** Of the target, the aggregator's `shard`, and `shards`, which label_replace() makes of that. */
const ADDED = ['job', 'instance', 'pod', 'shard', 'shards'];

/** Of Prometheus about its targets and alerts, and their labels. */
const OF_PROMETHEUS: ReadonlyMap<string, readonly string[]> = new Map([
  ['up', []],
  ['scrape_duration_seconds', []],
  ['scrape_samples_scraped', []],
  ['ALERTS', ['alertname', 'alertstate', 'severity', 'region', 'server_url', 'server_type', 'cause']],
]);

const SUFFIXES = ['_bucket', '_sum', '_count'];

const OF_METRICS: ReadonlyMap<string, readonly string[]> = new Map(
  FAMILIES.flatMap(({ name, type, labels }): [string, readonly string[]][] => {
    if (type !== 'histogram') return [[name, labels]];
    return SUFFIXES.map((suffix) => [name + suffix, labels.filter((label) => label !== 'le' || suffix === '_bucket')]);
  }),
);

/** Names that are known beside those: recorded series, and the metrics of the process. */
export type Known = ReadonlyMap<string, readonly string[]>;

/** What the expression names that does not exist: empty when it is right. @throws when it is no PromQL */
export function unknownNames(expression: string, known: Known = new Map()): string[] {
  const { selectors, groupings } = namesOf(expression);
  const labelsOf = ({ name }: Selector) => OF_METRICS.get(name) ?? OF_PROMETHEUS.get(name) ?? known.get(name);
  const names = selectors.filter((selector) => !labelsOf(selector)).map(({ name }) => name);
  const has = (selector: Selector, label: string) => ADDED.includes(label) || labelsOf(selector)?.includes(label);
  return [
    ...names,
    ...selectors.flatMap((selector) =>
      selector.labels.filter((label) => !has(selector, label)).map((label) => `${selector.name}{${label}}`),
    ),
    ...groupings.flatMap(({ labels, selectors: over }) =>
      labels.filter((label) => over.some((selector) => !has(selector, label))).map((label) => `by (${label})`),
    ),
  ];
}
