/**
 * Behind is not gone, and no wall clock decides who lives: an aggregator that gets hardly any CPU, that
 * handles messages more slowly than they come, and whose host's clock is wrong or set while it runs.
 */
import { setImmediate as onImmediate } from 'node:timers';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createReaper, REAP_INTERVAL_MS } from '../../aggregator/expiry/reaper.ts';
import { type Feed, startFeed } from '../../aggregator/feed/feed.ts';
import { createForwarders } from '../../aggregator/ingest/forwarders.ts';
import { createIngest } from '../../aggregator/ingest/ingest.ts';
import { createSessions, type Sessions } from '../../aggregator/store/sessions.ts';
import { laneName, lanesOf } from '../../shared/subjects.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';

const TTL_MS = 5_000;

const ends: (() => Promise<unknown>)[] = [];
let natsUrl: string;
let feeder: Feeder;

beforeEach(async () => {
  const nats = await startNatsServer();
  ends.push(() => nats.stop());
  natsUrl = nats.url;
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function aggregatorUp(more: Readonly<Record<string, string>> = {}): Promise<AggregatorProcess> {
  const env = { REGION: 'apac', SESSION_TTL_SECONDS: `${TTL_MS / 1000}`, ...more };
  const aggregator = await startAggregator({ natsUrl, env });
  ends.push(() => aggregator.stop());
  return aggregator;
}

const living = async (aggregator: AggregatorProcess) => (await aggregator.metrics()).sum('edgepulse_sessions');
const reaped = async (aggregator: AggregatorProcess) =>
  (await aggregator.metrics()).sum('edgepulse_sessions_reaped_total');

function passed(ms: number): Promise<unknown> {
  const since = performance.now();
  return eventually(() => performance.now() - since > ms, { deadlineMs: ms + 5_000 });
}

/** An aggregator in this process, whose ingest takes as long as it is told for each message. */
function slowAggregator(): { sessions: Sessions; feed: Feed; lines: string[]; handlingMs: number } {
  const sessions = createSessions({
    regions: ['apac'],
    servers: [],
    ttlSeconds: TTL_MS / 1000,
    maxSessions: 10_000,
    maxSessionSeries: 0,
  });
  const forwarders = createForwarders({
    regions: ['apac'],
    shard: { index: 0, count: 1 },
    topology: 'ours',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders);
  const lines: string[] = [];
  const monotonic = () => performance.now();
  const feed: Feed = startFeed({
    access: { servers: [new URL(natsUrl).host], tls: false, login: undefined, creds: undefined },
    regions: [{ name: 'apac' }],
    topologyRegions: ['apac'],
    shard: { index: 0, count: 1 },
    lanes: 4,
    ttlSeconds: TTL_MS / 1000,
    log: pino({ level: 'info' }, { write: (line) => void lines.push(line) }),
    monotonic,
    onMessage({ subject, data, timestampMs }) {
      const until = performance.now() + slow.handlingMs;
      while (performance.now() < until);
      ingest(subject, data, { storedAtMs: timestampMs, nowMs: feed.now() });
    },
    onPassing() {},
    onUp: (region) => sessions.feedUp(region, feed.now()),
    onDown: sessions.feedDown,
    onFailure(error) {
      throw error;
    },
  });
  const reap = createReaper({
    expire: () => sessions.expire(feed.readMs),
    checkHeartbeats: feed.checkHeartbeats,
    onPaused: feed.resync,
    now: monotonic,
    defer: onImmediate,
  });
  const reaping = setInterval(reap, REAP_INTERVAL_MS);
  ends.push(async () => {
    slow.handlingMs = 0;
    clearInterval(reaping);
    await feed.stop();
  });
  const slow = { sessions, feed, lines, handlingMs: 0 };
  return slow;
}

describe('an aggregator that falls behind', () => {
  it('reaps nobody who lives when each message takes 150 ms, says so, and catches up', async () => {
    const slow = slowAggregator();
    const { sessions, feed, lines } = slow;
    const ids = Array.from({ length: 20 }, (_, i) => `s-${i}`);
    // Four messages in each turn of the event loop, of which one is handled.
    const stops = [0, 1, 2, 3].map((lane) =>
      feeder.keepAlive({ lane: laneName(lane) }, ids.slice(5 * lane, 5 * lane + 5), 50),
    );
    ends.push(async () => {
      for (const stop of stops) stop();
    });
    await eventually(() => feed.state('apac') === 'up' && sessions.living() === ids.length);
    expect(feed.lagMs('apac')).toBeLessThan(1_000);
    slow.handlingMs = 150;
    await eventually(() => feed.lagMs('apac') > TTL_MS + 2_000, { deadlineMs: 40_000 });
    expect(feed.state('apac')).toBe('replaying');
    expect(sessions.living()).toBe(ids.length);
    slow.handlingMs = 0;
    await eventually(() => feed.state('apac') === 'up', { deadlineMs: 20_000 });
    expect(feed.lagMs('apac')).toBeLessThan(2_000);
    expect(sessions.living()).toBe(ids.length);
    expect(sessions.totals('apac')).toMatchObject({ stale: 0, late: 0 });
    expect(lines.filter((line) => line.includes('feed is behind'))).toHaveLength(1);
    for (const stop of stops) stop();
    await eventually(() => sessions.totals('apac').stale === ids.length, { deadlineMs: 3 * TTL_MS });
  }, 120_000);

  it('takes nobody for gone whose beacons wait in a first replay that takes longer than a TTL', async () => {
    await feeder.jsm.streams.add({ name: 'HEALTH', subjects: ['health.diagnostics.>'], max_age: 60e9 });
    const ids = Array.from({ length: 10 }, (_, i) => `s-${i}`);
    const stops = [0, 1].map((lane) =>
      feeder.keepAlive({ lane: laneName(lane) }, ids.slice(5 * lane, 5 * lane + 5), 100),
    );
    ends.push(async () => {
      for (const stop of stops) stop();
    });
    await passed(TTL_MS);
    const slow = slowAggregator();
    const { sessions, feed } = slow;
    slow.handlingMs = 150;
    await eventually(() => feed.lagMs('apac') > TTL_MS + 2_000, { deadlineMs: 40_000 });
    expect(feed.state('apac')).toBe('replaying');
    expect(sessions.isWithdrawn('apac', feed.now())).toBe(true);
    expect(sessions.living()).toBe(ids.length);
    slow.handlingMs = 0;
    await eventually(() => feed.state('apac') === 'up', { deadlineMs: 20_000 });
    expect(sessions.living()).toBe(ids.length);
    expect(sessions.totals('apac')).toMatchObject({ stale: 0, late: 0 });
  }, 120_000);

  it('reaps nobody who lives while it has 2 % of a core', async () => {
    const aggregator = await aggregatorUp();
    const ids = Array.from({ length: 800 }, (_, i) => `s-${i}`);
    const stops = Array.from({ length: 16 }, (_, i) =>
      feeder.keepAlive({ lane: laneName(i % 4) }, ids.slice(50 * i, 50 * i + 50), 50),
    );
    ends.push(async () => {
      for (const stop of stops) stop();
    });
    await eventually(async () => (await living(aggregator)) === ids.length);
    const since = performance.now();
    while (performance.now() - since < 3 * TTL_MS) {
      aggregator.freeze();
      await passed(980);
      aggregator.thaw();
      await passed(20);
    }
    expect(await reaped(aggregator)).toBe(0);
    await eventually(async () => (await aggregator.ready()) === 200, { deadlineMs: 30_000 });
    expect(await reaped(aggregator)).toBe(0);
    expect(await living(aggregator)).toBe(ids.length);
    expect((await aggregator.metrics()).value('edgepulse_feed_lag_seconds')).toBeLessThan(5);
  }, 120_000);
});

describe('a shard', () => {
  it('is not held by lanes that are silent', async () => {
    const shard = await aggregatorUp({ SHARD: '0/2', LANES: '8' });
    const [busy, other] = lanesOf({ index: 0, count: 2 }, 8);
    const stop = feeder.keepAlive({ lane: busy as string }, ['s-1']);
    ends.push(async () => stop());
    await feeder.send({ lane: other as string }, { session_id: 's-2' });
    await eventually(async () => (await living(shard)) === 2);
    const since = performance.now();
    await eventually(async () => (await living(shard)) === 1, { deadlineMs: 3 * TTL_MS });
    // A second late at the most, and what a busy machine takes.
    expect(performance.now() - since).toBeLessThan(TTL_MS + 2_500);
    expect((await shard.metrics()).value('edgepulse_feed_lag_seconds')).toBeLessThan(2);
  });
});

describe('an aggregator on a host whose clock is wrong', () => {
  /** A wall clock that is off by so much from the start, or from SIGUSR2 to SIGUSR2. */
  const preload = (fromStartMs: number, fromSignalMs = 0) => {
    const script = `const now = Date.now; let off = ${fromStartMs}; Date.now = () => now() + off;
      process.on('SIGUSR2', () => { off = off ? 0 : ${fromSignalMs}; });`;
    return `--import=data:text/javascript,${encodeURIComponent(script)}`;
  };

  it.each([29_000, 3_600_000, -3_600_000])('sees who lives, and who does not, with %i ms too much', async (offMs) => {
    await feeder.jsm.streams.add({ name: 'HEALTH', subjects: ['health.diagnostics.>'], max_age: 60e9 });
    await feeder.send({}, { session_id: 's-1' });
    const aggregator = await aggregatorUp({ NODE_OPTIONS: preload(offMs) });
    expect(await living(aggregator)).toBe(1);
    await eventually(async () => (await living(aggregator)) === 0, { deadlineMs: 2 * TTL_MS });
    const metrics = await aggregator.metrics();
    expect(metrics.sum('edgepulse_sessions_reaped_total', { reason: 'stale' })).toBe(1);
    expect(
      Math.abs((metrics.value('edgepulse_clock_skew_seconds', { clock: 'host' }) ?? 0) - offMs / 1000),
    ).toBeLessThan(1);
    expect(aggregator.log().match(/clock differs from NATS/g)).toHaveLength(1);
  });

  it.each([3_600_000, -3_600_000])(
    'keeps nobody, and loses nobody, when it is set by %i ms and back',
    async (offMs) => {
      const aggregator = await aggregatorUp({ NODE_OPTIONS: preload(0, offMs) });
      const stop = feeder.keepAlive({}, ['s-1']);
      ends.push(async () => stop());
      await feeder.send({}, { session_id: 's-2' });
      await eventually(async () => (await living(aggregator)) === 2);
      process.kill(aggregator.pid, 'SIGUSR2');
      await eventually(async () => (await living(aggregator)) === 1, { deadlineMs: 2 * TTL_MS });
      process.kill(aggregator.pid, 'SIGUSR2');
      await passed(TTL_MS);
      expect(await living(aggregator)).toBe(1);
      expect(await reaped(aggregator)).toBe(1);
      await feeder.send({}, { session_id: 's-3' });
      await eventually(async () => (await living(aggregator)) === 2);
      await eventually(async () => (await living(aggregator)) === 1, { deadlineMs: 2 * TTL_MS });
      expect(await aggregator.ready()).toBe(200);
    },
  );
});
