/**
 * The aggregator when something breaks: real processes, and a real nats-server that is killed, frozen
 * and emptied, and whose streams and consumers are deleted. Throughout, no living session may be
 * lost, none may be invented, and what can't be known must be absent.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { laneName, lanesOf, STREAM } from '../../shared/subjects.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorOptions, type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../support/processes/nats-server.ts';

/** Long enough that nobody expires while a busy machine starts processes. */
const TTL_MS = 60_000;
/** For tests of expiry itself. */
const SHORT_TTL_MS = 5_000;
const SHORT_TTL = { SESSION_TTL_SECONDS: `${SHORT_TTL_MS / 1000}` };
/** A dead connection must be noticed within this time, however it died. */
const NOTICED_MS = 10_000;
/** Recovery starts as soon as the fault is noticed; the rest is for a busy machine. */
const MENDED_MS = 2 * NOTICED_MS;

const ends: (() => Promise<unknown>)[] = [];
let nats: NatsServer;
let feeder: Feeder;

async function brokerUp(options?: NatsServerOptions): Promise<NatsServer> {
  const server = await startNatsServer(options);
  ends.push(() => server.stop());
  return server;
}

async function aggregatorUp(options: Partial<AggregatorOptions> = {}): Promise<AggregatorProcess> {
  const aggregator = await startAggregator({
    natsUrl: nats.url,
    ...options,
    env: { REGION: 'apac', SESSION_TTL_SECONDS: `${TTL_MS / 1000}`, ...options.env },
  });
  ends.push(() => aggregator.stop());
  return aggregator;
}

async function sessionIds(aggregator: AggregatorProcess): Promise<string[]> {
  const found = (await aggregator.metrics()).all('edgepulse_session_rtt_seconds');
  return found.map(({ labels }) => labels.session_id ?? '').sort();
}

const isReady = async (aggregator: AggregatorProcess) => (await aggregator.ready()) === 200;
const feedUp = async (aggregator: AggregatorProcess) => (await aggregator.metrics()).value('edgepulse_feed_up');
const living = async (aggregator: AggregatorProcess) => (await aggregator.metrics()).sum('edgepulse_sessions');

beforeEach(async () => {
  nats = await brokerUp();
  feeder = await startFeeder(nats.url);
  ends.push(() => feeder.close());
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('the process', () => {
  it('has every living session back before it is ready again after kill -9', async () => {
    const aggregator = await aggregatorUp();
    const ids = Array.from({ length: 300 }, (_, i) => `s-${String(i).padStart(3, '0')}`);
    for (let i = 0; i < ids.length; i += 50) {
      await feeder.send({ lane: laneName(i % 16) }, ...ids.slice(i, i + 50).map((session_id) => ({ session_id })));
    }
    await eventually(async () => (await living(aggregator)) === ids.length);
    await aggregator.restart();
    await eventually(() => isReady(aggregator), { intervalMs: 1 });
    expect(await sessionIds(aggregator)).toEqual(ids);
  });

  it('reaps nobody after it was stopped for longer than a TTL while the beacons came', async () => {
    const aggregator = await aggregatorUp({ env: SHORT_TTL });
    await feeder.send({}, { session_id: 's-1' }, { session_id: 's-2' });
    await eventually(async () => (await living(aggregator)) === 2);
    const stop = feeder.keepAlive({}, ['s-1', 's-2']);
    ends.push(async () => stop());
    aggregator.freeze();
    const frozenAt = Date.now();
    await eventually(() => Date.now() - frozenAt > SHORT_TTL_MS + 1_000);
    aggregator.thaw();
    await eventually(() => isReady(aggregator), { deadlineMs: MENDED_MS });
    const metrics = await aggregator.metrics();
    expect(metrics.sum('edgepulse_sessions')).toBe(2);
    expect(metrics.sum('edgepulse_sessions_reaped_total')).toBe(0);
    // Known at once by the clock, and not only by the silence of the feed.
    expect(aggregator.log()).toContain('process was paused');
    expect(aggregator.log()).toContain('"reason":"process paused"');
  });

  it('ends on SIGTERM within seconds, with status 0', async () => {
    const aggregator = await aggregatorUp();
    const startedAt = Date.now();
    expect(await aggregator.stop()).toEqual({ code: 0, signal: null });
    expect(Date.now() - startedAt).toBeLessThan(4_000);
  });

  it('ends on SIGTERM too while the broker does not answer', async () => {
    const aggregator = await aggregatorUp();
    nats.freeze();
    ends.push(async () => nats.thaw());
    expect(await aggregator.stop()).toEqual({ code: 0, signal: null });
  });

  it('logs once that it cannot connect to NATS, and is ready when NATS comes', async () => {
    const { port } = nats;
    await nats.stop();
    const aggregator = await aggregatorUp({ untilReady: false });
    await eventually(() => aggregator.log().includes('cannot connect to NATS'));
    expect(await aggregator.ready()).toBe(503);
    expect((await fetch(`${aggregator.url}/healthz`)).status).toBe(200);
    const states = (await (await fetch(`${aggregator.url}/readyz`)).json()) as unknown;
    expect(states).toEqual({ ready: false, reason: 'feed', regions: { apac: 'connecting' } });
    await brokerUp({ port });
    await eventually(() => isReady(aggregator), { deadlineMs: MENDED_MS });
    expect(aggregator.log().match(/cannot connect to NATS/g)).toHaveLength(1);
  });

  it('lets in only who has METRICS_TOKEN, but answers probes', async () => {
    const aggregator = await aggregatorUp({ env: { METRICS_TOKEN: 'open-sesame' } });
    const status = async (path: string, authorization?: string) => {
      const answer = await fetch(aggregator.url + path, authorization ? { headers: { authorization } } : {});
      await answer.arrayBuffer();
      return answer.status;
    };
    for (const path of ['/metrics', '/api/v1/sessions', '/']) {
      expect(await status(path)).toBe(401);
      expect(await status(path, 'Bearer open-sesam')).toBe(401);
      expect(await status(path, 'Bearer open-sesame')).not.toBe(401);
    }
    expect(await status('/metrics', `Basic ${btoa('anybody:open-sesame')}`)).toBe(200);
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz')).toBe(200);
  });
});

describe('the broker', () => {
  it('is killed and comes back: the feed goes on where it was, and nobody was reaped', async () => {
    const aggregator = await aggregatorUp();
    await feeder.send({}, { session_id: 's-1' });
    await eventually(async () => (await living(aggregator)) === 1);
    await nats.kill();
    await eventually(async () => (await feedUp(aggregator)) === 0);
    expect(await aggregator.ready()).toBe(503);
    await nats.restart();
    await eventually(() => isReady(aggregator), { deadlineMs: MENDED_MS });
    expect(await living(aggregator)).toBe(1);
    await feeder.send({}, { session_id: 's-2' });
    await eventually(async () => (await sessionIds(aggregator)).includes('s-2'));
    const metrics = await aggregator.metrics();
    expect(metrics.sum('edgepulse_beacons_total', { outcome: 'duplicate' })).toBe(0);
    expect(metrics.sum('edgepulse_batches_repeated_total')).toBe(0);
  });

  it('is frozen: noticed within 10 s, given up by the pings, and the feed is back when it thaws', async () => {
    const aggregator = await aggregatorUp();
    await feeder.send({}, { session_id: 's-1' });
    await eventually(async () => (await living(aggregator)) === 1);
    nats.freeze();
    ends.push(async () => nats.thaw());
    await eventually(async () => (await feedUp(aggregator)) === 0, { deadlineMs: NOTICED_MS });
    expect(await aggregator.ready()).toBe(503);
    await eventually(() => aggregator.log().includes('NATS does not answer pings'));
    nats.thaw();
    await eventually(() => isReady(aggregator), { deadlineMs: 20_000 });
    expect(await feedUp(aggregator)).toBe(1);
    expect(await living(aggregator)).toBe(1);
  });

  it('is down: the reap clock stands still, and after a whole TTL the live families are withdrawn', async () => {
    const aggregator = await aggregatorUp({ env: SHORT_TTL });
    await feeder.send({}, { session_id: 's-1' }, { session_id: 's-2', meeting_id: 'm-2' });
    await eventually(async () => (await living(aggregator)) === 2);
    await nats.kill();
    await eventually(async () => (await feedUp(aggregator)) === 0);
    const downAt = Date.now();
    expect(await living(aggregator)).toBe(2);
    await eventually(async () => (await aggregator.metrics()).all('edgepulse_sessions').length === 0, {
      deadlineMs: 2 * SHORT_TTL_MS,
    });
    expect(Date.now() - downAt).toBeGreaterThan(SHORT_TTL_MS - 1_500);
    const silent = await aggregator.metrics();
    for (const family of ['edgepulse_meetings', 'edgepulse_live_rtt_seconds_count', 'edgepulse_session_rtt_seconds']) {
      expect(silent.all(family)).toEqual([]);
    }
    expect(silent.sum('edgepulse_rtt_seconds_count')).toBe(4);
    expect(silent.sum('edgepulse_sessions_reaped_total')).toBe(0);
    await nats.restart();
    await eventually(() => isReady(aggregator), { deadlineMs: MENDED_MS });
    expect(await living(aggregator)).toBe(2);
    // Now they are silent where we can hear.
    await eventually(async () => (await living(aggregator)) === 0, { deadlineMs: 2 * SHORT_TTL_MS });
    expect((await aggregator.metrics()).sum('edgepulse_sessions_reaped_total', { reason: 'stale' })).toBe(2);
  });

  it('comes back empty: the stream is made again, and all that is in it is read', async () => {
    const aggregator = await aggregatorUp();
    await feeder.send({}, { session_id: 's-1' });
    await feeder.send({}, { session_id: 's-1', seq: 1 });
    await eventually(
      async () => (await aggregator.metrics()).value('edgepulse_beacons_total', { outcome: 'applied' }) === 2,
    );
    const { port } = nats;
    await nats.stop();
    await eventually(async () => (await feedUp(aggregator)) === 0);
    await brokerUp({ port });
    await eventually(() => isReady(aggregator), { deadlineMs: MENDED_MS });
    await feeder.send({}, { session_id: 's-2' });
    await eventually(async () => (await sessionIds(aggregator)).includes('s-2'));
    expect(await feeder.jsm.streams.info(STREAM)).toMatchObject({
      config: {
        subjects: ['health.diagnostics.>'],
        storage: 'file',
        max_age: 2 * TTL_MS * 1e6,
        max_bytes: 1024 ** 3,
        discard: 'old',
        duplicate_window: 120_000 * 1e6,
      },
    });
  });

  it('loses the stream: it is made again, and read from its beginning', async () => {
    const aggregator = await aggregatorUp();
    for (let seq = 0; seq < 5; seq++) await feeder.send({}, { session_id: 's-1', seq });
    await eventually(
      async () => (await aggregator.metrics()).value('edgepulse_beacons_total', { outcome: 'applied' }) === 5,
    );
    const { config } = await feeder.jsm.streams.info(STREAM);
    await feeder.jsm.streams.delete(STREAM);
    // Made again by somebody else, with messages in it before anybody has noticed.
    await feeder.jsm.streams.add(config);
    for (let i = 0; i < 3; i++) await feeder.send({}, { session_id: `n-${i}` });
    await eventually(async () => (await sessionIds(aggregator)).filter((id) => id.startsWith('n-')).length === 3, {
      deadlineMs: MENDED_MS,
    });
    await feeder.jsm.streams.delete(STREAM);
    await eventually(() => feeder.jsm.streams.info(STREAM), { deadlineMs: MENDED_MS });
    await eventually(() => isReady(aggregator), { deadlineMs: MENDED_MS });
    await feeder.send({}, { session_id: 'n-4' });
    await eventually(async () => (await sessionIds(aggregator)).includes('n-4'));
  });

  it('loses the consumer: another takes over, and nothing is missed', async () => {
    const aggregator = await aggregatorUp();
    const [consumer] = await feeder.jsm.consumers.list(STREAM).next();
    expect(consumer?.config).toMatchObject({ ack_policy: 'none', flow_control: true, mem_storage: true });
    await feeder.jsm.consumers.delete(STREAM, consumer?.name ?? '');
    await feeder.send({}, { session_id: 's-1' });
    await eventually(async () => (await sessionIds(aggregator)).includes('s-1'), { deadlineMs: MENDED_MS });
    expect(aggregator.log()).toContain('"reason":"no heartbeat"');
  });
});

describe('shards and replicas', () => {
  it('shares out every lane, each to one shard', async () => {
    const shards = [
      await aggregatorUp({ env: { SHARD: '0/2', LANES: '16' } }),
      await aggregatorUp({ env: { SHARD: '1/2', LANES: '16' } }),
    ] as const;
    const lanes = lanesOf({ index: 0, count: 1 }, 16);
    for (const lane of lanes) await feeder.send({ lane }, { session_id: lane, meeting_id: `m-${lane}` });
    for (const [index, shard] of shards.entries()) {
      const own = lanesOf({ index, count: 2 }, 16);
      await eventually(async () => (await sessionIds(shard)).length === own.length);
      expect(await sessionIds(shard)).toEqual(own);
    }
  });

  it('gives two replicas the same state, whenever they started', async () => {
    const first = await aggregatorUp();
    const stop = feeder.keepAlive({ lane: 'f03' }, ['s-1', 's-2', 's-3']);
    ends.push(async () => stop());
    await eventually(async () => (await living(first)) === 3);
    const second = await aggregatorUp();
    await eventually(async () => (await living(second)) === 3);
    stop();
    await feeder.send({ lane: 'f03' }, { session_id: 's-4', rtt: [0.3] });
    // Counters go on from each replica's own start.
    const counted = /^edgepulse_(rtt_seconds|[a-z_]+_total)/;
    const stateOf = async (aggregator: AggregatorProcess) => {
      const answer = await fetch(`${aggregator.url}/metrics?collect[]=population&collect[]=sessions`);
      expect(answer.status).toBe(200);
      const lines = (await answer.text()).split('\n');
      return lines.filter((line) => !counted.test(line)).sort();
    };
    for (const replica of [first, second]) await eventually(async () => (await living(replica)) === 4);
    expect(await stateOf(second)).toEqual(await stateOf(first));
  });
});

describe('the user', () => {
  const config = `
    authorization {
      users: [
        { user: admin, password: admin }
        {
          user: aggregator, password: "p@ss",
          permissions: {
            publish: [
              "$JS.API.STREAM.INFO.HEALTH",
              "$JS.API.CONSUMER.CREATE.HEALTH.*.health.diagnostics.apac.edge.>",
              "$JS.FC.HEALTH.>"
            ]
            subscribe: ["_INBOX.aggregator.>"]
          }
        }
      ]
    }`;

  it('needs no more than to look at the stream and to consume its region', async () => {
    const broker = await brokerUp({ config });
    const natsUrl = `nats://aggregator:p%40ss@127.0.0.1:${broker.port}`;
    const aggregator = await aggregatorUp({ natsUrl, untilReady: false });
    await eventually(() => aggregator.log().includes('cannot read the feed'));
    expect(await aggregator.ready()).toBe(503);
    const admin = await startFeeder(`nats://127.0.0.1:${broker.port}`, { user: 'admin', pass: 'admin' });
    ends.push(() => admin.close());
    await admin.jsm.streams.add({ name: STREAM, subjects: ['health.diagnostics.>'], max_age: TTL_MS * 1e6 });
    await eventually(() => isReady(aggregator), { deadlineMs: MENDED_MS });
    await admin.send({}, { session_id: 's-1' });
    await eventually(async () => (await sessionIds(aggregator)).includes('s-1'));
    expect(aggregator.log()).not.toContain('p@ss');
  });

  it('finds in the log what is wrong with an existing stream, which is left as it is', async () => {
    await feeder.jsm.streams.add({
      name: STREAM,
      subjects: ['health.diagnostics.apac.edge.f01'],
      max_age: 1_000 * 1e6,
    });
    const aggregator = await aggregatorUp({ untilReady: false });
    await eventually(() => aggregator.log().includes('stream is misconfigured'));
    expect(aggregator.log()).toMatch(/subjects do not cover apac.*max_age is shorter/);
    expect((await feeder.jsm.streams.info(STREAM)).config.max_age).toBe(1_000 * 1e6);
  });
});
