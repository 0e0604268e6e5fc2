/**
 * The rules over two shards of two replicas each give the answers that they give over one process, also while a replica is
 * killed, and while a whole shard misses scrapes.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { laneOf, lanesOf } from '../../shared/subjects.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { ruleTexts } from '../support/metrics/rule-texts.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';
import { type PrometheusProcess, startPrometheus } from '../support/processes/prometheus.ts';

const LANES = 4;
const MEETINGS = Array.from({ length: 6 }, (_, i) => `m-${i}`);
const PEOPLE = 7;
const ALL = MEETINGS.length * PEOPLE;
/** One meeting has a bad RTT. */
const IMPAIRED = PEOPLE;
const REPLICAS = ['0-a', '0-b', '1-a', '1-b'] as const;
const DEADLINE = { deadlineMs: 30_000 };
/**
 * The beacons of each person. A scrape may see some of the first ones already, and what a counter begins with is in no rate:
 * the more that follow, the less that matters.
 */
const BEACONS = 30;
/** How much two rates of the same thing may differ: they extrapolate from scrapes at different moments. */
const RATE_TOLERANCE = 0.1;

/** Records of both kinds: of gauges, which are equal, and of rates, which are equal within the tolerance. */
const SAME = [
  'server:edgepulse_sessions:sum',
  'region:edgepulse_sessions:sum',
  'server:edgepulse_impaired_sessions:sum',
  'region:edgepulse_impaired_sessions:ratio',
  'region:edgepulse_live_rtt_seconds_bucket:sum',
  'region:edgepulse_live_rtt_seconds:p50',
  'region:edgepulse_live_rtt_seconds:p95',
  'server:edgepulse_live_rtt_seconds:p99',
  'region:edgepulse_rtt_samples:rate5m',
  'server:edgepulse_slow_rtt_samples:rate5m',
  'region:edgepulse_slow_rtt_samples:ratio_rate5m',
  'region:edgepulse_slow_rtt_samples:ratio_rate3d',
  'region:edgepulse_feed_up:min',
  'region:edgepulse_forwarders:max',
];

const ends: (() => Promise<unknown>)[] = [];
const aggregators = new Map<string, AggregatorProcess>();
let feeder: Feeder;
let sharded: PrometheusProcess;
let whole: PrometheusProcess;
let seq = 0;

beforeAll(async () => {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
  const start = async (env: Record<string, string>) => {
    const options = { REGION: 'apac', LANES: `${LANES}`, SESSION_TTL_SECONDS: '600', ...env };
    const aggregator = await startAggregator({ natsUrl: nats.url, env: options });
    ends.push(() => aggregator.stop());
    return aggregator;
  };
  for (const name of REPLICAS) aggregators.set(name, await start({ SHARD: `${name[0]}/2` }));
  const targets = [...aggregators].map(([name, { url }]) => ({
    url,
    labels: { instance: `${name}:9464`, pod: `edgepulse-${name}` },
  }));
  const rules = ruleTexts();
  sharded = await startPrometheus(targets, { rules });
  ends.push(() => sharded.stop());
  whole = await startPrometheus([await start({})], { rules });
  ends.push(() => whole.stop());
  await post();
  await everybodyIsThere();
  for (let i = 1; i < BEACONS; i++) await post();
  await everythingIsRecorded(sharded, 2);
  await everythingIsRecorded(whole, 1);
});

afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function post(): Promise<void> {
  for (const meeting_id of MEETINGS) {
    const rtt = [meeting_id === 'm-0' ? 0.3 : 0.08];
    const server = { url: 'https://media-apac-1.example.com', type: 'webrtc' } as const;
    const beacons = Array.from({ length: PEOPLE }, (_, i) => ({
      session_id: `${meeting_id}-${i}`,
      meeting_id,
      seq,
      rtt,
      server,
    }));
    await feeder.send({ region: 'apac', lane: laneOf(meeting_id, LANES) }, ...beacons);
  }
  seq++;
}

async function everybodyIsThere(): Promise<void> {
  for (const prometheus of [sharded, whole]) {
    await eventually(
      async () => (await numberOf(prometheus, 'region:edgepulse_sessions:sum{region="apac"}')) === ALL,
      DEADLINE,
    );
  }
}

/** Every replica was scraped with all that was posted, and rules were evaluated since: rates on their way up can be equal by chance. */
async function everythingIsRecorded(prometheus: PrometheusProcess, replicas: number): Promise<void> {
  await eventually(
    async () =>
      (await numberOf(prometheus, 'sum(edgepulse_beacons_total{outcome="applied"})')) === replicas * ALL * BEACONS,
    DEADLINE,
  );
  const scrapedSeconds = Date.now() / 1_000;
  await eventually(
    async () =>
      Number(await numberOf(prometheus, 'timestamp(region:edgepulse_slow_rtt_samples:ratio_rate3d)')) > scrapedSeconds,
    DEADLINE,
  );
}

async function numberOf(prometheus: PrometheusProcess, expression: string): Promise<number | undefined> {
  const [result] = await prometheus.query(expression);
  return result && Number(result.value[1]);
}

/** By its labels. */
async function answer(prometheus: PrometheusProcess, record: string): Promise<Record<string, number>> {
  const found = (await prometheus.query(record)).map(({ metric, value }): [string, number] => {
    const { __name__, ...labels } = metric;
    return [JSON.stringify(Object.entries(labels).toSorted()), Number(value[1])];
  });
  return Object.fromEntries(found);
}

it('has meetings on both shards, so that without one of them every sum and share is off by more than the tolerance', () => {
  const first = lanesOf({ index: 0, count: 2 }, LANES);
  const shares = [true, false].map(
    (own) => MEETINGS.filter((meeting) => first.includes(laneOf(meeting, LANES)) === own).length / MEETINGS.length,
  );
  expect(Math.min(...shares)).toBeGreaterThan(2 * RATE_TOLERANCE);
});

it.each(SAME)('records %s as over one process', async (record) => {
  const tolerance = record.includes('rate') ? RATE_TOLERANCE : 1e-9;
  await eventually(async () => {
    const [one, other] = await Promise.all([answer(whole, record), answer(sharded, record)]);
    expect(Object.keys(one).length).toBeGreaterThan(0);
    expect(Object.keys(other).toSorted()).toEqual(Object.keys(one).toSorted());
    for (const [labels, value] of Object.entries(one)) {
      expect(Math.abs((other[labels] as number) - value), labels).toBeLessThanOrEqual(tolerance * value);
    }
    return true;
  }, DEADLINE);
});

it('alerts as over one process', async () => {
  const alerts = 'ALERTS{alertname="EdgepulseRttHigh"}';
  const labels = async (prometheus: PrometheusProcess) => (await prometheus.query(alerts)).map(({ metric }) => metric);
  const [one] = await eventually(async () => {
    const found = await labels(whole);
    return found.length > 0 ? found : undefined;
  }, DEADLINE);
  expect(one).toMatchObject({ region: 'apac', cause: 'rtt', severity: 'page' });
  expect((await labels(sharded)).map(({ region, cause }) => [region, cause])).toEqual([['apac', 'rtt']]);
});

/** What was recorded since then stayed the same all the time. */
async function stayed(record: string, fromMs: number, value: number): Promise<void> {
  const values = await eventually(async () => {
    const since = await sharded.valuesSince(record, fromMs);
    return since.length >= 15 ? since : undefined;
  }, DEADLINE);
  expect([...new Set(values)], record).toEqual([value]);
}

it('answers the same while a replica is killed', async () => {
  const fromMs = Date.now();
  await aggregators.get('0-a')?.kill();
  await eventually(async () => (await numberOf(sharded, 'sum(up)')) === 3, DEADLINE);
  await stayed('region:edgepulse_sessions:sum{region="apac"}', fromMs, ALL);
  await stayed('region:edgepulse_impaired_sessions:sum{region="apac",cause="rtt"}', fromMs, IMPAIRED);
});

it('counts the people of a shard that misses scrapes: they have not left', async () => {
  const fromMs = Date.now();
  await aggregators.get('0-b')?.kill();
  await eventually(async () => (await numberOf(sharded, 'sum(up)')) === 2, DEADLINE);
  await stayed('region:edgepulse_sessions:sum{region="apac"}', fromMs, ALL);
  expect(await numberOf(sharded, 'sum(max without (instance, pod) (edgepulse_sessions))')).toBeLessThan(ALL);
});
