import { describe, expect, it } from 'vitest';
import { encodeHealthPacket, type HealthPacket } from '../../../demo/media/packets.ts';
import { encodeEntry, joinBatch } from '../../../shared/batch.ts';
import type { Beacon } from '../../../shared/beacon.ts';
import { laneOf } from '../../../shared/subjects.ts';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import { validPacket, validPeer } from '../../../test/support/media/packet.ts';
import { expose } from '../../../test/support/metrics/expose.ts';
import { parseMetrics } from '../../../test/support/metrics/exposition-text.ts';
import { createTestSessions, NOW, readImpairment } from '../../store/testing.ts';
import { createForwarders } from '../forwarders.ts';
import { createIngest, type Ingest } from '../ingest.ts';
import { hashId } from './id-hash.ts';
import { createPackets } from './packets.ts';

const SECRET = 'a-secret-of-thirty-two-bytes-for-ids';
const SERVER = 'https://media-1.example.com';
const SUBJECT = 'health.diagnostics.apac.webtransport.server-1';
const LANES = 4;
const TTL_SECONDS = 30;

type Shard = { readonly index: number; readonly count: number };

function setUp(shard: Shard = { index: 0, count: 1 }) {
  const sessions = createTestSessions({ servers: [SERVER], ttlSeconds: TTL_SECONDS });
  const forwarders = createForwarders({
    regions: sessions.regions,
    shard,
    topology: 'ours',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const packets = createPackets({
    sessions,
    serverTypes: ['webtransport', 'websocket'],
    shard,
    lanes: LANES,
    idHashSecret: SECRET,
  });
  const ingest: Ingest = createIngest(sessions, forwarders, { packets });
  let accepted = 0;
  return {
    sessions,
    /** @param seconds after {@link NOW} */
    send(packet: Partial<HealthPacket>, seconds = 0, subject = SUBJECT) {
      const atMs = NOW + seconds * 1000;
      const bytes = encodeHealthPacket(validPacket({ timestamp_ms: 1_700_000_000_000 + seconds * 1000, ...packet }));
      ingest(subject, bytes, { storedAtMs: atMs, nowMs: atMs });
    },
    /** A packet of one of several streams. @param passedSeconds up to when the region was read through the others */
    sendAway({ storedSeconds, passedSeconds }: { storedSeconds: number; passedSeconds: number }) {
      const bytes = encodeHealthPacket(validPacket({ timestamp_ms: 1 + storedSeconds }));
      const [storedAtMs, nowMs] = [NOW + storedSeconds * 1000, NOW + passedSeconds * 1000];
      ingest(SUBJECT, bytes, { storedAtMs, nowMs, passedMs: nowMs });
    },
    sendBytes: (bytes: Uint8Array, subject = SUBJECT) => ingest(subject, bytes, { storedAtMs: NOW, nowMs: NOW }),
    /** @param waitedSeconds at the edge */
    sendBeacon(beacon: Partial<Beacon>, seconds = 0, waitedSeconds = 0) {
      const atMs = NOW + seconds * 1000;
      const header = { slot: 0, epoch: 'e', accepted: ++accepted, sentAtMs: atMs };
      const batch = joinBatch(header, [encodeEntry(validEntry(beacon, atMs - waitedSeconds * 1000))]);
      const lane = laneOf(beacon.meeting_id ?? 'm-1', LANES);
      ingest(`health.diagnostics.apac.edge.${lane}`, batch, { storedAtMs: atMs, nowMs: atMs });
    },
    /** The value of the series of the family in apac that has the labels; undefined when there is none. */
    value(name: string, labels: { readonly [name: string]: string } = {}, seconds = 0): number | undefined {
      return samples(seconds).find(
        (sample) =>
          sample.name === `edgepulse_${name}` &&
          Object.entries({ region: 'apac', ...labels }).every(([label, value]) => sample.labels[label] === value),
      )?.value;
    },
    text,
    counts: () => sessions.totals('apac').packets,
  };

  function text(seconds = 0): string {
    const collect = new Set(['population', 'sessions', 'process', 'operations'] as const);
    return [...expose(sessions, { nowMs: NOW + seconds * 1000, collect, openMetrics: false })].join('');
  }

  function samples(seconds: number) {
    return parseMetrics(text(seconds));
  }
}

describe('packets of media servers', () => {
  it('feed what beacons feed: the population, by the region and type of their subject', () => {
    const { send, value } = setUp();
    send({ session_id: 's-1', active_server_type: 'websocket', peer_stats: { 's-2': validPeer() } });
    send({ session_id: 's-2', reporting_user_id: 'bob@example.com', peer_stats: { 's-1': validPeer() } });
    const cell = { server_url: SERVER, server_type: 'webtransport' };
    expect(value('sessions', cell)).toBe(2);
    expect(value('peer_connections', cell)).toBe(2);
    expect(value('meetings')).toBe(1);
    expect(value('participants')).toBe(2);
    expect(value('live_rtt_quantile_seconds', { ...cell, q: '0.5' })).toBeCloseTo(0.08, 3);
    expect(value('live_neteq_buffer_quantile_seconds', { ...cell, q: '0.5' })).toBeCloseTo(0.08, 3);
    expect(value('live_expand_operations_per_second_sum', cell)).toBeCloseTo(4, 6);
    expect(value('live_concealment_ratio_sum', cell)).toBeCloseTo(0.04, 6);
    expect(value('live_video_frames_per_second_sum', cell)).toBeCloseTo(60, 6);
    expect(value('peer_neteq_buffer_seconds', { meeting_id: 'm-1', session_id: 's-1', peer_id: 's-2' })).toBe(0.08);
    expect(value('packets_total', { outcome: 'applied' })).toBe(2);
  });

  it('put a server that is not configured under other, and take no region from anywhere but the subject', () => {
    const { send, value, sessions } = setUp();
    send(
      { active_server_url: 'https://media-9.example.com/?token=secret' },
      0,
      'health.diagnostics.apac.websocket.a.b',
    );
    expect(value('sessions', { server_url: 'other', server_type: 'websocket' })).toBe(1);
    for (const subject of ['health.diagnostics.nowhere.websocket.a', 'health.diagnostics.apac.webrtc.a']) {
      send({ session_id: 's-9' }, 0, subject);
    }
    expect(sessions.living()).toBe(1);
  });

  it('show a value that has recovered as zero', () => {
    const { send, value } = setUp();
    const expanding = (expand: number) => ({
      peer_stats: { 's-2': validPeer({ neteq_stats: { packets_per_sec: 50, operations: { expand } } }) },
    });
    const series = { session_id: 's-1', peer_id: 's-2', operation: 'expand' };
    send(expanding(20));
    expect(value('peer_neteq_operations_per_second', series)).toBe(20);
    send(expanding(0), 5);
    expect(value('peer_neteq_operations_per_second', series)).toBe(0);
  });

  it('of somebody who hears silence say nothing about concealment', () => {
    const { send, value } = setUp();
    const silence = { packets_per_sec: 1.9, operations: { expand: 99 } };
    send({ peer_stats: { 's-2': validPeer({ neteq_stats: silence }) } });
    expect(value('live_expand_operations_per_second_count')).toBeUndefined();
    expect(value('peer_neteq_operations_per_second', { operation: 'expand' })).toBeUndefined();
  });

  it('of a hidden or throttled page say nothing about video', () => {
    const { send, value } = setUp();
    send({ peer_stats: { 's-2': validPeer() }, newer: { is_tab_visible: true, is_tab_throttled: true } });
    expect(value('live_video_frames_per_second_count')).toBeUndefined();
    send({ peer_stats: { 's-2': validPeer() }, newer: { is_tab_visible: true } }, 5);
    expect(value('live_video_frames_per_second_count')).toBe(1);
  });

  it.each([
    [true, 1],
    [false, 0],
  ])('tell who can not be heard from who is muted: unmuted %s', (isUnmuted, silent) => {
    const { send, sessions } = setUp();
    const deaf = { 's-2': validPeer({ neteq_stats: { packets_per_sec: 0, operations: {} } }) };
    for (const seconds of [0, 5, 10, 15]) {
      send({ session_id: 's-2', reporting_audio_enabled: isUnmuted }, seconds);
      send({ session_id: 's-1', peer_stats: deaf }, seconds + 1);
    }
    const [cell] = sessions.cells();
    expect(cell && readImpairment(sessions).of(cell).silent.no_packets).toBe(silent);
  });

  describe('come again', () => {
    it('once for each time of the client, wherever its clock is, and count in the order of their arrival', () => {
      const { send, value, counts } = setUp();
      const times = [4_000_000_000_000, 1, 1_800_000_000_000, 0];
      for (const [i, timestamp_ms] of times.entries()) send({ timestamp_ms, active_server_rtt_ms: 100 + i }, i);
      expect(value('session_rtt_seconds')).toBe(0.103);
      // Read again from another stream, or published twice; but one without a time can't be told from another.
      for (const [i, timestamp_ms] of times.entries()) send({ timestamp_ms, active_server_rtt_ms: 900 }, 4 + i);
      expect(counts()).toMatchObject({ applied: 5, duplicate: 3 });
    });

    it('from before a TTL, of a stream that was away, and bring nobody back', () => {
      const { sendAway, sessions, counts } = setUp();
      sendAway({ storedSeconds: 0, passedSeconds: TTL_SECONDS + 1 });
      expect(sessions.living()).toBe(0);
      sendAway({ storedSeconds: 5, passedSeconds: TTL_SECONDS + 5 });
      expect(sessions.living()).toBe(1);
      expect(counts()).toMatchObject({ applied: 1, late: 1 });
    });

    it('late from another stream and move no value back', () => {
      const { send, value, counts } = setUp();
      send({ active_server_rtt_ms: 100 }, 10);
      send({ active_server_rtt_ms: 900 }, 5);
      expect(value('session_rtt_seconds')).toBe(0.1);
      expect(value('live_rtt_seconds_count')).toBe(1);
      expect(counts()).toMatchObject({ applied: 2, duplicate: 0 });
    });
  });

  it('no longer come, and the session is gone after a TTL', () => {
    const { send, sessions, value } = setUp();
    send({}, 0);
    send({}, 5);
    sessions.expire(NOW + (5 + TTL_SECONDS) * 1000 - 1_000);
    expect(sessions.living()).toBe(1);
    sessions.expire(NOW + (6 + TTL_SECONDS) * 1000);
    expect(sessions.living()).toBe(0);
    expect(value('sessions')).toBeUndefined();
    expect(sessions.totals('apac').stale).toBe(1);
  });

  describe('beside beacons of the same session', () => {
    const beacon: Partial<Beacon> = { rtt: [0.2], started: 7, peers: [{ peer_id: 's-3' }, { peer_id: 's-4' }] };

    it('count once: fresh beacons win, and packets take over when they stop', () => {
      const { send, sendBeacon, value, counts, sessions } = setUp();
      const rtt = (seconds: number) => value('session_rtt_seconds', {}, seconds);
      send({ active_server_rtt_ms: 100 }, 0);
      sendBeacon({ ...beacon, seq: 0 }, 1);
      send({ active_server_rtt_ms: 100 }, 5);
      expect([value('sessions'), value('participants'), value('peer_connections')]).toEqual([1, 1, 2]);
      expect(rtt(5)).toBe(0.2);
      sendBeacon({ ...beacon, seq: 1 }, 8);
      for (let seconds = 10; seconds <= 60; seconds += 5) {
        send({ active_server_rtt_ms: 100 }, seconds);
        sessions.expire(NOW + seconds * 1000);
      }
      expect(rtt(60)).toBe(0.1);
      expect(value('sessions')).toBe(1);
      // Superseded while two intervals of the beacons have not passed.
      expect(counts()).toMatchObject({ applied: 9, superseded: 4, duplicate: 0, late: 0 });
      sendBeacon({ ...beacon, seq: 2 }, 61);
      expect(rtt(61)).toBe(0.2);
      expect(sessions.totals('apac')).toMatchObject({ applied: 3, late: 0, lost: 0, duplicate: 0 });
      expect(sessions.ended.count).toBe(0);
    });

    it.each([{ started: 7 }, {}])('do not make beacons look lost, or the session look restarted: %j', (started) => {
      const { send, sendBeacon, sessions } = setUp();
      const { started: _, ...unmarked } = beacon;
      send({}, 0);
      sendBeacon({ ...unmarked, ...started, seq: 20 }, 3);
      // After which a hole would be a loss.
      sendBeacon({ ...unmarked, seq: 21 }, 20);
      expect(sessions.totals('apac')).toMatchObject({ applied: 2, lost: 0, late: 0 });
      expect(sessions.ended.count).toBe(0);
    });

    it('are not what a beacon that waited at the edge is compared with', () => {
      const { send, sendBeacon, sessions, value } = setUp();
      const { started: _, ...unmarked } = beacon;
      send({}, 0);
      sendBeacon({ ...unmarked, seq: 20 }, 3, TTL_SECONDS + 1);
      expect(value('session_rtt_seconds')).toBe(0.08);
      sendBeacon({ ...unmarked, seq: 0 }, 4);
      expect(value('session_rtt_seconds')).toBe(0.2);
      expect(sessions.totals('apac')).toMatchObject({ applied: 1, lost: 0, late: 1 });
    });

    it('do not bring back who has left', () => {
      const { send, sendBeacon, sessions, counts } = setUp();
      sendBeacon({ ...beacon, seq: 0, leaving: true }, 0);
      sendBeacon({ ...beacon, seq: 1, leaving: true }, 0.5);
      send({}, 1.5);
      expect(sessions.living()).toBe(0);
      expect(counts()).toMatchObject({ applied: 0, late: 1 });
    });

    it('meet the others of a meeting whose clients send beacons', () => {
      const { send, sendBeacon, value } = setUp();
      send({ session_id: 's-1', peer_stats: { 's-2': validPeer() } });
      sendBeacon({ session_id: 's-2', participant_id: 'p-2', peers: [{ peer_id: 's-1' }] });
      expect([value('meetings'), value('participants')]).toEqual([1, 2]);
    });
  });

  it('are each kept by one shard of several, as are beacons of the meeting, and a damaged one is counted by one', () => {
    const shards = [0, 1, 2].map((index) => setUp({ index, count: 3 }));
    const meetings = Array.from({ length: 30 }, (_, i) => `m-${i}`);
    for (const shard of shards) {
      for (const meeting_id of meetings) {
        shard.send({ meeting_id });
        shard.send({ meeting_id, session_id: 's-9', active_server_rtt_ms: -1 });
      }
      for (let server = 0; server < 30; server++) {
        shard.sendBytes(new TextEncoder().encode('{}'), `health.diagnostics.apac.websocket.${server}`);
      }
    }
    const living = shards.map(({ sessions }) => sessions.living());
    expect(living.reduce((sum, one) => sum + one)).toBe(30);
    expect(Math.min(...living)).toBeGreaterThan(0);
    for (const reason of ['damaged_encoding', 'out_of_range'] as const) {
      expect(shards.reduce((sum, { counts }) => sum + counts().rejected[reason], 0)).toBe(30);
    }
  });

  it('and beacons on each other’s subjects are counted as damaged', () => {
    const { sendBytes, sessions, value } = setUp();
    const packet = encodeHealthPacket(validPacket());
    sendBytes(packet, 'health.diagnostics.apac.edge.f00');
    sendBytes(joinBatch({ slot: 0, epoch: 'e', accepted: 1, sentAtMs: NOW }, [encodeEntry(validEntry())]));
    sendBytes(new TextEncoder().encode(JSON.stringify(validEntry().beacon)));
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac').invalid).toBe(1);
    expect(value('packets_total', { outcome: 'rejected', reason: 'damaged_encoding' })).toBe(2);
  });

  it('leave no name, address or token in any label', () => {
    const { send, text } = setUp();
    send({
      session_id: 'alice@example.com/1',
      meeting_id: "Alice's meeting",
      reporting_user_id: 'alice@example.com',
      peer_stats: { 'bob@example.com': validPeer() },
      active_server_url: 'https://alice:secret@media-1.example.com/alice?token=secret',
      newer: { display_name: 'Alice', client_os: 'alice-os' },
    });
    expect(text()).toContain(hashId(SECRET, new TextEncoder().encode('bob@example.com')));
    expect(text()).toContain(`server_url="${SERVER}"`);
    // Without the help, which names settings.
    expect(text().replace(/^#.*$/gm, '')).not.toMatch(/alice|bob|secret|@/i);
  });

  it('have no family where none are read', () => {
    const sessions = createTestSessions();
    const all = [...expose(sessions, { nowMs: NOW, collect: new Set(['process']), openMetrics: false })].join('');
    expect(all).not.toContain('edgepulse_packets_total{');
  });
});
