import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import invalidBeacons from '../test/fixtures/invalid-beacons.json' with { type: 'json' };
import validBeacons from '../test/fixtures/valid-beacons.json' with { type: 'json' };
import { validBeacon } from '../test/support/edge/beacon.ts';
import { decodeBeacon, LIMITS, NETEQ_OPERATIONS } from './beacon.ts';
import { REJECT_REASONS } from './reject.ts';

const everyFieldBeacon = validBeacons.find(({ name }) => name === 'every field')?.beacon;

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

  /** Counters of a day, with as many digits as a double has. */
  const audio = {
    jitterBufferDelay: 8_640_000.123_456_789,
    jitterBufferEmittedCount: 4_147_200_000,
    jitterBufferTargetDelay: 8_640_000.123_456_789,
    concealedSamples: 41_472_000,
    silentConcealedSamples: 41_472_000,
    insertedSamplesForDeceleration: 41_472_000,
    removedSamplesForAcceleration: 41_472_000,
    totalSamplesReceived: 4_147_200_000,
    totalAudioEnergy: 864.123_456_789_012_3,
    packetsReceived: 4_320_000,
    packetsLost: -432_000,
    jitter: 0.012_345_678_901_234_5,
  };
  const video = {
    framesPerSecond: 29.970_029_970_029_97,
    framesDecoded: 2_592_000,
    framesDropped: 259_200,
    freezeCount: 12_345,
    totalFreezesDuration: 12_345.678_901_234_5,
    packetsReceived: 12_960_000,
    packetsLost: 1_296_000,
  };
  const rates = Object.fromEntries(NETEQ_OPERATIONS.map((operation) => [operation, 12.345]));
  const neteq = { buffer: 0.061_234, target_delay: 0.041_234, packets_per_second: 49.98, operations_per_second: rates };

  it.each([
    ['64 peers with audio and video', 64, { audio, video }],
    ['64 peers with NetEQ and video', 64, { neteq, video }],
    ['60 peers with everything', 60, { audio, neteq, video }],
  ])('has room in a body for %s', (_, count, stats) => {
    const long = (prefix: string) => prefix.padEnd(LIMITS.idLength, 'x');
    const beacon = {
      ...everyFieldBeacon,
      token: 't'.repeat(1_024),
      meeting_id: long('m'),
      session_id: long('s'),
      participant_id: long('p'),
      rtt: new Array(LIMITS.rttSamples).fill(0.081_234),
      peers: Array.from({ length: count }, (_, i) => ({ peer_id: long(`p${i}`), ...stats })),
    };
    expect(decodeBeacon(beacon)).toMatchObject({ ok: true });
    expect(JSON.stringify(beacon).length).toBeLessThanOrEqual(LIMITS.bodyBytes);
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
