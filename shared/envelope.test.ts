import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { edgeCounters, validBeacon, validEntry } from '../test/support/edge/beacon.ts';
import { decodeEnvelope, encodeEntry, encodeEnvelope } from './envelope.ts';
import { REJECT_REASONS } from './reject.ts';

const header = { region: 'apac', lane: 'f03', edge: edgeCounters({ accepted: 2, rejected: { invalid_id: 1 } }) };

describe('envelope', () => {
  it('carries entries and counters there and back', () => {
    const entries = [validEntry(), validEntry({ seq: 1 }, 1_800_000_005_000)];
    const text = encodeEnvelope(header, entries.map(encodeEntry));
    expect(decodeEnvelope(text)).toStrictEqual({
      ok: true,
      value: { ...header, entries, invalid: 0, edge: { ...header.edge, dropped: { expired: 0, full: 0 } } },
    });
  });

  it('carries counters alone', () => {
    expect(decodeEnvelope(encodeEnvelope(header, []))).toMatchObject({ ok: true, value: { entries: [], invalid: 0 } });
  });

  it.each([
    ['not JSON', '{', 'malformed_json'],
    ['an array', '[]', 'malformed_json'],
    ['another version', '{"v":2}', 'unsupported_version'],
    ['a region with a dot', '{"v":1,"region":"a.b","lane":"f00","beacons":[]}', 'invalid_field'],
    ['a lane with a wildcard', '{"v":1,"region":"apac","lane":"*","beacons":[]}', 'invalid_field'],
    ['no beacons', '{"v":1,"region":"apac","lane":"f00"}', 'invalid_field'],
  ])('refuses %s', (_, text, reason) => {
    expect(decodeEnvelope(text)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ['null', null],
    ['no time', { colo: 'SIN', beacon: validBeacon() }],
    ['a time that is text', { received_at: '0', colo: 'SIN', beacon: validBeacon() }],
    ['a beacon of no version', { received_at: 0, colo: 'SIN', beacon: {} }],
  ])('counts a damaged entry and keeps the one beside it: %s', (_, damaged) => {
    const text = encodeEnvelope(header, [JSON.stringify(damaged), encodeEntry(validEntry())]);
    expect(decodeEnvelope(text)).toMatchObject({ ok: true, value: { invalid: 1, entries: [validEntry()] } });
  });

  it('reads damaged counters as zero and keeps the beacons', () => {
    const edge = { ...edgeCounters(), accepted: -1, rejected: { invalid_id: 'x', invented: 3 }, publish_seconds: null };
    const text = JSON.stringify({ v: 1, region: 'apac', lane: 'f00', beacons: [validEntry()], edge });
    expect(decodeEnvelope(text)).toMatchObject({
      ok: true,
      value: { entries: [validEntry()], edge: { accepted: 0, rejected: {}, publish_seconds: { sum: 0 } } },
    });
  });

  it('never throws', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ v: fc.constant(1), beacons: fc.anything() }).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(text, (message) => {
        const decoded = decodeEnvelope(message);
        expect(decoded.ok || REJECT_REASONS.includes(decoded.reason)).toBe(true);
      }),
    );
  });
});
