/**
 * Writes the computed tables into docs/scaling.md, each between its two markers; with `--check` it only reports whether they
 * are up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Deployment, limitsOfDefaults, type Plan, planFor } from './scaling/plan.ts';

const FILE = new URL('../docs/scaling.md', import.meta.url);
const TTL_SECONDS = 30;

const DEPLOYMENTS: readonly Deployment[] = [
  { sessions: 1_000, regions: 1, servers: 4, isolates: 20, replicas: 1, ttlSeconds: TTL_SECONDS },
  { sessions: 10_000, regions: 1, servers: 8, isolates: 100, replicas: 2, ttlSeconds: TTL_SECONDS },
  { sessions: 1_000_000, regions: 4, servers: 64, isolates: 1_000, replicas: 2, ttlSeconds: TTL_SECONDS },
  { sessions: 10_000_000, regions: 8, servers: 256, isolates: 5_000, replicas: 2, ttlSeconds: TTL_SECONDS },
];

type Row = readonly [what: string, read: (plan: Plan, deployment: Deployment) => string];

const NEEDS: readonly Row[] = [
  [
    'assumed: regions, media servers, isolates that serve at once',
    (_, { regions, servers, isolates }) => `${regions}, ${count(servers)}, ${count(isolates)}`,
  ],
  [
    'beacons a second, all calls fine; all in trouble',
    ({ beacons }) => `${count(beacons.fine)}; ${count(beacons.trouble)}`,
  ],
  ['`FORWARDERS`, of each region', ({ forwarders }) => count(forwarders)],
  ['`LANES`', ({ lanes }) => count(lanes)],
  ['NATS: into the stream of each region', ({ nats }) => `${bytes(nats.bytesPerSecond)}/s`],
  ["NATS: CPU of the stream's leader", ({ nats }) => `${count(nats.millicores)}m`],
  ['NATS: `max_bytes`, on each of its servers', ({ nats }) => bytes(nats.streamBytes)],
  [
    'aggregators: regions x shards x replicas',
    ({ shards }, { regions, replicas }) =>
      `${regions} x ${shards} x ${replicas} = ${count(regions * shards * replicas)}`,
  ],
  ['CPU of each', ({ aggregator }) => `${count(aggregator.millicores)}m`],
  ['memory of each', ({ aggregator }) => `${count(aggregator.megabytes)} MB`],
  ['series, all processes together', ({ prometheus }) => rounded(prometheus.series)],
  ['memory of Prometheus for them', ({ prometheus }) => `${prometheus.gigabytes.toFixed(1)} GB`],
];

const COSTS: readonly Row[] = [
  ['Workers: requests', ({ cost }) => dollars(cost.workersRequests)],
  ['Workers: CPU', ({ cost }) => dollars(cost.workersCpu)],
  ['Durable Objects: requests', ({ cost }) => dollars(cost.objectRequests)],
  ['Durable Objects: duration', ({ cost }) => dollars(cost.objectDuration)],
  ['together, with the plan', ({ cost }) => dollars(cost.total)],
  ['a thousand session hours', ({ cost }, { sessions }) => `$${((cost.total / (sessions * 720)) * 1_000).toFixed(2)}`],
];

const TABLES: Readonly<Record<string, () => string>> = {
  needs: () => planTable('concurrent sessions', NEEDS),
  costs: () => planTable('concurrent sessions, all month', COSTS),
  limits: () =>
    table(
      ['sessions of one region', 'limit', 'then'],
      limitsOfDefaults(TTL_SECONDS).map(({ sessions, what, remedy }) => [rounded(sessions), what, remedy]),
    ),
};

function planTable(title: string, rows: readonly Row[]): string {
  const plans = DEPLOYMENTS.map((deployment) => ({ deployment, plan: planFor(deployment) }));
  return table(
    [title, ...DEPLOYMENTS.map(({ sessions }) => count(sessions))],
    rows.map(([what, read]) => [what, ...plans.map(({ plan, deployment }) => read(plan, deployment))]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Plans are no more exact than two digits, three where that is a whole number. */
function rounded(value: number): string {
  return count(Number(value.toPrecision(value < 1_000 ? 3 : 2)));
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function bytes(value: number): string {
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} MB` : `${(value / 1e9).toFixed(1)} GB`;
}

function dollars(value: number): string {
  return `$${rounded(value)}`;
}

function render(before: string): string {
  return Object.entries(TABLES).reduce((text, [name, tableText]) => {
    const marked = new RegExp(
      `(<!-- computed: ${name}, by npm run scaling-doc -->\\n).*?(\\n<!-- end of computed -->)`,
      's',
    );
    if (!marked.test(text)) throw new Error(`docs/scaling.md has lost the markers around its table of ${name}`);
    return text.replace(marked, (_, start: string, end: string) => `${start}\n${tableText()}\n${end}`);
  }, before);
}

const before = readFileSync(FILE, 'utf8');
const after = render(before);
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, after);
} else if (before !== after) {
  console.error('docs/scaling.md is out of date: run "npm run scaling-doc"');
  process.exitCode = 1;
}
