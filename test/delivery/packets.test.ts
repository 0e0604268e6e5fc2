/** Packets of media servers, published as these do it, through a real nats-server into the families of a real aggregator. */
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeHealthPacket, type HealthPacket } from '../../demo/media/packets.ts';
import { packetsOf } from '../../demo/media/traffic.ts';
import { laneOf } from '../../shared/subjects.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { validPacket, validPeer } from '../support/media/packet.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';

const SERVER = 'https://media-1.example.com';
const SUBJECT = 'health.diagnostics.apac.webtransport.media-1.example.com';
const LANES = 4;
const TTL_SECONDS = 3;
const ENV = {
  MEDIA_SERVER_TYPES: 'websocket,webtransport',
  ID_HASH_SECRET: 'a-secret-of-thirty-two-bytes-for-ids',
  REGIONS: 'apac',
  SERVERS: SERVER,
  LANES: `${LANES}`,
  SESSION_TTL_SECONDS: `${TTL_SECONDS}`,
  LOG_LEVEL: 'trace',
};

let nats: NatsServer;
let connection: NatsConnection;
let feeder: Feeder;
const shards: AggregatorProcess[] = [];

beforeAll(async () => {
  nats = await startNatsServer();
  connection = await connect({ servers: nats.url });
  for (const SHARD of ['0/2', '1/2']) shards.push(await startAggregator({ natsUrl: nats.url, env: { ...ENV, SHARD } }));
  feeder = await startFeeder(nats.url);
});

afterAll(async () => {
  for (const shard of shards) await shard.stop();
  await feeder?.close();
  await connection?.close();
  await nats?.stop();
});

let stamp = 0;
function send(packet: Partial<HealthPacket>, subject = SUBJECT): void {
  connection.publish(subject, encodeHealthPacket(validPacket({ timestamp_ms: ++stamp, ...packet })));
}

async function sum(name: string, labels: Record<string, string> = {}): Promise<number> {
  const scrapes = await Promise.all(shards.map((shard) => shard.metrics()));
  return scrapes.reduce((all, scrape) => all + scrape.sum(`edgepulse_${name}`, { region: 'apac', ...labels }), 0);
}

describe('packets of media servers', () => {
  it('of 60 people in 15 meetings are on the shards of their meetings, each once', async () => {
    for (const packet of packetsOf({ sessions: 60, peers: 3, serverUrl: SERVER }, 0, () => ++stamp)) {
      connection.publish(SUBJECT, packet);
    }
    await eventually(async () => (await sum('packets_total', { outcome: 'applied' })) === 60);
    const cell = { server_url: SERVER, server_type: 'webtransport' };
    expect(await sum('sessions', cell)).toBe(60);
    expect(await sum('peer_connections', cell)).toBe(180);
    expect([await sum('meetings'), await sum('participants')]).toEqual([15, 60]);
    expect(await sum('live_video_frames_per_second_count', cell)).toBe(180);
  });

  it('are gone a TTL after the last one, by the broker’s clock, wherever the client’s is', async () => {
    send({ session_id: 'past', timestamp_ms: 1 });
    send({ session_id: 'future', timestamp_ms: 4_000_000_000_000 });
    await eventually(async () => (await sum('sessions')) > 0);
    await eventually(async () => (await sum('sessions')) === 0, { deadlineMs: (TTL_SECONDS + 5) * 1_000 });
    expect(await sum('sessions_reaped_total', { reason: 'stale' })).toBe(62);
  });

  it('and beacons of one session count once, in one meeting with others of both', async () => {
    const meeting_id = 'mixed';
    const beacon = { meeting_id, session_id: 's-1', participant_id: 'p-1', peers: [] };
    await feeder.send({ lane: laneOf(meeting_id, LANES) }, { ...beacon, seq: 0 });
    send({ meeting_id, session_id: 's-2', peer_stats: { 's-1': validPeer() } });
    await eventually(async () => (await sum('sessions')) === 2);
    send({ meeting_id, session_id: 's-1', peer_stats: { 's-2': validPeer() } });
    await eventually(async () => (await sum('packets_total', { outcome: 'superseded' })) === 1);
    expect([await sum('sessions'), await sum('participants'), await sum('meetings')]).toEqual([2, 2, 1]);
  });

  it('that are damaged are counted once, and nothing of a person is in a label or a log', async () => {
    const before = await sum('packets_total', { outcome: 'rejected' });
    connection.publish(SUBJECT, new TextEncoder().encode('{"user":"alice@example.com","token":"secret"}'));
    send({ session_id: '' });
    send({ peer_stats: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`p-${i}`, {}])) });
    send({ active_server_url: 'https://media-1.example.com/alice?token=secret', active_server_rtt_ms: Number.NaN });
    send({ session_id: 'alice@example.com', peer_stats: { 'alice@example.com': validPeer() } });
    await eventually(async () => (await sum('packets_total', { outcome: 'rejected' })) === before + 4);
    await eventually(async () => (await sum('peer_connections')) > 0);
    for (const shard of shards) {
      const text = await (await fetch(`${shard.url}/metrics`)).text();
      // Without the help, which names settings.
      expect(text.replace(/^#.*$/gm, '')).not.toMatch(/alice|secret|@example/);
      expect(shard.log()).not.toMatch(/alice|secret|@example/);
    }
  });

  it('are still there after a restart, and are not counted again', async () => {
    const [shard] = shards as [AggregatorProcess];
    const meeting_id = Array.from({ length: 20 }, (_, i) => `again-${i}`).find((id) => laneOf(id, 2) === 'f00') ?? '';
    send({ meeting_id, session_id: 'again' });
    await eventually(async () => (await shard.metrics()).value('edgepulse_meeting_participants', { meeting_id }) === 1);
    await shard.restart();
    await eventually(async () => (await shard.ready()) === 200);
    const metrics = await shard.metrics();
    expect(metrics.value('edgepulse_meeting_participants', { meeting_id })).toBe(1);
    expect(metrics.sum('edgepulse_packets_total')).toBe(0);
    expect(metrics.sum('edgepulse_unowned_subjects')).toBe(0);
  });
});
