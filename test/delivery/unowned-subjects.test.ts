/**
 * What the edge publishes where nobody reads it is seen by every aggregator, within seconds, from the stream's own
 * subject counts; and a stream that is too small to restart from says so.
 */
import { afterEach, expect, it } from 'vitest';
import { UNOWNED_REASONS, type UnownedReason } from '../../aggregator/feed/stream/ownership.ts';
import { edgeSubject, laneName, STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';

const DEADLINE = { deadlineMs: 15_000 };
const WARNING = 'the stream has subjects that nobody reads';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startFeed(): Promise<{ natsUrl: string; feeder: Feeder }> {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  const feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
  return { natsUrl: nats.url, feeder };
}

async function startShard(natsUrl: string, env: Readonly<Record<string, string>>): Promise<AggregatorProcess> {
  const aggregator = await startAggregator({ natsUrl, env: { REGIONS: 'apac,eu-west', LANES: '16', ...env } });
  ends.push(() => aggregator.stop());
  return aggregator;
}

/** What a process says of each reason; undefined where it says nothing. */
async function unowned(aggregator: AggregatorProcess): Promise<{ [Reason in UnownedReason]?: number }> {
  const { value } = await aggregator.metrics();
  return Object.fromEntries(UNOWNED_REASONS.map((reason) => [reason, value('edgepulse_unowned_subjects', { reason })]));
}

const NONE = { unknown_region: 0, unknown_service_type: 0, unknown_lane: 0, malformed: 0 };

it('sees the lanes that only the edge has, from each shard, and names some of them once', async () => {
  const { natsUrl, feeder } = await startFeed();
  const shards = [
    await startShard(natsUrl, { SHARD: '0/2' }),
    await startShard(natsUrl, { SHARD: '1/2', REGION: 'apac' }),
  ];
  for (let lane = 0; lane < 32; lane++) await feeder.send({ lane: laneName(lane) }, { session_id: `s-${lane}` });
  for (const shard of shards) {
    await eventually(async () => (await unowned(shard)).unknown_lane === 16, DEADLINE);
    expect(await unowned(shard)).toEqual({ ...NONE, unknown_lane: 16 });
    const warnings = shard
      .log()
      .split('\n')
      .filter((line) => line.includes(WARNING));
    expect(warnings.length).toBeGreaterThanOrEqual(1);
    // Ten seconds of looks: a line for each change at the most, while the lanes came.
    expect(warnings.length).toBeLessThanOrEqual(2);
    expect(JSON.parse(warnings.at(-1) ?? '')).toMatchObject({
      reason: 'unknown_lane',
      count: 16,
      subjects: Array.from({ length: 8 }, (_, i) => edgeSubject('apac', laneName(16 + i))),
      hint: expect.stringContaining('same LANES'),
    });
  }
  await feeder.jsm.streams.purge(STREAM, { filter: STREAM_SUBJECTS });
  await eventually(async () => (await unowned(shards[0] as AggregatorProcess)).unknown_lane === 0, DEADLINE);
  expect(shards[0]?.log()).toContain('the stream no longer has subjects that nobody reads');
});

it('sees a region and a service type that nobody has configured, but no fault in what another process consumes', async () => {
  const { natsUrl, feeder } = await startFeed();
  const aggregator = await startShard(natsUrl, { REGION: 'apac', SHARD: '0/4' });
  // Other shards' lanes, another region's, and Forwarders': all of it is somebody's.
  for (const region of ['apac', 'eu-west']) {
    for (let lane = 0; lane < 16; lane++) await feeder.send({ region, lane: laneName(lane) }, {});
    await feeder.report(region, { slot: 3 });
  }
  await eventually(async () => (await unowned(aggregator)).unknown_lane === 0, DEADLINE);
  await feeder.send({ region: 'us-east', lane: 'f00' }, {});
  await feeder.send({ region: 'us-east', lane: 'f01' }, {});
  await feeder.publish('health.diagnostics.apac.webtransport.media-1');
  await feeder.publish('health.diagnostics.apac.forwarder.not-a-slot');
  const expected = { unknown_region: 2, unknown_service_type: 1, unknown_lane: 0, malformed: 1 };
  await eventually(async () => (await unowned(aggregator)).malformed === 1, DEADLINE);
  expect(await unowned(aggregator)).toEqual(expected);
  expect(aggregator.log()).toContain('health.diagnostics.us-east.edge.f00');
  expect(aggregator.log()).not.toContain('health.diagnostics.eu-west');
});

it('says how far back the stream reaches, and warns once when that is less than a TTL', async () => {
  const { natsUrl, feeder } = await startFeed();
  await feeder.jsm.streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS], max_msgs: 10, max_age: 60e9 });
  const aggregator = await startShard(natsUrl, {});
  const reach = async () => (await aggregator.metrics()).value('edgepulse_stream_reach_seconds', { region: 'apac' });
  await eventually(async () => (await reach()) === 60, DEADLINE);
  for (let seq = 0; seq < 20; seq++) await feeder.send({}, { seq });
  await eventually(async () => ((await reach()) ?? 60) < 30, DEADLINE);
  await eventually(() => aggregator.log().includes('the stream is too small'), DEADLINE);
  expect(aggregator.log().split('the stream is too small')).toHaveLength(2);
});
