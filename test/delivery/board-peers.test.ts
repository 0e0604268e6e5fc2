/** Two shards that are told of each other: either of them shows the whole, and says what is missing when the other one is gone. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EndedSession, Overview, WorstSessions } from '../../aggregator/http/answers.ts';
import { freePort } from '../../dev/ports.ts';
import { laneOf, lanesOf } from '../../shared/subjects.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';

const LANES = 16;
const TOKEN = 'token-of-the-fleet';
const HEADERS = { authorization: `Bearer ${TOKEN}` };
const SERVER = { url: 'https://media-apac-1.example.com', type: 'webrtc' } as const;
/** What a person at the board may have to wait for. */
const WITHIN_SECONDS = { deadlineMs: 10_000 };

const ends: (() => Promise<unknown>)[] = [];
let feeder: Feeder;
let alone: AggregatorProcess;
let shards: [AggregatorProcess, AggregatorProcess];
/** Nobody listens there. */
let deserted: string;

beforeAll(async () => {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
  const start = async (env: Record<string, string>, port?: number) => {
    const common = { REGIONS: 'apac', LANES: `${LANES}`, SERVERS: SERVER.url, METRICS_TOKEN: TOKEN };
    const ttl = { SESSION_TTL_SECONDS: '60' };
    const aggregator = await startAggregator({
      natsUrl: nats.url,
      env: { ...common, ...ttl, ...env },
      ...(port && { port }),
    });
    ends.push(() => aggregator.stop());
    return aggregator;
  };
  deserted = `http://127.0.0.1:${await freePort()}`;
  const [first, second] = [await freePort(), await freePort()];
  const others = (port: number) => `http://127.0.0.1:${port}`;
  shards = [
    await start({ SHARD: '0/2', BOARD_PEERS: others(second) }, first),
    // An address that is one's own, and one where nobody is, change nothing.
    await start({ SHARD: '1/2', BOARD_PEERS: [first, second].map(others).concat(deserted).join() }, second),
  ];
  alone = await start({});
});

afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function get<T>({ url }: AggregatorProcess, path: string): Promise<T> {
  const answer = await fetch(`${url}/api/v1/${path}`, { headers: HEADERS });
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function overviewOf(aggregator: AggregatorProcess): Promise<Overview> {
  return get(aggregator, 'overview');
}

/** The figures that several processes can agree on: what each waited for itself is its own. */
function figuresOf({ all, regions }: Overview): object {
  return { all, live: regions.map(({ region, live, health }) => ({ region, live, applied: health.applied })) };
}

const MEETINGS = Array.from({ length: 13 }, (_, i) => `m-${i}`);

function isOfShard(index: number): (meeting: string) => boolean {
  return (meeting) => lanesOf({ index, count: 2 }, LANES).includes(laneOf(meeting, LANES));
}

/** Four people in each meeting, who hear each other so badly that it is the server's fault. */
async function post(seq: number): Promise<void> {
  for (const [n, meeting_id] of MEETINGS.entries()) {
    const ids = [0, 1, 2, 3].map((i) => `${meeting_id}-${i}`);
    const beacons = ids.map((id, i) => ({
      meeting_id,
      session_id: id,
      participant_id: id,
      seq,
      server: SERVER,
      rtt: [0.26 + n / 100 + i / 1_000],
      peers: ids
        .filter((other) => other !== id)
        .map((peer_id) => ({ peer_id, neteq: { buffer: 0.05, operations_per_second: { expand: n + i } } })),
    }));
    await feeder.send({ region: 'apac', lane: laneOf(meeting_id, LANES) }, ...beacons);
  }
}

async function leave(meeting_id: string, session_id: string): Promise<void> {
  const beacon = { meeting_id, session_id, participant_id: session_id, seq: 2, server: SERVER, leaving: true } as const;
  await feeder.send({ region: 'apac', lane: laneOf(meeting_id, LANES) }, beacon);
}

it('show the figures of one process that has all of it', async () => {
  expect(MEETINGS.filter(isOfShard(0)).length).toBeGreaterThan(2);
  expect(MEETINGS.filter(isOfShard(1)).length).toBeGreaterThan(2);
  await post(0);
  await post(1);
  const expected = await eventually(async () => {
    const overview = await overviewOf(alone);
    return overview.all.sessions === 52 && overview.regions[0]?.health.applied === 104 ? overview : undefined;
  });
  expect(expected.shown).toEqual({ shards: ['0/1'], missing: [] });
  expect(expected.regions[0]?.live?.impaired_streams.server).toBeGreaterThan(0);
  for (const [index, shard] of shards.entries()) {
    const whole = await eventually(async () => {
      const overview = await overviewOf(shard);
      return overview.all.sessions === 52 ? overview : undefined;
    }, WITHIN_SECONDS);
    expect(figuresOf(whole)).toEqual(figuresOf(expected));
    expect(whole.shard).toEqual({ index, count: 2 });
    expect(whole.shown).toEqual({ shards: ['0/2', '1/2'], missing: [] });
    // What is scraped is still the shard's own, with its label.
    const text = await (await fetch(`${shard.url}/metrics`, { headers: HEADERS })).text();
    expect(text).toContain(`shard="${index}/2"`);
    expect(text).not.toMatch(/^edgepulse_sessions\{.* 52$/m);
  }
});

it('find the sessions of either of them, and those that ended', async () => {
  const [first, second] = [MEETINGS.find(isOfShard(0)), MEETINGS.find(isOfShard(1))] as [string, string];
  for (const shard of shards) {
    const strip = ({ sessions }: WorstSessions) => sessions.map(({ last_beacon_age_seconds: _, ...rest }) => rest);
    const worst = await get<WorstSessions>(shard, 'sessions?limit=30');
    expect(strip(worst)).toEqual(strip(await get<WorstSessions>(alone, 'sessions?limit=30')));
    expect(worst).toMatchObject({ total: 52, shown: { shards: ['0/2', '1/2'], missing: [] } });
  }
  await leave(first, `${first}-0`);
  await leave(second, `${second}-0`);
  for (const shard of shards) {
    for (const meeting of [first, second]) {
      const found = await eventually(async () => {
        const answer = await get<WorstSessions>(shard, `sessions?ended=true&session_id=${meeting}-0`);
        return answer.ended_total === 1 ? answer : undefined;
      });
      const [ended] = found.ended as EndedSession[];
      expect(found.total).toBe(0);
      expect(ended).toMatchObject({ meeting_id: meeting, reason: 'left', impaired: ['rtt'], peers: { length: 3 } });
    }
  }
});

it('say which part is missing within seconds, and are whole again when it is back', async () => {
  const [first, second] = shards;
  // Without the two that left.
  const before = await eventually(async () => {
    const overview = await overviewOf(first);
    return overview.all.sessions === 50 ? overview : undefined;
  }, WITHIN_SECONDS);
  await second.kill();
  const part = await eventually(async () => {
    const overview = await overviewOf(first);
    return overview.shown.missing.length > 0 ? overview : undefined;
  }, WITHIN_SECONDS);
  expect(part.shown).toEqual({
    shards: ['0/2'],
    missing: [{ address: second.url, shard: '1/2', why: 'can not be reached: ECONNREFUSED' }],
  });
  expect(part.all.sessions).toBeLessThan(before.all.sessions);
  // What was counted elsewhere is gone: counters begin anew.
  expect(part.started_at_ms).toBeGreaterThan(before.started_at_ms);
  const worst = await get<WorstSessions>(first, 'sessions');
  expect(worst.shown).toEqual(part.shown);
  await second.restart();
  const whole = await eventually(async () => {
    const overview = await overviewOf(first);
    return overview.all.sessions === before.all.sessions ? overview : undefined;
  }, WITHIN_SECONDS);
  expect(whole.shown).toEqual({ shards: ['0/2', '1/2'], missing: [] });
});

it('answer as fast as ever while another one hangs', async () => {
  const [first, second] = shards;
  second.freeze();
  try {
    const slowest = await eventually(async () => {
      const fromMs = performance.now();
      const { shown } = await overviewOf(first);
      const took = performance.now() - fromMs;
      expect(took).toBeLessThan(1_000);
      return shown.missing.length > 0 ? shown.missing[0] : undefined;
    }, WITHIN_SECONDS);
    expect(slowest).toEqual({ address: second.url, shard: '1/2', why: 'does not answer within 2 s' });
  } finally {
    second.thaw();
  }
});
