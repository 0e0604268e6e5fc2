/**
 * An aggregator that is restarted repeatedly under load, as a real Prometheus sees it: it never counts more than what the
 * clients sent, and misses only what arrived while there was no process to scrape.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { STREAM } from '../../shared/subjects.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { startFeeder } from '../support/edge/feeder.ts';
import { testToken } from '../support/edge/tokens.ts';
import { eventually, pause } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';
import { type PrometheusProcess, type RawSeries, startPrometheus } from '../support/processes/prometheus.ts';
import { postBeacon, type System, startSystem } from '../support/processes/system.ts';

const RESTARTS = 10;
const REGIONS = ['apac', 'eu-west'];
const SESSIONS = 10;
const POST_EVERY_MS = 200;
/** What each process applies before it is killed: more than the first scrape of the next one can show. */
const APPLIED_AT_LEAST = 40;
const RTT = [0.081, 0.079];
/** Received between two beacons of a session. */
const SAMPLES = 9_600;
/** From the answer to a client until its beacon is in /metrics, on a busy machine. */
const UNTIL_SHOWN_MS = 500;
const DEADLINE = { deadlineMs: 20_000 };

const started: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part.stop();
});

function keep<T extends { stop(): Promise<unknown> }>(part: T): T {
  started.push(part);
  return part;
}

type Post = { readonly sentAtMs: number; readonly answeredAtMs: number; readonly isFirst: boolean };

/** Sessions that post all the time. Every post must be accepted: only the aggregator is away. */
function startClients(worker: System['worker']): { posts: Post[]; stop(): Promise<void> } {
  const posts: Post[] = [];
  let isStopped = false;

  async function post(session: string, region: string, token: string): Promise<void> {
    for (let seq = 0; !isStopped; seq++) {
      const sentAtMs = Date.now();
      const audio = { totalSamplesReceived: seq * SAMPLES, concealedSamples: seq };
      const peers = [{ peer_id: 'p', audio }];
      const beacon = validBeacon({ session_id: session, participant_id: session, seq, rtt: RTT, peers });
      const [answer] = await Promise.all([postBeacon(worker, beacon, { region, token }), pause(POST_EVERY_MS)]);
      expect(answer.status).toBe(204);
      posts.push({ sentAtMs, answeredAtMs: Date.now(), isFirst: seq === 0 });
    }
  }

  const running = Promise.all(
    Array.from({ length: SESSIONS }, async (_, i) => {
      const session = `s-${i}`;
      await post(session, REGIONS[i % REGIONS.length] ?? '', await testToken({ meeting: 'm-1', session }));
    }),
  );
  return {
    posts,
    async stop() {
      isStopped = true;
      await running;
    },
  };
}

/** PromQL's `increase` over raw samples, without extrapolation: a value that fell restarted at zero. */
function increaseOf(series: readonly RawSeries[]): number {
  let increase = 0;
  for (const { samples } of series) {
    let before = 0;
    for (const { value } of samples) {
      increase += value < before ? value : value - before;
      before = value;
    }
  }
  return increase;
}

type Downtime = { readonly fromMs: number; readonly toMs: number };

/** Kills the process, or has it stop, once Prometheus has scraped enough of it, and waits until the next one is ready. */
async function restart(aggregator: AggregatorProcess, prometheus: PrometheusProcess, round: number): Promise<Downtime> {
  const { pid } = aggregator;
  await eventually(async () => {
    const [applied] = await prometheus.query('min(edgepulse_beacons_total{outcome="applied",region=~"apac|eu-west"})');
    return Number(applied?.value[1]) >= APPLIED_AT_LEAST;
  }, DEADLINE);
  const fromMs = Date.now();
  if (round % 2 === 0) await aggregator.kill();
  else await aggregator.stop();
  await aggregator.restart();
  expect(aggregator.pid).not.toBe(pid);
  await eventually(async () => (await aggregator.ready()) === 200, { ...DEADLINE, intervalMs: 5 });
  const toMs = Date.now();
  // Wait for a new scrape: until then a query finds the values of the previous process.
  await eventually(async () => {
    const [up] = await prometheus.query('timestamp(edgepulse_feed_up{region="apac"} == 1)');
    return 1_000 * Number(up?.value[1]) > toMs;
  }, DEADLINE);
  return { fromMs, toMs };
}

it('ten restarts under load count nothing twice, and raise no alert', async () => {
  const { worker, aggregator } = keep(await startSystem());
  const prometheus = keep(await startPrometheus([aggregator]));
  const clients = keep(startClients(worker));
  const downtimes: Downtime[] = [];
  const fromMs = Date.now();
  for (let round = 0; round < RESTARTS; round++) downtimes.push(await restart(aggregator, prometheus, round));
  await clients.stop();
  const { posts } = clients;
  const applied = 'edgepulse_beacons_total{outcome="applied"}';
  await eventually(async () => {
    const shown = (await aggregator.metrics()).sum('edgepulse_beacons_total');
    const [scraped] = await prometheus.query(`sum(${applied})`);
    return Number(scraped?.value[1]) === shown && shown >= posts.filter(after(downtimes.at(-1))).length;
  }, DEADLINE);

  const scrapes = (await prometheus.raw('edgepulse_feed_up{region="apac"}')).flatMap(({ samples }) => samples);
  const missed = posts.filter((post) =>
    downtimes.some(({ fromMs, toMs }) => {
      const scrapedMs = scrapes.findLast(({ atMs }) => atMs <= fromMs)?.atMs ?? 0;
      return post.answeredAtMs >= scrapedMs - UNTIL_SHOWN_MS && post.sentAtMs <= toMs;
    }),
  ).length;

  const sessions = posts.filter(({ isFirst }) => isFirst).length;
  for (const [selector, sent, each] of [
    [applied, posts.length, 1],
    ['edgepulse_edge_beacons_total{outcome="accepted"}', posts.length, 1],
    ['edgepulse_ingest_delay_seconds_count', posts.length, 1],
    ['edgepulse_rtt_seconds_count', RTT.length * posts.length, RTT.length],
    ['edgepulse_audio_samples_total', SAMPLES * (posts.length - sessions), SAMPLES],
    ['edgepulse_concealed_samples_total', posts.length - sessions, 1],
  ] as const) {
    const counted = increaseOf(await prometheus.raw(selector));
    expect(counted, selector).toBeLessThanOrEqual(sent);
    expect(counted, selector).toBeGreaterThanOrEqual(sent - each * missed);
  }
  // Each process must have counted something: otherwise a long downtime alone could satisfy the lower bound.
  expect(increaseOf(await prometheus.raw(applied))).toBeGreaterThan(RESTARTS * REGIONS.length * APPLIED_AT_LEAST);
  for (const selector of [
    'edgepulse_beacons_total{outcome!="applied"}',
    'edgepulse_beacons_lost_total',
    'edgepulse_sessions_reaped_total',
    'edgepulse_batches_repeated_total',
    'edgepulse_edge_beacons_total{outcome!="accepted"}',
  ]) {
    expect(increaseOf(await prometheus.raw(selector)), selector).toBe(0);
  }
  const delay = 'max(histogram_quantile(0.99, sum by (region, le) (rate(edgepulse_ingest_delay_seconds_bucket[5s]))))';
  expect((await prometheus.valuesSince(delay, fromMs)).length).toBeGreaterThan(0);
  expect(await prometheus.valuesSince(`${delay} > 5`, fromMs)).toEqual([]);
});

function after(downtime: Downtime | undefined): (post: Post) => boolean {
  return ({ sentAtMs }) => sentAtMs > (downtime?.toMs ?? 0);
}

describe('what was in the stream before', () => {
  const env = { REGION: 'apac', SHARD: '1/2', LANES: '4' };
  const applied = async (aggregator: AggregatorProcess) =>
    (await aggregator.metrics()).sum('edgepulse_beacons_total', { outcome: 'applied' });
  const living = async (aggregator: AggregatorProcess) => (await aggregator.metrics()).sum('edgepulse_sessions');

  it('counts nothing when NATS was down at the start, either, and what comes then counts, whatever the lane', async () => {
    const nats = keep(await startNatsServer());
    const feeder = await startFeeder(nats.url);
    keep({ stop: () => feeder.close() });
    const first = await startAggregator({ natsUrl: nats.url, env });
    await first.stop();
    await feeder.send({ lane: 'f01' }, { session_id: 's-1' }, { session_id: 's-2' });
    await feeder.send({ lane: 'f03' }, { session_id: 's-3', meeting_id: 'm-3' });
    await nats.kill();
    const aggregator = keep(await startAggregator({ natsUrl: nats.url, env, untilReady: false }));
    await eventually(() => aggregator.log().includes('cannot connect to NATS'), DEADLINE);
    await nats.restart();
    await eventually(async () => (await living(aggregator)) === 3, DEADLINE);
    expect(await applied(aggregator)).toBe(0);
    for (const lane of ['f01', 'f03']) await feeder.send({ lane }, { session_id: `new-${lane}` });
    await eventually(async () => (await living(aggregator)) === 5, DEADLINE);
    expect(await applied(aggregator)).toBe(2);
  });

  it('is over when the stream is replaced: one with lower numbers counts from its first message', async () => {
    const nats = keep(await startNatsServer());
    const feeder = await startFeeder(nats.url);
    keep({ stop: () => feeder.close() });
    const before = await startAggregator({ natsUrl: nats.url, env });
    for (let seq = 0; seq < 20; seq++) await feeder.send({ lane: 'f01' }, { session_id: 's-1', seq });
    await before.stop();
    const aggregator = keep(await startAggregator({ natsUrl: nats.url, env }));
    expect(await applied(aggregator)).toBe(0);
    const { config } = await feeder.jsm.streams.info(STREAM);
    await feeder.jsm.streams.delete(STREAM);
    await feeder.jsm.streams.add(config);
    for (let seq = 20; seq < 25; seq++) await feeder.send({ lane: 'f01' }, { session_id: 's-1', seq });
    await eventually(async () => (await applied(aggregator)) === 5, DEADLINE);
    expect((await aggregator.metrics()).sum('edgepulse_batches_repeated_total')).toBe(0);
  });
});
