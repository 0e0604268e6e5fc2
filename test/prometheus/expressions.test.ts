/** What people look at, against a real Prometheus that scrapes the demo's fleet: no expression is empty by mistake. */
import { readFileSync } from 'node:fs';
import { connect } from 'nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readWranglerVars, type Values } from '../../aggregator/topology.ts';
import { startDemo } from '../../demo/demo.ts';
import { encodeCanary } from '../../shared/batch.ts';
import { edgeSubject, laneName } from '../../shared/subjects.ts';
import { parseConfig } from '../../worker/config.ts';
import { TEST_SECRET } from '../support/edge/tokens.ts';
import {
  type Choices,
  type Dashboard,
  type Expression,
  expressionsOf,
  interpolate,
  labelValues,
  readDashboards,
} from '../support/metrics/dashboards.ts';
import { type Known, unknownNames } from '../support/metrics/metric-labels.ts';
import { namesOf } from '../support/metrics/promql.ts';
import { alertExpressions, recordedExpressions, recordedNames } from '../support/metrics/rule-expressions.ts';
import { ruleTexts } from '../support/metrics/rule-texts.ts';
import { eventually } from '../support/poll.ts';
import { type PrometheusProcess, startPrometheus } from '../support/processes/prometheus.ts';
import { type System, startSystem } from '../support/processes/system.ts';

/** Expressions without data while all is well, and why. What they select has data all the same, but for alerts. */
const EMPTY_IN_HEALTH: ReadonlyMap<string, string> = new Map([
  ...['RTT SLOs', 'NetEQ health', 'Participation and connections', 'edgepulse itself'].flatMap(
    (title): [string, string][] => [
      [`${title}: Alerts that fire A`, 'nothing is wrong'],
      [`${title}: annotation Alerts`, 'nothing is wrong'],
    ],
  ),
  ['Participation and connections: Participants by region B', 'nobody was here a week ago'],
  ['edgepulse itself: Beacons rejected by reason A', 'only reasons that occur are drawn'],
]);

/** Alerts that read what only a region with a fallback has: test/deploy/fallback.test.ts sees that it does. */
const NEEDS_FALLBACK: ReadonlySet<string> = new Set(['EdgepulseRegionOnFallback']);

/** Long enough for counters of beacons that come every 5 s; Grafana takes at least four scrapes. */
const RATE_INTERVAL = '20s';
const DEADLINE_MS = 90_000;

let system: System;
let demo: ReturnType<typeof startDemo>;
let prometheus: PrometheusProcess;
const dashboards = readDashboards();

beforeAll(async () => {
  system = await startSystem();
  const { worker, aggregator } = system;
  demo = startDemo({ worker: worker.url, aggregators: [aggregator.url], secret: TEST_SECRET, report: () => {} });
  await publishCanaries(system.nats.url);
  prometheus = await startPrometheus([aggregator], { scrapeIntervalMs: 1_000, rules: ruleTexts() });
});

afterAll(async () => {
  await demo?.stop();
  await prometheus?.stop();
  await system?.stop();
});

/** One on each lane: no cron runs under plain workerd. */
async function publishCanaries(url: string): Promise<void> {
  const nats = await connect({ servers: url });
  const { regions, lanes } = parseConfig({ ...wranglerVars(), ENVIRONMENT: 'development', BEACON_SECRET: TEST_SECRET });
  for (const { name } of regions) {
    for (let lane = 0; lane < lanes; lane++) {
      const sentAtMs = Date.now();
      const batch = encodeCanary({ slot: 0, id: `${name}-${lane}`, sentAtMs }, { sentAtMs, signature: '' });
      await nats.jetstream().publish(edgeSubject(name, laneName(lane)), batch);
    }
  }
  await nats.close();
}

function wranglerVars(): Values {
  const read = readWranglerVars(readFileSync('wrangler.toml', 'utf8'), 'development');
  if (!read.ok) throw new Error(read.problem);
  return read.vars;
}

it('has data for every expression of every panel and variable, whatever is chosen', { timeout: 120_000 }, async () => {
  await expectData(async () => (await Promise.all(dashboards.map(asGrafanaAsks))).flat());
});

it('names only metrics and labels that /metrics has', async () => {
  const known = await beyondFamilies();
  for (const { place, expr } of (await Promise.all(dashboards.map(asGrafanaAsks))).flat()) {
    expect(unknownNames(expr, known), place).toEqual([]);
  }
});

it('has data for everything that is recorded, and for every series that an alert reads', {
  timeout: 120_000,
}, async () => {
  const read = alertExpressions()
    .filter(({ place }) => !NEEDS_FALLBACK.has(place))
    .flatMap(({ place, expr }) => namesOf(expr).selectors.map(({ text }) => ({ place, expr: text })));
  await expectData(async () => [...recordedExpressions().map(({ place }) => ({ place, expr: place })), ...read]);
});

it('names in rules only metrics and labels that /metrics has, or that are recorded', () => {
  const known = recordedNames();
  for (const { place, expr } of [...recordedExpressions(), ...alertExpressions()]) {
    // `shards` is made of `shard`, by label_replace().
    expect(unknownNames(expr.replaceAll('(job, shards)', '(job, shard)'), known), place).toEqual([]);
  }
});

it('lists as empty in health only expressions that exist', () => {
  const places = dashboards.flatMap(expressionsOf).map(({ place }) => place);
  expect([...EMPTY_IN_HEALTH.keys()].filter((place) => !places.includes(place))).toEqual([]);
});

/** Waits until all of them have data; of those that are empty in health, their selectors. */
async function expectData(read: () => Promise<Expression[]>): Promise<void> {
  let empty: string[] = [];
  await eventually(
    async () => {
      empty = [];
      for (const { place, expr } of await read()) {
        const asked = EMPTY_IN_HEALTH.has(place) ? selectedBy(expr) : [expr];
        for (const one of asked) if ((await prometheus.query(one)).length === 0) empty.push(`${place}: ${one}`);
      }
      return empty.length === 0;
    },
    { deadlineMs: DEADLINE_MS, intervalMs: 1_000 },
  ).catch(() => {});
  expect(empty).toEqual([]);
}

/** Of alerts there is nothing until one is pending. */
function selectedBy(expr: string): string[] {
  return namesOf(expr).selectors.flatMap(({ name, text }) => (name === 'ALERTS' ? [] : [text]));
}

/** Its expressions with all regions and servers, and with each of them named. */
async function asGrafanaAsks(dashboard: Dashboard): Promise<Expression[]> {
  let choices: Choices = {};
  for (const variable of dashboard.templating.list) {
    const values = labelValues(variable);
    if (!values) continue;
    const selector = interpolate(values.selector, dashboard, choices);
    const series = await prometheus.query(`group by (${values.label}) (${selector})`);
    choices = { ...choices, [variable.name]: series.map(({ metric }) => metric[values.label] ?? '') };
  }
  const { job = [] } = choices;
  return [choices, { job }].flatMap((chosen) =>
    expressionsOf(dashboard).map(({ place, expr }) => ({
      place,
      expr: interpolate(expr, dashboard, chosen, RATE_INTERVAL),
    })),
  );
}

/** Recorded series, and the metrics of the Node process, with no labels that an expression should name. */
async function beyondFamilies(): Promise<Known> {
  const { samples } = await system.aggregator.metrics();
  const ofProcess = samples.filter(({ name }) => /^(?:process|nodejs)_/.test(name));
  return new Map([...recordedNames(), ...ofProcess.map(({ name }) => [name, []] as const)]);
}
