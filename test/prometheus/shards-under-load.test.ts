/**
 * Four shards of two replicas each under load, beside one process that has everything: equal sums, series by series; a replica
 * that is killed and restarted; and the change from four shards to eight, with a real Prometheus that has the real rules.
 */
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { FAMILIES } from '../../aggregator/metrics/families.ts';
import type { Beacon } from '../../shared/beacon.ts';
import { laneName, laneOf } from '../../shared/subjects.ts';
import { fullPeer, fullSelfReport } from '../support/edge/beacon.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { ruleTexts } from '../support/metrics/rule-texts.ts';
import type { Scrape } from '../support/metrics/scrape.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';
import { type PrometheusProcess, startPrometheus } from '../support/processes/prometheus.ts';

const LANES = 8;
const SHARDS = 4;
const MORE_SHARDS = 8;
const MEETINGS = Array.from({ length: 40 }, (_, i) => `m-${i}`);
const PEOPLE = 4;
const ALL = MEETINGS.length * PEOPLE;
const SERVERS = ['https://media-1.example.com', 'https://media-2.example.com'];
const POST_EVERY_MS = 500;
/** Sixteen processes on the cores of one machine: a scrape of each takes its time. */
const SCRAPE_MS = 500;
/** Evaluations, two a second. */
const HELD_FOR = 10;
const DEADLINE = { deadlineMs: 30_000 };
/** For how long a figure of a shard that is gone counts in the rules, which is a minute there: a test has no minute to wait. */
const LATELY_MS = 5_000;
const SESSIONS = 'region:edgepulse_sessions:sum{region="apac"}';
const SERVER_SESSIONS = 'sum(server:edgepulse_sessions:sum)';
const COUNTED_TWICE = 'sum(max without (instance, pod) (edgepulse_sessions))';
const PENDING = 'count(ALERTS{alertname="EdgepulseShardsMismatch"})';

const APPLIED = 'region_outcome:edgepulse_beacons:rate5m{outcome="applied"}';

/** Families that do not add up over shards, and why. */
const NO_SUM: ReadonlyMap<string, string> = new Map([
  ...FAMILIES.flatMap(({ name, of }): [string, string][] => (of === 'live quantiles' ? [[name, 'a quantile']] : [])),
  ['edgepulse_build_info', 'one of each process'],
  ['edgepulse_series_bound', 'of the configuration of each process'],
  ['edgepulse_session_series_limit', 'of the configuration of each process'],
  ['edgepulse_lanes', 'of the topology'],
  ['edgepulse_unowned_subjects', 'every process counts all'],
  ['edgepulse_stream_reach_seconds', 'of the stream'],
  ['edgepulse_feed_up', 'a state'],
  ['edgepulse_feed_lag_seconds', 'a duration'],
  ['edgepulse_clock_skew_seconds', 'a difference'],
  ['edgepulse_topology_mismatch', 'a state, which every process sees'],
  ['edgepulse_canary_age_seconds', 'an age'],
  ['edgepulse_forwarders', 'every process hears all'],
]);

const ends: (() => Promise<unknown>)[] = [];
let natsUrl: string;
let feeder: Feeder;
let whole: AggregatorProcess;
let prometheus: PrometheusProcess;
/** By `shard/count replica`. */
const shards = new Map<string, AggregatorProcess>();
/** Of all processes that Prometheus scrapes, those too that are started only later. */
const ports = new Map<string, HeldPort>();
let seq = 0;
let posting: NodeJS.Timeout | undefined;
let posted: Promise<void> | undefined;

beforeAll(async () => {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  natsUrl = nats.url;
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
  const old = namesOf(SHARDS, ['a', 'b']);
  const names = [...old, ...namesOf(MORE_SHARDS, ['a'])];
  for (const name of names) ports.set(name, await holdPort());
  [whole] = await Promise.all([start(), ...old.map(startShard)]);
  const targets = [...ports].map(([name, { port }]) => ({
    url: `http://127.0.0.1:${port}`,
    labels: { instance: name, pod: `edgepulse-${name}` },
  }));
  const rules = ruleTexts().map((text) => text.replaceAll('[1m]', `[${LATELY_MS}ms]`));
  prometheus = await startPrometheus(targets, { rules, scrapeIntervalMs: SCRAPE_MS });
  ends.push(() => prometheus.stop());
});

afterEach(stopPosting);

afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function namesOf(count: number, replicas: readonly string[]): string[] {
  return Array.from({ length: count }, (_, shard) => replicas.map((replica) => `${shard}/${count} ${replica}`)).flat();
}

async function start(env: Readonly<Record<string, string>> = {}, port?: number): Promise<AggregatorProcess> {
  const topology = { REGION: 'apac', LANES: `${LANES}`, SERVERS: SERVERS.join(), SESSION_TTL_SECONDS: '600' };
  const aggregator = await startAggregator({
    natsUrl,
    env: { ...topology, ...env },
    ...(port !== undefined && { port }),
  });
  ends.push(() => aggregator.stop());
  return aggregator;
}

async function startShard(name: string): Promise<void> {
  const [shard = ''] = name.split(' ');
  const held = ports.get(name) as HeldPort;
  await held.release();
  shards.set(name, await start({ SHARD: shard }, held.port));
}

type HeldPort = { readonly port: number; release(): Promise<void> };

/** Nobody else gets it until it is needed; who connects until then is turned away. */
async function holdPort(): Promise<HeldPort> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  const release = () => new Promise<void>((resolve) => server.close(() => resolve()));
  ends.push(release);
  return { port: address.port, release };
}

/** The next beacon of everybody, each meeting on the lane that the edge would put it on. */
async function postEverybody(meetings: readonly string[] = MEETINGS, overrides: Partial<Beacon> = {}): Promise<void> {
  seq++;
  const n = seq;
  await Promise.all(
    meetings.map((meeting_id) =>
      feeder.send({ lane: laneOf(meeting_id, LANES) }, ...beaconsOf(meeting_id, n, overrides)),
    ),
  );
}

function beaconsOf(meeting_id: string, n: number, overrides: Partial<Beacon>): Partial<Beacon>[] {
  const number = MEETINGS.indexOf(meeting_id);
  const ids = Array.from({ length: PEOPLE }, (_, person) => `${meeting_id}-${person}`);
  return ids.map((session_id, person) => ({
    meeting_id,
    session_id,
    participant_id: session_id,
    seq: n,
    server: { url: SERVERS[number % 2] as string, type: 'webrtc' as const },
    rtt: [0.05 + 0.002 * number + (person === 0 && number % 5 === 0 ? 0.3 : 0)],
    peers: ids.filter((id) => id !== session_id).map((id) => fullPeer(id, n)),
    ...fullSelfReport(n),
    ...overrides,
  }));
}

/** Everybody goes on posting until {@link stopPosting}. */
function keepPosting(): void {
  posting = setInterval(() => {
    posted = postEverybody();
  }, POST_EVERY_MS);
}

async function stopPosting(): Promise<void> {
  clearInterval(posting);
  await posted;
}

/** Sums over one replica of each shard, by name and labels without `shard`. */
function sumsOf(scrapes: readonly Scrape[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { name, labels, value } of scrapes.flatMap(({ samples }) => samples)) {
    if (!name.startsWith('edgepulse_') || NO_SUM.has(name)) continue;
    // How long each process took to read it is its own.
    if (/^edgepulse_ingest_delay_seconds_(?:bucket|sum)$/.test(name)) continue;
    const { shard: _, ...rest } = labels;
    const key = `${name} ${JSON.stringify(Object.entries(rest).toSorted())}`;
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return sums;
}

async function numberOf(expression: string): Promise<number | undefined> {
  const [result] = await prometheus.query(expression);
  return result && Number(result.value[1]);
}

async function becomes(expression: string, expected: number): Promise<void> {
  await eventually(async () => {
    const found = await numberOf(expression);
    if (found !== expected) throw new Error(`${expression} is ${found}, not ${expected}`);
    return true;
  }, DEADLINE);
}

/** Every evaluation since then had that value, and a few more do. */
async function stayed(expression: string, fromMs: number, value: number): Promise<void> {
  const values = await eventually(async () => {
    const since = await prometheus.valuesSince(expression, fromMs);
    return since.length > HELD_FOR ? since : undefined;
  }, DEADLINE);
  expect([...new Set(values)], expression).toEqual([value]);
}

it('names as not adding up only families that there are', () => {
  const names = FAMILIES.map(({ name }) => name);
  expect([...NO_SUM.keys()].filter((name) => !names.includes(name))).toEqual([]);
});

it('has the sums of one process over all shards, of every series that adds up, whichever replica is asked', async () => {
  for (let i = 0; i < 4; i++) await postEverybody();
  // Some are lost, some come twice, some leave, some are damaged, and two Forwarders report.
  seq++;
  await postEverybody(MEETINGS.slice(0, 9));
  seq--;
  await postEverybody(MEETINGS.slice(0, 5));
  await postEverybody(['m-7', 'm-11', 'm-12'], { leaving: true });
  for (const slot of [0, 1, 2, 3]) {
    // The first report of a Forwarder that nobody knew is where its counters begin.
    await feeder.report('apac', { slot });
    const rejected = { token_expired: slot + 1 };
    await feeder.report('apac', { slot, rejected, spooled: 7, inSpool: slot, publishErrors: 1 });
  }
  await feeder.publish(`health.diagnostics.apac.edge.${laneName(5)}`);
  for (const replica of ['a', 'b']) {
    await eventually(async () => {
      const asked = namesOf(SHARDS, [replica]).map((name) => shards.get(name) as AggregatorProcess);
      const [one, ...parts] = await Promise.all([whole, ...asked].map((aggregator) => aggregator.metrics()));
      const expected = sumsOf([one as Scrape]);
      const found = sumsOf(parts);
      expect([...found.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
      for (const [series, value] of expected) {
        expect(Math.abs((found.get(series) as number) - value), series).toBeLessThanOrEqual(1e-9 * Math.abs(value));
      }
      expect(one?.sum('edgepulse_sessions')).toBe(ALL - 3 * PEOPLE);
      // What is zero everywhere proves nothing.
      for (const name of ['sessions_reaped_total', 'joins_total', 'edge_spool_beacons', 'edge_publish_errors_total']) {
        expect(one?.sum(`edgepulse_${name}`), name).toBeGreaterThan(0);
      }
      expect(one?.sum('edgepulse_beacons_total', { outcome: 'duplicate' })).toBeGreaterThan(0);
      return true;
    }, DEADLINE);
  }
});

it('has no hole while a replica is killed and restarted under load', async () => {
  keepPosting();
  await becomes(SESSIONS, ALL);
  await becomes(`${APPLIED} > bool 0`, 1);
  const fromMs = Date.now();
  const victim = shards.get('2/4 a') as AggregatorProcess;
  await victim.kill();
  await becomes('sum(up)', 2 * SHARDS - 1);
  await victim.restart();
  await eventually(async () => (await victim.ready()) === 200, DEADLINE);
  await becomes('sum(up)', 2 * SHARDS);
  await stayed(SESSIONS, fromMs, ALL);
  await stayed(SERVER_SESSIONS, fromMs, ALL);
  // A restarted replica counts from zero: the rate is that of the other one.
  await stayed(`${APPLIED} > bool 0`, fromMs, 1);
});

it('goes from four shards to eight under load, and recorded figures stay right at every step', async () => {
  keepPosting();
  await becomes(SESSIONS, ALL);
  const fromMs = Date.now();
  await Promise.all(namesOf(MORE_SHARDS, ['a']).map(startShard));
  // Now both sets are there, which the shards' own series show.
  await becomes(COUNTED_TWICE, 2 * ALL);
  await becomes(PENDING, 1);
  await Promise.all(namesOf(SHARDS, ['a', 'b']).map((name) => shards.get(name)?.stop()));
  const stoppedMs = Date.now();
  await becomes(COUNTED_TWICE, ALL);
  await stopPosting();
  await stayed(SESSIONS, fromMs, ALL);
  await stayed(SERVER_SESSIONS, fromMs, ALL);
  // What falls is in doubt for as long as the last figures of the old shards count.
  await postEverybody(['m-1'], { leaving: true });
  await becomes(SESSIONS, ALL - PEOPLE);
  expect(Date.now() - stoppedMs).toBeLessThan(LATELY_MS + 5_000);
  await eventually(async () => (await numberOf(PENDING)) === undefined, DEADLINE);
});
