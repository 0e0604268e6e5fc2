/** Packets of media servers from a NATS without JetStream: the aggregator listens, and there is nothing to read again. */
import { connect, type NatsConnection } from 'nats';
import { afterEach, describe, expect, it } from 'vitest';
import { encodeHealthPacket, type HealthPacket } from '../../demo/media/packets.ts';
import { validPacket, validPeer } from '../support/media/packet.ts';
import { eventually, pause } from '../support/poll.ts';
import { startAggregator } from '../support/processes/aggregator.ts';
import { startNatsServer } from '../support/processes/nats-server.ts';

const SUBJECT = 'health.diagnostics.apac.websocket.server-1';
const TTL_SECONDS = 4;
const ENV = {
  MEDIA_SERVER_TYPES: 'websocket',
  MEDIA_SERVER_FEED: 'core',
  ID_HASH_SECRET: 'a-secret-of-thirty-two-bytes-for-ids',
  REGIONS: 'apac',
  SERVERS: 'https://media-1.example.com',
  LANES: '1',
  SESSION_TTL_SECONDS: `${TTL_SECONDS}`,
};

const started: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const part of started.splice(0).reverse()) await part.stop();
});

function keep<T extends { stop(): Promise<unknown> }>(part: T): T {
  started.push(part);
  return part;
}

let stamp = 0;
function send(connection: NatsConnection, packet: Partial<HealthPacket> = {}): void {
  connection.publish(SUBJECT, encodeHealthPacket(validPacket({ timestamp_ms: ++stamp, ...packet })));
}

async function setUp(config = '') {
  const nats = keep(await startNatsServer({ jetStream: false, config }));
  const connection = await connect({
    servers: nats.url,
    user: 'media',
    pass: 'x',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
  });
  keep({ stop: () => connection.close() });
  return { nats, connection };
}

describe('packets from core NATS', () => {
  it('are read, and everything is gone after a restart, which says so', async () => {
    const { nats, connection } = await setUp();
    const aggregator = keep(await startAggregator({ natsUrl: nats.url, env: ENV }));
    const sessions = async () => (await aggregator.metrics()).sum('edgepulse_sessions');
    send(connection, { peer_stats: { 's-2': validPeer() } });
    await eventually(async () => (await sessions()) === 1);
    expect((await aggregator.metrics()).value('edgepulse_feed_up')).toBe(1);
    await aggregator.restart();
    await eventually(async () => (await aggregator.ready()) === 200);
    expect(await sessions()).toBe(0);
    expect(aggregator.log()).toContain('without a stream: it starts empty');
    send(connection);
    await eventually(async () => (await sessions()) === 1);
    await eventually(async () => (await sessions()) === 0, { deadlineMs: (TTL_SECONDS + 5) * 1_000 });
  });

  it('are unknown while NATS is away, and nobody has left meanwhile', async () => {
    const { nats, connection } = await setUp();
    const aggregator = keep(await startAggregator({ natsUrl: nats.url, env: ENV }));
    const value = async (name: string) => (await aggregator.metrics()).value(`edgepulse_${name}`);
    send(connection);
    await eventually(async () => (await value('sessions')) === 1);
    await nats.kill();
    await eventually(async () => (await value('feed_up')) === 0);
    expect(await aggregator.ready()).toBe(503);
    expect(await value('sessions')).toBe(1);
    // A TTL after which what is not known is not shown.
    await eventually(async () => (await value('sessions')) === undefined, { deadlineMs: (TTL_SECONDS + 5) * 1_000 });
    await nats.restart();
    await eventually(async () => (await value('feed_up')) === 1);
    const before = stamp;
    await eventually(async () => {
      send(connection);
      await pause(100);
      return (await value('sessions')) === 1;
    });
    expect(stamp).toBeGreaterThan(before);
    expect((await aggregator.metrics()).sum('edgepulse_sessions_reaped_total')).toBe(0);
  });

  it('are not heard by a user who may not subscribe, which is down and not up', async () => {
    const users = `authorization { users [
      { user: media, password: x, permissions: { publish: ">", subscribe: "_INBOX.>" } }
      { user: aggregator, password: x, permissions: { publish: ">", subscribe: "_INBOX.>" } }
    ] }`;
    const { nats } = await setUp(users);
    const natsUrl = nats.url.replace('nats://', 'nats://aggregator:x@');
    const aggregator = keep(await startAggregator({ natsUrl, env: ENV, untilReady: false }));
    await eventually(() => aggregator.log().includes('NATS denied a permission'));
    expect(await aggregator.ready()).toBe(503);
    expect((await aggregator.metrics()).value('edgepulse_feed_up')).toBe(0);
  });
});
