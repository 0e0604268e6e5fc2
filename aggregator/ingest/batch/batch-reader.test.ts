import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import {
  BATCH_FIELD,
  decodeBatch,
  type Entry,
  encodeBatchHeader,
  encodeCanary,
  encodeEntry,
  joinBatch,
} from '../../../shared/batch.ts';
import type { Beacon } from '../../../shared/beacon.ts';
import { arbitraryBeacon } from '../../../test/support/edge/arbitrary-beacon.ts';
import { type validBeacon, validEntry } from '../../../test/support/edge/beacon.ts';
import { decodeProto, encodeProto, PROTO, protoEntry } from '../../../test/support/edge/proto.ts';
import { bytesOf, RELEASES } from '../../../test/support/edge/recorded-wire.ts';
import { createReports, numbersAt, PEER_COLUMN, type Report, type Reports } from '../../store/report/report.ts';
import { SESSION_COLUMNS, writeSessionRow } from '../../store/report/session-columns.ts';
import { createBatchReader } from './batch-reader.ts';

const HEADER = { slot: 0, epoch: 'epoch-1', accepted: 9, sentAtMs: 1_800_000_000_000 };
const CANARY_HEADER = { slot: 0, id: 'c', sentAtMs: HEADER.sentAtMs };
const CANARY = { sentAtMs: HEADER.sentAtMs - 40, signature: 'A-_'.repeat(14) };
const read = createBatchReader();
const reports = createReports();

const arbitraryEntries = fc.array(
  fc.record({ receivedAtMs: fc.maxSafeNat(), colo: fc.constantFrom('', 'SIN'), beacon: arbitraryBeacon }),
  { maxLength: 3 },
);

const SESSION: Partial<Beacon> = {
  join: { result: 'ok', seconds: 0.8, first_audio_seconds: 1.1, first_video_seconds: 1.4 },
  sent: {
    audio: { packetsSent: 1_500, packetsLost: -2, totalAudioEnergy: 0.5 },
    video: { packetsSent: 9, packetsLost: 1, qualityLimitationReason: 'cpu' },
  },
};

/** The reports as the general decoder makes them. */
function expected(entries: readonly Entry[]): unknown[] {
  const made = createReports();
  for (const { receivedAtMs, beacon } of entries) made.addBeacon(receivedAtMs, beacon);
  return contentOf(made);
}

function contentOf(from: Reports): unknown[] {
  const columns = Object.values(PEER_COLUMN).flatMap((ofPart) => Object.values(ofPart));
  return range(0, from.count).map((i) => {
    const { rttFrom, rttTo, peersFrom, peersTo, sessionAt, ...fields } = from.list[i] as Report;
    return {
      ...fields,
      rtt: [...from.rtt.slice(rttFrom, rttTo)],
      session: [...from.sessionNumbers.slice(sessionAt, sessionAt + SESSION_COLUMNS)],
      peers: range(peersFrom, peersTo).map((peer) => ({
        id: from.peerIds[peer],
        numbers: columns.map((column) => from.numbers[numbersAt(peer) + column]),
      })),
    };
  });
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Reads the bytes both ways: what the general decoder, with the limits of a beacon, accepts must be what is read here. */
function expectAgreement(bytes: Uint8Array): void {
  const { source, invalid, canary } = read(bytes, reports);
  const decoded = decodeBatch(bytes);
  if (decoded.ok) {
    const { slot, epoch, accepted, sentAtMs, canary: sent } = decoded.value;
    expect({ source, invalid, canary }).toEqual({
      source: { slot, epoch, accepted, sentAtMs },
      invalid: decoded.value.invalid,
      canary: sent,
    });
    expect(contentOf(reports)).toEqual(expected(decoded.value.entries));
  } else {
    expect(source === undefined ? reports.count : 0, decoded.detail).toBe(0);
    expect(invalid).toBeGreaterThan(0);
  }
}

describe('the reader of batches', () => {
  it('reads whatever the edge encodes as the general decoder does', () => {
    fc.assert(
      fc.property(arbitraryEntries, (entries) => {
        const batch = joinBatch(HEADER, entries.map(encodeEntry));
        expect(read(batch, reports)).toEqual({ source: HEADER, invalid: 0 });
        expect(contentOf(reports)).toEqual(expected(entries));
      }),
      { numRuns: 300 },
    );
  });

  it('reads what another implementation encodes', () => {
    fc.assert(
      fc.property(arbitraryEntries, (entries) => {
        const { sentAtMs: sent_at_ms, ...header } = HEADER;
        read(encodeProto('Batch', { ...header, sent_at_ms, entries: entries.map(protoEntry) }), reports);
        expect(contentOf(reports)).toEqual(expected(entries));
      }),
    );
  });

  it.each(RELEASES)('reads what $version put on NATS as that version did', ({ batches }) => {
    for (const batch of batches) {
      expect(read(bytesOf(batch), reports)).toMatchObject({ source: { epoch: batch.decoded.epoch }, invalid: 0 });
      expect(contentOf(reports)).toEqual(expected(batch.decoded.entries));
    }
  });

  const p = { peer_id: 'p' };
  const bad: [string, Parameters<typeof validBeacon>[0]][] = [
    ['an id of 65 characters', { session_id: 's'.repeat(65) }],
    ['an empty id', { meeting_id: '' }],
    ['an id with a space', { participant_id: 'a b' }],
    ['an id that is not ASCII', { session_id: 'sé' }],
    ['a peer without an id', { peers: [{ peer_id: '' }] }],
    ['a peer twice', { peers: [p, p] }],
    ['65 peers', { peers: Array.from({ length: 65 }, (_, i) => ({ peer_id: `p-${i}` })) }],
    ['33 RTT samples', { rtt: new Array(33).fill(0.1) }],
    ['an RTT over 10 s', { rtt: [10.000_001] }],
    ['a seq above 2^53', { seq: 2 ** 60 }],
    ['a negative count, which is a varint of 2^64 - 1', { seq: -1 }],
    ['dropped above 2^53', { dropped: 2 ** 60 }],
    ['started above 2^53', { started: 2 ** 60 }],
    ['a counter above 2^53', { peers: [{ ...p, audio: { packetsReceived: 2 ** 60 } }] }],
    ['a packetsLost below -2^52', { peers: [{ ...p, audio: { packetsLost: -(2 ** 52) } }] }],
    ['a packetsLost above 2^52', { peers: [{ ...p, video: { packetsLost: 2 ** 52 } }] }],
    ['a jitter over 10 s', { peers: [{ ...p, audio: { jitter: 10.1 } }] }],
    ['a target delay over 60 s', { peers: [{ ...p, neteq: { target_delay: 60.1 } }] }],
    ['an energy that is no number', { peers: [{ ...p, audio: { totalAudioEnergy: Number.NaN } }] }],
    ['a delay that is no number', { peers: [{ ...p, audio: { jitterBufferDelay: Number.NaN } }] }],
    ['an infinite delay', { peers: [{ ...p, audio: { jitterBufferDelay: Number.POSITIVE_INFINITY } }] }],
    ['a negative delay', { peers: [{ ...p, audio: { jitterBufferDelay: -0.1 } }] }],
    ['1,001 frames a second', { peers: [{ ...p, video: { framesPerSecond: 1_001 } }] }],
    ['a buffer over 60 s', { peers: [{ ...p, neteq: { buffer: 60.1 } }] }],
    ['1,001 operations a second', { peers: [{ ...p, neteq: { operations_per_second: { expand: 1_001 } } }] }],
    ['a million failures and one more', { connection: { failures: 1_000_001 } }],
    ['a join of more than a day', { join: { seconds: 86_401 } }],
    ['a sent packetsLost below -2^52', { sent: { video: { packetsLost: -(2 ** 52) } } }],
    ['a sent energy that is no number', { sent: { audio: { totalAudioEnergy: Number.NaN } } }],
    ['a server URL that is too long', { server: { url: 'x'.repeat(2_049), type: 'webrtc' } }],
  ];

  it('counts a beacon as invalid in which a message that may come once comes twice, however deep', () => {
    const neteq = field(3, [...field(4, []), ...field(4, [])]);
    const peer = field(9, [...field(1, 'p'), ...neteq]);
    const entry = [0x08, 7, ...field(3, [...field(1, 'm'), ...field(2, 's'), 0x20, 5, ...peer])];
    const batch = Uint8Array.from([...field(2, 'e'), ...field(5, entry)]);
    expect(read(batch, reports)).toMatchObject({ invalid: 1 });
    expectAgreement(batch);
  });

  it.each(bad)('counts a beacon with %s as invalid, as the general decoder does', (_, overrides) => {
    const good = encodeEntry(validEntry());
    const batch = joinBatch(HEADER, [good, encodeEntry(validEntry(overrides)), good]);
    expect(read(batch, reports)).toMatchObject({ invalid: 1 });
    expect(contentOf(reports)).toEqual(expected([validEntry(), validEntry()]));
    expectAgreement(batch);
  });

  it('skips fields that it does not know, at every depth', () => {
    const unknown = [
      0xf2, 0x01, 2, 7, 7, 0xf8, 0x01, 0x80, 0x01, 0xfd, 0x01, 1, 2, 3, 4, 0xf9, 0x01, 1, 2, 3, 4, 5, 6, 7, 8,
    ];
    const beacon = [
      ...field(1, 'm'),
      ...field(2, 's'),
      0x20,
      5,
      ...unknown,
      ...field(9, [...field(1, 'p'), ...unknown]),
    ];
    const entry = [0x08, 7, ...field(3, beacon), ...unknown];
    const batch = Uint8Array.from([...field(2, 'e'), ...unknown, ...field(5, entry)]);
    expect(read(batch, reports)).toMatchObject({ invalid: 0 });
    expect(contentOf(reports)).toMatchObject([{ meetingId: 'm', sessionId: 's', seq: 5, peers: [{ id: 'p' }] }]);
  });

  it.each([
    ['concealmentEvents', field(2, [0x28, 7, 0x28, 8])],
    ['packets_awaiting_decode', field(3, [0x10, 4, 0x10, 5])],
  ])('skips %s, which an edge of an earlier version still sends', (_, stats) => {
    const entry = [
      0x08,
      7,
      ...field(3, [...field(1, 'm'), ...field(2, 's'), 0x20, 5, ...field(9, [...field(1, 'p'), ...stats])]),
    ];
    const batch = Uint8Array.from([...field(2, 'e'), ...field(5, entry)]);
    expect(read(batch, reports)).toMatchObject({ invalid: 0 });
    expectAgreement(batch);
  });

  it.each([
    ['a platform, which becomes other', field(11, [0x08, 9]), { client: { platform: 'other' } }],
    ['a candidate type, which is unknown then', field(13, [0x08, 9, 0x10, 2]), { path: { protocol: 'tcp' } }],
    ['a join result, which is unknown then', field(15, [0x08, 9]), { join: {} }],
    [
      'a reason, which becomes other',
      [0x82, 0x01, 4, 0x12, 2, 0x18, 9],
      { sent: { video: { qualityLimitationReason: 'other' } } },
    ],
    ['no platform at all', field(11, [0x08, 0]), { client: {} }],
  ])('takes from a newer edge %s', (_, part, members) => {
    const entry = [0x08, 7, ...field(3, [...field(1, 'm'), ...field(2, 's'), 0x20, 5, ...part])];
    const batch = Uint8Array.from([...field(2, 'e'), ...field(5, entry)]);
    expectAgreement(batch);
    const row = new Float64Array(SESSION_COLUMNS).fill(Number.NaN);
    writeSessionRow(row, 0, members as Beacon);
    expect(contentOf(reports)).toMatchObject([{ session: [...row] }]);
  });

  it('agrees with the general decoder on damaged bytes, and never throws or passes a bound', () => {
    const entries = [
      validEntry(),
      validEntry({ seq: 300, leaving: true, dropped: 4, started: 1_800_000_000_000, ...SESSION }),
    ];
    const valid = joinBatch(HEADER, entries.map(encodeEntry));
    const changes = fc.array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), { maxLength: 3 });
    fc.assert(
      fc.property(changes, fc.nat({ max: valid.length }), (changed, length) => {
        const bytes = valid.slice(0, changed.length === 3 ? length : valid.length);
        for (const [at, byte] of changed) if (at < bytes.length) bytes[at] = byte;
        expectAgreement(bytes);
      }),
      { numRuns: 5_000 },
    );
  });

  it('agrees with the general decoder when any one bit of a message is turned', () => {
    const valid = joinBatch(HEADER, [
      encodeEntry(validEntry({ dropped: 4 })),
      encodeEntry(validEntry({ seq: 1, started: 300, ...SESSION })),
      // Header and all, which makes a header that comes twice; from the canary on it is the field of a batch.
      encodeCanary(CANARY_HEADER, CANARY).slice(
        encodeBatchHeader({ ...CANARY_HEADER, epoch: 'c', accepted: 0 }).length,
      ),
    ]);
    for (let bit = 0; bit < valid.length * 8; bit++) {
      const bytes = valid.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expectAgreement(bytes);
    }
  });

  it("reads a canary, another implementation's too, and what is damaged in it as the general decoder does", () => {
    const batch = encodeCanary(CANARY_HEADER, CANARY);
    expect(read(batch, reports)).toEqual({
      source: { slot: 0, epoch: 'c', accepted: 0, sentAtMs: HEADER.sentAtMs },
      invalid: 0,
      canary: CANARY,
    });
    const canary = { sent_at_ms: CANARY.sentAtMs, signature: CANARY.signature };
    expect(decodeProto('Batch', batch)).toEqual({ epoch: 'c', sent_at_ms: HEADER.sentAtMs, canary });
    expectAgreement(encodeProto('Batch', { epoch: 'c', sent_at_ms: HEADER.sentAtMs, canary }));
    for (const damaged of [{ sent_at_ms: 2 ** 60 }, { signature: 'a b' }, { signature: 's'.repeat(65) }]) {
      expectAgreement(encodeProto('Batch', { epoch: 'c', sent_at_ms: 1, canary: damaged }));
    }
  });

  it("takes no client's word for a canary: as a member of an entry it is skipped", () => {
    const entry = { ...protoEntry(validEntry()), canary: { sent_at_ms: 1 } };
    const later = protobuf.Root.fromJSON(PROTO.toJSON());
    later.lookupType('edgepulse.v1.Entry').add(new protobuf.Field('canary', BATCH_FIELD.canary, 'Canary'));
    const batch = later.lookupType('edgepulse.v1.Batch');
    const bytes = batch.encode(batch.fromObject({ epoch: 'e', accepted: 1, sent_at_ms: 1, entries: [entry] })).finish();
    expect(read(bytes, reports)).toEqual({ source: { slot: 0, epoch: 'e', accepted: 1, sentAtMs: 1 }, invalid: 0 });
    expect(reports.count).toBe(1);
  });

  it('never throws for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), expectAgreement), { numRuns: 3_000 });
  });
});

/** A field of bytes. */
function field(number: number, content: string | number[]): number[] {
  const bytes = typeof content === 'string' ? [...new TextEncoder().encode(content)] : content;
  return [number * 8 + 2, bytes.length, ...bytes];
}
