/** The dashboards over two shards of two replicas each: the same answers as over one process, also while a replica is gone. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { laneOf } from '../../shared/subjects.ts';
import { fullPeer, fullSelfReport } from '../support/edge/beacon.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { type Expression, expressionsOf, interpolate, readDashboards } from '../support/metrics/dashboards.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';
import { type PrometheusProcess, startPrometheus } from '../support/processes/prometheus.ts';

const LANES = 4;
const MEETINGS = Array.from({ length: 8 }, (_, i) => `m-${i}`);
/** Fewer streams than a table shows: of equal ones, any could be left out. */
const PEOPLE = 3;
const SERVERS = ['https://media-1.example.com', 'https://media-2.example.com'];
const DEADLINE = { deadlineMs: 30_000, intervalMs: 200 };
/** What differs from process to process: its own use of resources, its limit, when it read something. */
const OF_A_PROCESS =
  /(?:process|nodejs|scrape)_|\bup\{|build_info|series|lag_seconds|skew_seconds|reach_seconds|ALERTS|region:|rate\(|offset/;

const ends: (() => Promise<unknown>)[] = [];
let feeder: Feeder;
let replica: AggregatorProcess;
let whole: PrometheusProcess;
let shards: PrometheusProcess;

beforeAll(async () => {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
  const start = async (shard: string) => {
    const env = {
      REGION: 'apac',
      SHARD: shard,
      LANES: `${LANES}`,
      SESSION_TTL_SECONDS: '600',
      SERVERS: SERVERS.join(),
    };
    const aggregator = await startAggregator({ natsUrl: nats.url, env });
    ends.push(() => aggregator.stop());
    return aggregator;
  };
  whole = await startPrometheus([await start('0/1')]);
  ends.push(() => whole.stop());
  const names = ['0-a', '0-b', '1-a', '1-b'];
  const four = await Promise.all(names.map((name) => start(`${name[0]}/2`)));
  replica = four[1] as AggregatorProcess;
  shards = await startPrometheus(
    four.map(({ url }, i) => ({ url, labels: { instance: `${names[i]}:9464`, pod: `edgepulse-${names[i]}` } })),
  );
  ends.push(() => shards.stop());
  for (const seq of [0, 1]) await postEverybody(seq);
});

afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Some of them far away, so that there is something impaired on each shard. */
async function postEverybody(seq: number): Promise<void> {
  for (const [i, meeting_id] of MEETINGS.entries()) {
    const beacons = Array.from({ length: PEOPLE }, (_, person) => ({
      meeting_id,
      session_id: `${meeting_id}-${person}`,
      seq,
      server: { url: SERVERS[i % 2] ?? '', type: 'webrtc' as const },
      rtt: [0.05 + 0.02 * i + (person === 0 ? 0.3 : 0)],
      peers: Array.from({ length: PEOPLE }, (_, peer) => fullPeer(`${meeting_id}-${peer}`, seq)).filter(
        (_, peer) => peer !== person,
      ),
      ...fullSelfReport(seq),
    }));
    await feeder.send({ region: 'apac', lane: laneOf(meeting_id, LANES) }, ...beacons);
  }
}

const live: readonly Expression[] = readDashboards().flatMap((dashboard) =>
  expressionsOf(dashboard).flatMap(({ place, expr }) =>
    OF_A_PROCESS.test(expr) || place.includes('variable') ? [] : [{ place, expr: interpolate(expr, dashboard, {}) }],
  ),
);

/** Without the labels of the target, and the shard. */
async function answerOf(prometheus: PrometheusProcess, expr: string): Promise<string[]> {
  const series = await prometheus.query(expr);
  return series
    .map(({ metric: { job, instance, pod, shard, ...labels }, value: [, value] }) => {
      return `${JSON.stringify(Object.entries(labels).sort())} ${value}`;
    })
    .sort();
}

/** In the end: two replicas of a shard read at different moments, and so they are scraped with different beacons for a moment. */
async function expectTheSame(): Promise<void> {
  await eventually(async () => {
    for (const { place, expr } of live) {
      expect({ place, answer: await answerOf(shards, expr) }).toEqual({ place, answer: await answerOf(whole, expr) });
    }
    return true;
  }, DEADLINE);
}

it('has the same answers as over one process', async () => {
  expect(live.length).toBeGreaterThan(40);
  const everybody = MEETINGS.length * PEOPLE;
  for (const prometheus of [whole, shards]) {
    await eventually(async () => {
      const [all] = await prometheus.query('sum(max without (instance, pod) (edgepulse_live_audio_mos_count))');
      return Number(all?.value[1]) === everybody * (PEOPLE - 1);
    }, DEADLINE);
  }
  const answers = await Promise.all(live.map(({ expr }) => answerOf(whole, expr)));
  expect(answers.filter((answer) => answer.length > 0).length).toBeGreaterThan(40);
  await expectTheSame();
});

it('has the same answers while a replica is gone', async () => {
  await replica.kill();
  await eventually(async () => (await shards.query('up == 0')).length === 1, DEADLINE);
  await expectTheSame();
});
