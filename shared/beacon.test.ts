import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import invalidBeacons from '../test/fixtures/invalid-beacons.json' with { type: 'json' };
import validBeacons from '../test/fixtures/valid-beacons.json' with { type: 'json' };
import { validBeacon } from '../test/support/edge/beacon.ts';
import { decodeBeacon } from './beacon.ts';
import { REJECT_REASONS } from './reject.ts';

describe('decodeBeacon', () => {
  it.each(validBeacons)('accepts $name', ({ beacon, decoded }) => {
    expect(decodeBeacon(beacon)).toStrictEqual({ ok: true, value: decoded });
  });

  it.each(invalidBeacons)('rejects $name', ({ beacon, reason }) => {
    expect(decodeBeacon(beacon)).toMatchObject({ ok: false, reason });
  });

  it('has a fixture for every reason that a beacon itself can give', () => {
    const reasons = new Set(invalidBeacons.map(({ reason }) => reason));
    expect(reasons).toStrictEqual(
      new Set([
        'unsupported_version',
        'invalid_field',
        'invalid_id',
        'out_of_range',
        'too_many_peers',
        'duplicate_peer',
        'too_many_samples',
      ]),
    );
  });

  it.each(invalidBeacons)('names the place and never the value: $name', ({ beacon }) => {
    const rejected = decodeBeacon(beacon);
    expect(rejected.ok ? '' : rejected.detail).toMatch(/^[a-z][\w .[\]-]*$/);
  });

  it('names the unit of an RTT, which clients most often send in milliseconds', () => {
    const rejected = decodeBeacon(validBeacon({ rtt: [0.08, 81] }));
    expect(rejected).toMatchObject({ reason: 'out_of_range', detail: 'rtt.1 is not within 0 to 10 seconds' });
  });

  it('rejects NaN and Infinity, which only a caller that is not JSON can pass', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(decodeBeacon(validBeacon({ rtt: [value] }))).toMatchObject({ reason: 'out_of_range' });
    }
  });

  it('keeps a member named __proto__ out of what it decodes', () => {
    const decoded = decodeBeacon(
      JSON.parse('{"v":1,"meeting_id":"m","session_id":"s","seq":0,"peers":[],"__proto__":{"leaving":true}}'),
    );
    expect(decoded).toMatchObject({ ok: true });
    expect(decoded.ok && decoded.value.leaving).toBe(undefined);
  });

  it('never throws, and rejects with a known reason, whatever it is given', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withSparseArray: true }), (value) => {
        const decoded = decodeBeacon(value);
        expect(decoded.ok || REJECT_REASONS.includes(decoded.reason)).toBe(true);
      }),
    );
  });

  it('never throws when any one member of a beacon is anything, and its own output is valid', () => {
    const names = Object.keys(validBeacon());
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.anything(), (name, value) => {
        const decoded = decodeBeacon({ ...validBeacon(), [name]: value });
        if (!decoded.ok) return;
        const text = JSON.stringify(decoded.value);
        const again = decodeBeacon(JSON.parse(text));
        expect(again.ok && JSON.stringify(again.value)).toBe(text);
      }),
    );
  });
});
