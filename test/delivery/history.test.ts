/** The last quarter of an hour, as the aggregator's API has it, over restarts and outages of the real parts. */
import { afterEach, expect, it } from 'vitest';
import type { HistoryOverview, Overview } from '../../aggregator/http/answers.ts';
import { startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';

const started: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part.stop();
});

function keep<T extends { stop(): Promise<unknown> }>(part: T): T {
  started.push(part);
  return part;
}

/** A step of the replay and more is complete: it reads two TTLs, and the first one shows who was there. */
const TTL_SECONDS = 10;
const SLOW = 120_000;
const DEADLINE = { deadlineMs: 45_000, intervalMs: 50 };

async function overviewOf(aggregator: AggregatorProcess, query = ''): Promise<Overview> {
  const answer = await fetch(`${aggregator.url}/api/v1/overview${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Overview;
}

async function historyOf(aggregator: AggregatorProcess, query = ''): Promise<HistoryOverview> {
  return (await overviewOf(aggregator, query)).history;
}

/** What is known of a region, by the time of the step. */
function known({ times_ms, regions }: HistoryOverview, region: string): Map<number, number> {
  const counts = regions[region]?.sessions ?? [];
  return new Map(times_ms.flatMap((atMs, i) => (counts[i] == null ? [] : [[atMs, counts[i] as number]])));
}

async function setUp() {
  const nats = keep(await startNatsServer());
  const env = { REGION: 'apac,eu-west', SESSION_TTL_SECONDS: `${TTL_SECONDS}` };
  const aggregator = keep(await startAggregator({ natsUrl: nats.url, env }));
  const feeder = await startFeeder(nats.url);
  keep({ stop: () => feeder.close() });
  const keepAlive = (...args: Parameters<typeof feeder.keepAlive>) => {
    const stop = feeder.keepAlive(...args);
    keep({ stop: async () => stop() });
    return stop;
  };
  return { nats, aggregator, feeder, keepAlive };
}

it(
  'a restarted aggregator has the steps that its replay reaches, as the one before had them, and no others',
  async () => {
    const { aggregator, keepAlive } = await setUp();
    keepAlive({ region: 'apac' }, ['a', 'b', 'c'], 500);
    const vanish = keepAlive({ region: 'apac' }, ['vanishes'], 500);
    keepAlive({ region: 'eu-west', lane: 'f01' }, ['d'], 500);
    const beganMs = Date.now();
    // Long enough that a restart does not read the first ones again.
    await eventually(async () => known(await historyOf(aggregator), 'apac').size >= 3, DEADLINE);
    vanish();
    await eventually(async () => (await overviewOf(aggregator)).all.quiet_sessions === 1, DEADLINE);
    await eventually(async () => known(await historyOf(aggregator), 'apac').size >= 5, DEADLINE);
    const before = await historyOf(aggregator);
    expect([...(before.all.sessions ?? [])]).toContain(5);

    await aggregator.restart();
    await eventually(async () => (await aggregator.ready()) === 200, { intervalMs: 5 });
    const readyMs = Date.now();
    const after = await historyOf(aggregator);
    const first = known(before, 'apac');
    const again = known(after, 'apac');
    // What was read twice: from a TTL after the reach began until the process before was ended.
    const both = [...again.keys()].filter((atMs) => first.has(atMs));
    expect(both.length).toBeGreaterThanOrEqual(1);
    for (const region of ['apac', 'eu-west']) {
      for (const atMs of both) {
        const [i, j] = [before.times_ms.indexOf(atMs), after.times_ms.indexOf(atMs)];
        for (const column of ['sessions', 'participants', 'quiet', 'impaired', 'rtt_p95'] as const) {
          expect(after.regions[region]?.[column][j], `${region} ${column} at ${atMs}`).toBe(
            before.regions[region]?.[column][i],
          );
          expect(after.all[column][j], `all ${column}`).toBe(before.all[column][i]);
        }
      }
    }
    // Before that nothing is said, although it was known once.
    expect(Math.min(...again.keys())).toBeGreaterThanOrEqual(readyMs - (TTL_SECONDS + 2) * 1000);
    expect(Math.min(...first.keys())).toBeLessThan(Math.min(...again.keys()));
    expect(beganMs).toBeLessThan(readyMs - 2 * TTL_SECONDS * 1000);
    // And it goes on, without a hole at the restart.
    const newestMs = after.times_ms.at(-1) ?? 0;
    await eventually(async () => known(await historyOf(aggregator), 'apac').has(newestMs + 5_000), DEADLINE);
    const more = await historyOf(aggregator, `?since_ms=${newestMs}`);
    expect(more.times_ms[0]).toBe(newestMs + 5_000);
    const all = known(await historyOf(aggregator), 'apac');
    const times = [...all.keys()];
    expect(times).toEqual(times.map((_, i) => (times[0] ?? 0) + 5_000 * i));
  },
  SLOW,
);

it(
  'the steps of an outage stay unknown: neither frozen nor zero, and not made up when what was missed is read',
  async () => {
    const { nats, aggregator, keepAlive } = await setUp();
    keepAlive({ region: 'apac' }, ['a', 'b'], 300);
    await eventually(async () => known(await historyOf(aggregator), 'apac').size >= 1, DEADLINE);
    await nats.kill();
    const downMs = Date.now();
    await eventually(async () => (await overviewOf(aggregator)).regions.every(({ feed }) => !feed.up), DEADLINE);
    await eventually(() => Date.now() > downMs + 10_500, DEADLINE);
    const during = await historyOf(aggregator);
    expect(Math.max(...known(during, 'apac').keys())).toBeLessThan(downMs + 1_000);
    await nats.restart();
    const upMs = Date.now();
    await eventually(async () => Math.max(...known(await historyOf(aggregator), 'apac').keys()) > upMs, DEADLINE);
    const after = await historyOf(aggregator);
    const { sessions = [] } = after.regions.apac ?? {};
    const inOutage = after.times_ms.flatMap((atMs, i) => (atMs > downMs && atMs < upMs ? [sessions[i]] : []));
    expect(inOutage.length).toBeGreaterThanOrEqual(2);
    expect(inOutage.every((count) => count === null)).toBe(true);
    expect(sessions.at(-1)).toBe(2);
  },
  SLOW,
);
