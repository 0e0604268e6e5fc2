import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHealthPacket, type HealthPacket } from '../../../demo/media/packets.ts';
import { decodePacketProto, validPacket, validPeer } from '../../../test/support/media/packet.ts';
import { createReports, numbersAt, PEER_COLUMN, type Report } from '../../store/report/report.ts';
import { SESSION_COLUMN } from '../../store/report/session-columns.ts';
import { createHealthReader } from './health-reader.ts';
import { createIdHash, hashId } from './id-hash.ts';

const SECRET = 'a-secret-of-thirty-two-bytes-for-ids';
const read = createHealthReader({ hash: createIdHash(SECRET), isOurs: (id) => id !== 'm-elsewhere' });
const reports = createReports();

const hashOf = (text: string) => hashId(SECRET, new TextEncoder().encode(text));

function outcomeOf(packet: Partial<HealthPacket>): string {
  return outcomeOfBytes(encodeHealthPacket(validPacket(packet)));
}

function outcomeOfBytes(bytes: Uint8Array): string {
  const outcome = read(bytes, 'webtransport', reports);
  expect(reports.count).toBe(outcome === 'read' ? 1 : 0);
  return outcome;
}

function reportOf(packet: Partial<HealthPacket>): Report {
  expect(outcomeOf(packet)).toBe('read');
  return reports.list[0] as Report;
}

/** What the packet says of its session, by column. */
function sessionNumber(column: number): number {
  return reports.sessionNumbers[column] as number;
}

/** A number of the first peer. */
function peerNumber(column: number): number {
  return reports.numbers[numbersAt(0) + column] as number;
}

/** Every field that is read, of a client of the newer branch with one peer. */
const FULL = validPacket({
  peer_stats: { 's-2': validPeer() },
  newer: {
    is_tab_visible: true,
    display_name: 'Alice',
    connection_handshake_failures_total: 2,
    connection_session_drops_total: 3,
    client_os: 'macos',
  },
});

/** {@link FULL} as it was written when this was made: what is read must not change with the encoder. */
const GOLDEN =
  '0a03732d3112036d2d311a11616c696365406578616d706c652e636f6d2080a0f1c2b134280130013a650a03732d32125e08011001180120012a430900000000000054401100000000000010401a1d0a1b09000000000040584011000000000000004019000000000000f03f210000000000004940290000000000004e40320f090000000000003e4018840720b009422e68747470733a2f2f6d656469612d312e6578616d706c652e636f6d2f6c6f6262793f746f6b656e3d7365637265744a0c7765627472616e73706f72745100000000000054405801608080c0579a0105416c696365b00302b80303ba05056d61636f73';

describe('the reader of health packets', () => {
  it('reads the bytes of a packet that was kept', () => {
    expect(Buffer.from(encodeHealthPacket(FULL)).toString('hex')).toBe(GOLDEN);
    expect(outcomeOfBytes(Buffer.from(GOLDEN, 'hex'))).toBe('read');
    expect(reports.list[0]).toMatchObject({
      meetingId: 'm-1',
      sessionId: 's-1',
      participantId: hashOf('alice@example.com'),
      seq: Number.NaN,
      stampMs: 1_800_000_000_000,
      serverUrl: 'https://media-1.example.com',
      serverType: 'webtransport',
      leaving: false,
    });
    expect([...reports.rtt.slice(0, reports.list[0]?.rttTo)]).toEqual([0.08]);
    const { visible, audio_sending, video_sending, omitted_peers } = SESSION_COLUMN.state;
    expect([visible, audio_sending, video_sending, omitted_peers].map(sessionNumber)).toEqual([1, 1, 1, 0]);
    expect(sessionNumber(SESSION_COLUMN.connection.failures)).toBe(5);
    expect(reports.peerIds[0]).toBe('s-2');
    const { buffer, target_delay, packets_per_second } = PEER_COLUMN.neteq;
    expect([buffer, target_delay, packets_per_second].map(peerNumber)).toEqual([0.08, 0.06, 50]);
    expect(Object.values(PEER_COLUMN.operations).map(peerNumber)).toEqual([97, 2, 1, 0, 0, 0, 0]);
    expect(peerNumber(PEER_COLUMN.video.framesPerSecond)).toBe(30);
  });

  it('has the fields of packets.proto, as another implementation reads them', () => {
    expect(decodePacketProto(encodeHealthPacket(FULL))).toMatchObject({
      session_id: 's-1',
      meeting_id: 'm-1',
      reporting_user_id: [...new TextEncoder().encode('alice@example.com')],
      timestamp_ms: 1_800_000_000_000,
      reporting_audio_enabled: true,
      reporting_video_enabled: true,
      peer_stats: {
        's-2': {
          video_enabled: true,
          neteq_stats: {
            current_buffer_size_ms: 80,
            packets_per_sec: 50,
            target_delay_ms: 60,
            network: { operation_counters: { normal_per_sec: 97, expand_per_sec: 2, accelerate_per_sec: 1 } },
          },
          video_stats: { fps_received: 30 },
        },
      },
      active_server_url: 'https://media-1.example.com/lobby?token=secret',
      active_server_rtt_ms: 80,
      is_tab_visible: true,
      connection_handshake_failures_total: 2,
      connection_session_drops_total: 3,
    });
  });

  describe('takes what proto3 leaves out', () => {
    it('for zero in a message that is there: a value that has recovered is no old one', () => {
      reportOf({ peer_stats: { 's-2': validPeer({ neteq_stats: { operations: {} }, video_stats: {} }) } });
      const columns = [PEER_COLUMN.neteq.buffer, PEER_COLUMN.neteq.packets_per_second, PEER_COLUMN.operations.expand];
      expect([...columns, PEER_COLUMN.video.framesPerSecond].map(peerNumber)).toEqual([0, 0, 0, 0]);
    });

    it('for unknown where the message is not there', () => {
      reportOf({ peer_stats: { 's-2': { video_enabled: true } } });
      const columns = [PEER_COLUMN.neteq.buffer, PEER_COLUMN.neteq.packets_per_second, PEER_COLUMN.operations.expand];
      expect([...columns, PEER_COLUMN.video.framesPerSecond].map(peerNumber)).toEqual(new Array(4).fill(Number.NaN));
      reportOf({ peer_stats: { 's-2': validPeer({ neteq_stats: { current_buffer_size_ms: 20 } }) } });
      expect(peerNumber(PEER_COLUMN.neteq.buffer)).toBe(0.02);
      expect(peerNumber(PEER_COLUMN.operations.expand)).toBeNaN();
    });

    it('for a client that is muted, and for no RTT yet', () => {
      const report = reportOf({ reporting_audio_enabled: false, active_server_rtt_ms: 0 });
      expect(sessionNumber(SESSION_COLUMN.state.audio_sending)).toBe(0);
      expect(report.rttTo).toBe(report.rttFrom);
      // As no proto3 encoder writes it.
      const zero = [0x0a, 1, 0x73, 0x12, 1, 0x6d, 0x51, ...new Array<number>(8).fill(0)];
      expect(outcomeOfBytes(Uint8Array.from(zero))).toBe('read');
      expect(reports.list[0]?.rttTo).toBe(0);
    });

    it.each([
      ['a client of the first branch', undefined, Number.NaN],
      ['a hidden page', { client_os: 'macos' }, 0],
      ['a visible page that is throttled', { is_tab_visible: true, is_tab_throttled: true }, 0],
      ['a visible page', { is_tab_visible: true }, 1],
    ])('for hidden only where visibility is said: %s', (_, newer, visible) => {
      reportOf(newer ? { newer } : {});
      expect(sessionNumber(SESSION_COLUMN.state.visible)).toBe(visible);
      expect(sessionNumber(SESSION_COLUMN.connection.failures)).toBe(newer ? 0 : Number.NaN);
    });
  });

  it('knows no frame rate of a camera that is off', () => {
    reportOf({ peer_stats: { 's-2': validPeer({ video_enabled: false, video_stats: {} }) } });
    expect(peerNumber(PEER_COLUMN.video.framesPerSecond)).toBeNaN();
  });

  describe('keeps ids', () => {
    it('that are ours as they are, and hashes all others', () => {
      const report = reportOf({
        session_id: '4711',
        meeting_id: 'Weekly of Team Blue',
        peer_stats: { 'bob@example.com': {} },
      });
      expect(report).toMatchObject({ sessionId: '4711', meetingId: hashOf('Weekly of Team Blue') });
      expect(reports.peerIds[0]).toBe(hashOf('bob@example.com'));
      expect(reportOf({ session_id: 's'.repeat(65) }).sessionId).toBe(hashOf('s'.repeat(65)));
    });

    it.each(['alice@example.com', 'alice.smith', 'ålice'])('of users as hashes, whatever they are: %s', (user) => {
      expect(reportOf({ reporting_user_id: user }).participantId).toBe(hashOf(user));
    });

    it('of the session where there is no user', () => {
      expect(reportOf({ reporting_user_id: '' }).participantId).toBe('s-1');
    });
  });

  it.each([
    ['https://media-1.example.com/lobby?token=secret', 'https://media-1.example.com'],
    ['https://media-1.example.com?token=a@b/c://d', 'https://media-1.example.com'],
    ['https://media-1.example.com#token', 'https://media-1.example.com'],
    ['wss://alice:secret@media-1.example.com:8443/lobby', 'wss://media-1.example.com:8443'],
    ['wss://a@b@media-1.example.com', 'wss://media-1.example.com'],
    ['?token=secret', ''],
    ['', ''],
    ['https://mediä.example.com/', ''],
  ])('keeps of %s the origin alone', (url, origin) => {
    expect(reportOf({ active_server_url: url }).serverUrl).toBe(origin);
  });

  it('keeps the first 64 of more peers by their ids, the same ones of every packet, and says how many it left out', () => {
    const peers = (order: (ids: string[]) => string[]) =>
      Object.fromEntries(order(Array.from({ length: 70 }, (_, i) => `p-${i + 10}`)).map((id) => [id, validPeer()]));
    const report = reportOf({ peer_stats: peers((ids) => ids) });
    const kept = reports.peerIds.slice(report.peersFrom, report.peersTo);
    expect(kept).toHaveLength(64);
    expect(sessionNumber(SESSION_COLUMN.state.omitted_peers)).toBe(6);
    reportOf({ peer_stats: peers((ids) => ids.reverse()) });
    expect(reports.peerIds.slice(0, 64)).toEqual(kept);
  });

  it('stops at the meeting of another shard', () => {
    expect(outcomeOf({ meeting_id: 'm-elsewhere', active_server_rtt_ms: Number.NaN })).toBe('elsewhere');
  });

  const peer = (stats: Parameters<typeof validPeer>[0]) => ({ peer_stats: { 's-2': validPeer(stats) } });
  it.each<[string, Partial<HealthPacket>, string]>([
    ['no session', { session_id: '' }, 'invalid_id'],
    ['no meeting', { meeting_id: '' }, 'invalid_id'],
    ['a session of 513 bytes', { session_id: 's'.repeat(513) }, 'invalid_id'],
    ['a user of 513 bytes', { reporting_user_id: 'a'.repeat(513) }, 'invalid_id'],
    ['a peer without an id', { peer_stats: { '': {} } }, 'invalid_id'],
    ['a URL of 2,049 bytes', { active_server_url: `https://m.example/${'x'.repeat(2_031)}` }, 'invalid_field'],
    ['an RTT over 10 s', { active_server_rtt_ms: 10_001 }, 'out_of_range'],
    ['a negative RTT', { active_server_rtt_ms: -1 }, 'out_of_range'],
    ['an RTT that is no number', { active_server_rtt_ms: Number.NaN }, 'out_of_range'],
    ['a buffer over 60 s', peer({ neteq_stats: { current_buffer_size_ms: 60_001 } }), 'out_of_range'],
    ['a negative buffer', peer({ neteq_stats: { current_buffer_size_ms: -1 } }), 'out_of_range'],
    ['1,001 expands a second', peer({ neteq_stats: { operations: { expand: 1_001 } } }), 'out_of_range'],
    ['an infinite rate', peer({ neteq_stats: { packets_per_sec: Number.POSITIVE_INFINITY } }), 'out_of_range'],
    ['1,001 frames a second', peer({ video_stats: { fps_received: 1_001 } }), 'out_of_range'],
    ['a million drops and one more', { newer: { connection_session_drops_total: 1_000_001 } }, 'out_of_range'],
    [
      'a map of 10,000 peers',
      { peer_stats: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`p-${i}`, {}])) },
      'too_many_peers',
    ],
  ])('rejects a packet with %s', (_, packet, reason) => {
    expect(outcomeOf(packet)).toBe(reason);
  });

  it('rejects a peer that is there twice', () => {
    const one = encodeHealthPacket(validPacket({ peer_stats: { 's-2': {} } }));
    const entry = [0x3a, 7, 0x0a, 3, 0x73, 0x2d, 0x32, 0x12, 0];
    expect(outcomeOfBytes(Uint8Array.from([...one, ...entry]))).toBe('duplicate_peer');
  });

  it.each([
    ['JSON', new TextEncoder().encode('{"v":1,"meeting_id":"m-1","session_id":"s-1","seq":0,"peers":[]}')],
    ['a text', new TextEncoder().encode('+OK')],
    ['a session that is there twice', Uint8Array.from([0x0a, 1, 0x73, 0x0a, 1, 0x74, 0x12, 1, 0x6d])],
    ['a session that is a number', Uint8Array.from([0x08, 1, 0x12, 1, 0x6d])],
    ['a field 0', Uint8Array.from([0x0a, 1, 0x73, 0x12, 1, 0x6d, 0x00, 1])],
    ['a field above 2^29', Uint8Array.from([0x0a, 1, 0x73, 0x12, 1, 0x6d, 0xc2, 0x80, 0x80, 0x80, 0x80, 1, 1, 0x73])],
    ['a group', Uint8Array.from([0x0a, 1, 0x73, 0x12, 1, 0x6d, 0xfb, 0x01, 0xfc, 0x01])],
  ])('rejects %s as damaged', (_, bytes) => {
    expect(outcomeOfBytes(bytes)).toBe('damaged_encoding');
  });

  it('rejects an empty message, which names nobody', () => {
    expect(outcomeOfBytes(new Uint8Array(0))).toBe('invalid_id');
  });

  it('takes any time of a client', () => {
    for (const timestamp_ms of [0, 1, 2 ** 53]) expect(outcomeOf({ timestamp_ms })).toBe('read');
    expect(reportOf({ timestamp_ms: 0 }).stampMs).toBeNaN();
  });

  it('skips fields that it does not know, at every depth', () => {
    const unknown = [
      0xf2, 0x06, 2, 7, 7, 0xf8, 0x06, 0x80, 0x01, 0xfd, 0x06, 1, 2, 3, 4, 0xf9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8,
    ];
    const inner = (field: number, content: number[]) => [field * 8 + 2, ...varint(content.length), ...content];
    const neteq = inner(5, [...unknown, ...inner(3, [...inner(1, unknown), ...unknown])]);
    const entry = inner(7, [
      0x0a,
      1,
      0x70,
      ...unknown,
      ...inner(2, [...neteq, ...unknown, 0x81, 0x01, 0, 0, 0, 0, 0, 0, 0, 0]),
    ]);
    expect(outcomeOfBytes(Uint8Array.from([0x0a, 1, 0x73, 0x12, 1, 0x6d, ...unknown, ...entry]))).toBe('read');
    expect(reports.peerIds[0]).toBe('p');
    expect(peerNumber(PEER_COLUMN.operations.expand)).toBe(0);
  });

  it('never throws for any bytes, nor for a packet that is cut off or changed anywhere', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void outcomeOfBytes(bytes)),
      { numRuns: 3_000 },
    );
    const valid = encodeHealthPacket(FULL);
    for (let length = 0; length < valid.length; length++) outcomeOfBytes(valid.slice(0, length));
    const changes = fc.array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(changes, (changed) => {
        const bytes = valid.slice();
        for (const [at, byte] of changed) bytes[at] = byte;
        if (outcomeOfBytes(bytes) !== 'read') return;
        const { meetingId, sessionId, participantId } = reports.list[0] as Report;
        for (const id of [meetingId, sessionId, participantId, reports.peerIds[0] ?? 'x']) {
          expect(id).toMatch(/^[A-Za-z0-9_.-]{1,64}$/);
        }
        expect(
          Math.max(
            ...Object.values(PEER_COLUMN.neteq)
              .map(peerNumber)
              .map((value) => value || 0),
          ),
        ).toBeLessThan(1e7);
      }),
      { numRuns: 5_000 },
    );
  });
});

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [0x80 | (value & 0x7f), value >> 7];
}
