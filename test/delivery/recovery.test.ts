/** What the system does when one of its parts is away, and that all is back when the part is. */
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../dev/ports.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { eventually } from '../support/poll.ts';
import { startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';
import { postBeacon, startSystem } from '../support/processes/system.ts';
import { startWorker } from '../support/processes/worker.ts';

const started: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part.stop();
});

function keep<T extends { stop(): Promise<unknown> }>(part: T): T {
  started.push(part);
  return part;
}

describe('the aggregator', () => {
  it('killed and started again, has every live session before it is ready', async () => {
    const system = keep(await startSystem({ ttlSeconds: 120 }));
    const sessions = Array.from({ length: 24 }, (_, i) => ({
      meeting: `m-${i % 6}`,
      session: `s-${i}`,
      region: ['us-east', 'eu-west', 'apac'][i % 3] as string,
    }));
    for (const { meeting, session, region } of sessions) {
      const beacon = validBeacon({ meeting_id: meeting, session_id: session, participant_id: session });
      expect((await postBeacon(system.worker, beacon, { region })).status).toBe(204);
    }
    const gone = validBeacon({ meeting_id: 'm-0', session_id: 'gone', leaving: true });
    expect((await postBeacon(system.worker, gone)).status).toBe(204);
    const live = async () => {
      const metrics = await system.aggregator.metrics();
      return metrics.all('edgepulse_session_rtt_seconds').map(({ labels }) => labels.session_id);
    };
    await eventually(async () => (await live()).length === 24);
    const before = await system.aggregator.metrics();

    await system.aggregator.restart();
    await eventually(async () => (await system.aggregator.ready()) === 200, { intervalMs: 1 });

    expect(new Set(await live())).toEqual(new Set(sessions.map(({ session }) => session)));
    const after = await system.aggregator.metrics();
    for (const name of ['edgepulse_sessions', 'edgepulse_meetings', 'edgepulse_participants']) {
      for (const region of ['us-east', 'eu-west', 'apac']) {
        expect(before.sum(name, { region }), `${name} ${region}`).toBeGreaterThan(0);
        expect(after.sum(name, { region }), `${name} ${region}`).toBe(before.sum(name, { region }));
      }
    }
    // The process before has counted them: only their state is read again.
    expect(after.sum('edgepulse_beacons_total')).toBe(0);
    expect(after.sum('edgepulse_rtt_seconds_count')).toBe(0);
    // The replay ends where the feed goes on: a beacon posted now is neither lost nor counted twice.
    expect((await postBeacon(system.worker, validBeacon({ meeting_id: 'm-0', session_id: 'new' }))).status).toBe(204);
    await eventually(async () => (await live()).length === 25);
    const final = await system.aggregator.metrics();
    expect(final.sum('edgepulse_beacons_total', { outcome: 'applied' })).toBe(1);
    expect(final.sum('edgepulse_beacons_total')).toBe(1);
  });

  it('started without NATS keeps trying, is not ready and says so, and is ready when NATS is there', async () => {
    const port = await freePort();
    const aggregator = keep(await startAggregator({ natsUrl: `nats://127.0.0.1:${port}`, untilReady: false }));
    expect(await aggregator.ready()).toBe(503);
    const log = await eventually(() => aggregator.log().match(/^\{.*nats.*\}$/im)?.[0]);
    expect(() => JSON.parse(log)).not.toThrow();
    const metrics = await aggregator.metrics();
    expect(metrics.value('edgepulse_feed_up', { region: 'apac' })).toBe(0);
    // Nobody was ever heard: unknown is absent, never zero.
    expect(metrics.all('edgepulse_sessions')).toEqual([]);

    keep(await startNatsServer({ port }));
    await eventually(async () => (await aggregator.ready()) === 200);
    await eventually(async () => (await aggregator.metrics()).value('edgepulse_feed_up', { region: 'apac' }) === 1);
  });

  it('ends on SIGTERM with exit code 0', async () => {
    const nats = keep(await startNatsServer());
    const aggregator = await startAggregator({ natsUrl: nats.url });
    expect(await aggregator.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('the worker', () => {
  it('started without NATS spools what it accepts, and delivers it when NATS is there', async () => {
    const port = await freePort();
    const natsUrl = `nats://127.0.0.1:${port}`;
    const worker = keep(await startWorker({ natsUrl }));
    const beacon = validBeacon({ session_id: 'spooled' });
    expect((await postBeacon(worker, beacon)).status).toBe(204);

    keep(await startNatsServer({ port }));
    const aggregator = keep(await startAggregator({ natsUrl }));
    const metrics = await eventually(
      async () => {
        const now = await aggregator.metrics();
        // The Forwarder publishes its counters at most once a second: they follow the beacon.
        const drained = now.value('edgepulse_edge_beacons_total', { region: 'apac', outcome: 'drained' });
        const isShown = now.value('edgepulse_session_rtt_seconds', { session_id: 'spooled' }) !== undefined;
        return isShown && drained === 1 ? now : undefined;
      },
      { deadlineMs: 25_000 },
    );
    const ofEdge = (outcome: string) => metrics.value('edgepulse_edge_beacons_total', { region: 'apac', outcome });
    expect({ accepted: ofEdge('accepted'), spooled: ofEdge('spooled'), drained: ofEdge('drained') }).toEqual({
      accepted: 1,
      spooled: 1,
      drained: 1,
    });
    expect(metrics.value('edgepulse_edge_spool_beacons', { region: 'apac' })).toBe(0);
  });

  it('killed while its spool holds a beacon, delivers it after its restart', async () => {
    const port = await freePort();
    const natsUrl = `nats://127.0.0.1:${port}`;
    const worker = keep(await startWorker({ natsUrl }));
    expect((await postBeacon(worker, validBeacon({ session_id: 'kept' }))).status).toBe(204);
    await worker.restart();

    keep(await startNatsServer({ port }));
    const aggregator = keep(await startAggregator({ natsUrl }));
    await eventually(
      async () => (await aggregator.metrics()).value('edgepulse_session_rtt_seconds', { session_id: 'kept' }),
      { deadlineMs: 25_000 },
    );
  });
});

describe('the accounting', () => {
  it('is even after NATS was killed and started again between beacons', async () => {
    const system = keep(await startSystem());
    let accepted = 0;
    const post = async (seq: number) => {
      const answer = await postBeacon(system.worker, validBeacon({ session_id: 'steady', seq }));
      if (answer.status === 204) accepted += 1;
    };
    await post(0);
    await system.nats.kill();
    await post(1);
    await post(2);
    await system.nats.restart();
    await post(3);
    expect(accepted).toBe(4);
    const metrics = await eventually(
      async () => {
        const now = await system.aggregator.metrics();
        const isQuiet = now.sum('edgepulse_edge_spool_beacons') === 0;
        return isQuiet && now.sum('edgepulse_beacons_total', { outcome: 'applied' }) === 4 ? now : undefined;
      },
      { deadlineMs: 25_000 },
    );
    expect(metrics.sum('edgepulse_edge_beacons_total', { outcome: 'accepted' })).toBe(4);
    expect(metrics.sum('edgepulse_beacons_total', { outcome: 'duplicate' })).toBe(0);
    expect(metrics.sum('edgepulse_beacons_lost_total')).toBe(0);
  });
});
