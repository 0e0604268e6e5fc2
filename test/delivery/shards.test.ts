/**
 * Shards and their replicas under a real Prometheus: replicas are taken together, shards are added
 * up, and at no time is anybody missing or counted twice.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Beacon } from '../../shared/beacon.ts';
import { laneOf, lanesOf } from '../../shared/subjects.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';
import { type PrometheusProcess, startPrometheus } from '../support/processes/prometheus.ts';

const LANES = 16;
const SHARDS = 2;
const REPLICAS = ['a', 'b'] as const;
const POPULATION = 'sum(max without (instance, pod) (edgepulse_sessions))';
const DEADLINE = { deadlineMs: 30_000 };
/** For how many evaluations of the query a step must hold, five a second. */
const HELD_FOR = 10;

const ends: (() => Promise<unknown>)[] = [];
const aggregators = new Map<string, AggregatorProcess>();
let feeder: Feeder;
let prometheus: PrometheusProcess;

beforeAll(async () => {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
  for (let shard = 0; shard < SHARDS; shard++) {
    for (const replica of REPLICAS) {
      const env = { REGION: 'apac', SHARD: `${shard}/${SHARDS}`, LANES: `${LANES}`, SESSION_TTL_SECONDS: '600' };
      const aggregator = await startAggregator({ natsUrl: nats.url, env });
      ends.push(() => aggregator.stop());
      aggregators.set(`${shard}-${replica}`, aggregator);
    }
  }
  const targets = [...aggregators].map(([name, { url }]) => ({
    url,
    labels: { instance: `${name}:9464`, pod: `edgepulse-${name}` },
  }));
  prometheus = await startPrometheus(targets);
  ends.push(() => prometheus.stop());
});

afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Seven people in each meeting, each on the lane that the edge would put it on. */
async function post(meetings: readonly string[], overrides: Partial<Beacon> = {}): Promise<void> {
  for (const meeting_id of meetings) {
    const sessions = Array.from({ length: 7 }, (_, i) => `${meeting_id}-${i}`);
    const beacons = sessions.map((id) => ({ meeting_id, session_id: id, participant_id: id, ...overrides }));
    await feeder.send({ region: 'apac', lane: laneOf(meeting_id, LANES) }, ...beacons);
  }
}

async function targetsUp(count: number): Promise<void> {
  await eventually(async () => (await numberOf('sum(up)')) === count, DEADLINE);
}

async function numberOf(expression: string): Promise<number | undefined> {
  const [result] = await prometheus.query(expression);
  return result && Number(result.value[1]);
}

/** The population becomes `expected`, and then stays it while `meanwhile` happens. */
async function holds(expected: number, meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
  await eventually(async () => {
    const found = await numberOf(POPULATION);
    if (found !== expected) throw new Error(`the population is ${found}, not ${expected}`);
    return true;
  }, DEADLINE);
  const fromMs = Date.now();
  await meanwhile();
  const values = await eventually(async () => {
    const since = await prometheus.valuesSince(POPULATION, fromMs);
    return since.length >= HELD_FOR ? since : undefined;
  }, DEADLINE);
  expect(new Set(values)).toEqual(new Set([expected]));
}

it('adds up to the population at every step, one replica killed and back', async () => {
  const meetings = Array.from({ length: 13 }, (_, i) => `m-${i}`);
  const ofFirst = meetings.filter((meeting) =>
    lanesOf({ index: 0, count: SHARDS }, LANES).includes(laneOf(meeting, LANES)),
  );
  // Both shards have some, and not as many: otherwise a wrong sum could be right by chance.
  expect([0, meetings.length / 2, meetings.length]).not.toContain(ofFirst.length);
  await targetsUp(4);
  await post(meetings);
  await holds(91, async () => {
    await aggregators.get('1-a')?.kill();
    await targetsUp(3);
  });
  await post(['late-1', 'late-2']);
  await holds(105, async () => {
    await aggregators.get('1-a')?.restart();
    await targetsUp(4);
    await eventually(async () => (await aggregators.get('1-a')?.ready()) === 200, DEADLINE);
  });
  await post(['m-0', 'm-1', 'm-2'], { seq: 1, leaving: true });
  await holds(84);
  const shards = await prometheus.query('count by (shard) ({__name__=~"edgepulse_.+"})');
  expect(shards.map(({ metric }) => metric.shard).sort()).toEqual(['0/2', '1/2']);
});
