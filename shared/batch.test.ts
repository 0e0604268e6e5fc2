import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryBeacon } from '../test/support/edge/arbitrary-beacon.ts';
import { validBeacon } from '../test/support/edge/beacon.ts';
import { decodeProto, encodeProto, protoEntry } from '../test/support/edge/proto.ts';
import { decodeBatch, type Entry, encodeEntry, joinBatch } from './batch.ts';
import { LIMITS } from './beacon.ts';

const header = { slot: 3, epoch: 'epoch-1', accepted: 7_000_000_000, sentAtMs: 1_800_000_000_250 };

function entryOf(overrides: Parameters<typeof validBeacon>[0] = {}): Entry {
  return { receivedAtMs: 1_800_000_000_000, colo: 'SIN', beacon: validBeacon(overrides) };
}

const arbitraryEntry = fc.record(
  {
    receivedAtMs: fc.maxSafeNat(),
    colo: fc.constantFrom('', 'SIN', 'FRA'),
    beacon: arbitraryBeacon,
  },
  { noNullPrototype: true },
);

describe('a batch', () => {
  it('carries header and entries there and back', () => {
    const entries = [entryOf(), entryOf({ seq: 1, leaving: true })];
    const decoded = decodeBatch(joinBatch(header, entries.map(encodeEntry)));
    expect(decoded).toStrictEqual({ ok: true, value: { ...header, entries, invalid: 0 } });
  });

  it('carries whatever the beacon decoder accepts there and back', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry, { maxLength: 3 }), (entries) => {
        const decoded = decodeBatch(joinBatch(header, entries.map(encodeEntry)));
        expect(decoded).toStrictEqual({ ok: true, value: { ...header, entries, invalid: 0 } });
      }),
      { numRuns: 300 },
    );
  });

  it('is what edgepulse.proto says, to another implementation', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry, { maxLength: 3 }), (entries) => {
        const { slot, epoch, accepted, sentAtMs: sent_at_ms } = header;
        const fields = { slot, epoch, accepted, sent_at_ms, entries: entries.map(protoEntry) };
        const ours = decodeProto('Batch', joinBatch(header, entries.map(encodeEntry)));
        expect({ entries: [], ...ours }).toEqual(fields);
        expect(decodeBatch(encodeProto('Batch', fields))).toStrictEqual({
          ok: true,
          value: { ...header, entries, invalid: 0 },
        });
      }),
      { numRuns: 300 },
    );
  });

  it('rounds what is finer than the wire: to a microsecond, a thousandth, a whole sample', () => {
    const peers = [
      {
        peer_id: 'p',
        audio: { concealedSamples: 254_399.99999999997 },
        neteq: { buffer: 0.060_000_4, packets_per_second: 49.9996 },
      },
    ];
    const decoded = decodeBatch(joinBatch(header, [encodeEntry(entryOf({ rtt: [0.081_234_56], peers }))]));
    expect(decoded.ok && decoded.value.entries[0]?.beacon).toMatchObject({
      rtt: [0.081_235],
      peers: [{ audio: { concealedSamples: 254_400 }, neteq: { buffer: 0.06, packets_per_second: 50 } }],
    });
  });

  it('counts a damaged entry and keeps the ones beside it', () => {
    const tooLong = entryOf({ session_id: 's'.repeat(LIMITS.idLength + 1) });
    const entries = [encodeEntry(entryOf()), encodeEntry(tooLong), encodeEntry(entryOf({ seq: 1 }))];
    expect(decodeBatch(joinBatch(header, entries))).toMatchObject({
      ok: true,
      value: { invalid: 1, entries: [{ beacon: { seq: 0 } }, { beacon: { seq: 1 } }] },
    });
  });

  it('skips fields that it does not know', () => {
    const unknown = Uint8Array.of(0xf2, 0x01, 2, 7, 7, 0xf8, 0x01, 0x80, 0x01, 0xfd, 0x01, 1, 2, 3, 4);
    const batch = joinBatch(header, [unknown, encodeEntry(entryOf())]);
    expect(decodeBatch(batch)).toMatchObject({ ok: true, value: { entries: [{ colo: 'SIN' }], invalid: 0 } });
  });

  it.each([
    ['nothing, which has no epoch', []],
    ['a length past the end', [0x2a, 0x05, 0x00]],
    ['a varint that does not end', [0x08, 0xff, 0xff]],
    ['a varint of eleven bytes', [0x08, ...new Array(10).fill(0xff), 0x01]],
    ['a wire type that protobuf gave up', [0x0b]],
    ['another wire type than its field has', [0x10, 0x01]],
    ['a field twice', [0x08, 0x01, 0x08, 0x02]],
    ['an epoch that is no id', [0x12, 0x01, 0x20]],
  ])('rejects %s', (_, bytes) => {
    expect(decodeBatch(Uint8Array.from(bytes))).toMatchObject({ ok: false });
  });

  it('never throws, whatever bytes it is given or how they are damaged', () => {
    const valid = joinBatch(header, [encodeEntry(entryOf()), encodeEntry(entryOf({ seq: 1 }))]);
    const damaged = fc
      .array(fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = valid.slice();
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const anything = fc.oneof(
      damaged,
      fc.uint8Array(),
      fc.nat({ max: valid.length }).map((end) => valid.slice(0, end)),
    );
    fc.assert(
      fc.property(anything, (bytes) => {
        const decoded = decodeBatch(bytes);
        expect(decoded.ok ? decoded.value.entries.length + decoded.value.invalid : 0).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes less than 360 bytes for a beacon with every member of the benchmark and three peers', () => {
    const beacon = validBeacon({ server: { url: 'https://media-apac-1.example.com', type: 'webtransport' } });
    const peers = ['s-100001', 's-100002', 's-100003'].map((peer_id) => ({ ...beacon.peers[0], peer_id }));
    expect(
      encodeEntry(entryOf({ meeting_id: 'm-25000', session_id: 's-100000', participant_id: 'p-100000', peers })).length,
    ).toBeLessThan(360);
  });
});
