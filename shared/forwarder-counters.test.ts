import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forwarderCounters } from '../test/support/edge/beacon.ts';
import { decodeProto, encodeProto, protoCounters } from '../test/support/edge/proto.ts';
import { FORWARDER_COUNT_MAX } from './batch.ts';
import {
  decodeForwarderCounters,
  encodeForwarderCounters,
  type ForwarderCounters,
  PUBLISH_SECONDS_BUCKETS,
} from './forwarder-counters.ts';
import { REJECT_REASONS } from './reject.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/);
const count = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: FORWARDER_COUNT_MAX }));
const buckets = PUBLISH_SECONDS_BUCKETS.length + 1;

const arbitraryCounters: fc.Arbitrary<ForwarderCounters> = fc.record(
  {
    slot: fc.nat({ max: 255 }),
    epoch: id,
    sentAtMs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    topology: fc.oneof(fc.constant(''), id),
    via: fc.constantFrom('', 'eu-west', 'a'),
    accepted: count,
    rejected: fc.dictionary(fc.constantFrom(...REJECT_REASONS), fc.integer({ min: 1, max: FORWARDER_COUNT_MAX }), {
      noNullPrototype: true,
    }),
    spooled: count,
    drained: count,
    droppedExpired: count,
    droppedFull: count,
    droppedUnpublishable: count,
    inSpool: count,
    publishErrors: count,
    jwksErrors: count,
    overloadedCalls: count,
    isFirst: fc.boolean(),
    publishSeconds: fc
      .tuple(
        fc.array(count, { minLength: buckets, maxLength: buckets }),
        fc.double({ min: 0, max: 3_600, noNaN: true }),
      )
      .map(([counts, mean]) => ({ buckets: counts, sum: counts.reduce((sum, n) => sum + n, 0) * mean + 0 })),
  },
  { noNullPrototype: true },
);

describe("a Forwarder's counters", () => {
  it('are the same there and back', () => {
    fc.assert(
      fc.property(arbitraryCounters, (counters) => {
        const decoded = decodeForwarderCounters(encodeForwarderCounters(counters));
        expect(decoded).toStrictEqual({ ok: true, value: counters });
      }),
    );
  });

  it('are what edgepulse.proto says, to another implementation', () => {
    fc.assert(
      fc.property(arbitraryCounters, (counters) => {
        const fields = protoCounters(counters);
        expect(decodeProto('ForwarderCounters', encodeForwarderCounters(counters))).toEqual(fields);
        expect(decodeForwarderCounters(encodeProto('ForwarderCounters', fields))).toStrictEqual({
          ok: true,
          value: counters,
        });
      }),
    );
  });

  it('leave out a reject reason that only a newer edge knows', () => {
    const fields = {
      ...protoCounters(forwarderCounters()),
      rejected: { token_revoked_by_moonlight: 3, invalid_id: 2 },
    };
    expect(decodeForwarderCounters(encodeProto('ForwarderCounters', fields))).toMatchObject({
      ok: true,
      value: { rejected: { invalid_id: 2 } },
    });
  });

  it.each([
    ['no epoch', { epoch: '' }],
    ['an epoch that is no id', { epoch: 'a b' }],
    ['an epoch of 65 characters', { epoch: 'e'.repeat(65) }],
    ['a topology that is no id', { topology: '{"apac":1}' }],
    ['an invalid region as the route', { via: 'eu.west' }],
    ['a slot over the limit', { slot: 256 }],
    ['a count above 2^53', { accepted: 2 ** 60 }],
    ['a reject count above 2^53', { rejected: { invalid_id: 2 ** 60 } }],
    ['a bucket too many', { publishSeconds: { buckets: new Array(buckets + 1).fill(1), sum: 0 } }],
    ['a sum below zero', { publishSeconds: { buckets: [], sum: -1 } }],
    ['a sum that is no number', { publishSeconds: { buckets: [], sum: Number.NaN } }],
    ['a sum that its publishes cannot have taken', { publishSeconds: { buckets: [0, 1], sum: 3_601 } }],
    ['a sum that two of would be infinite', { publishSeconds: { buckets: [1], sum: 1e308 } }],
    ['a sum without end', { publishSeconds: { buckets: [], sum: Number.POSITIVE_INFINITY } }],
  ])('are rejected with %s', (_, overrides) => {
    const decoded = decodeForwarderCounters(encodeForwarderCounters(forwarderCounters(overrides)));
    expect(decoded).toMatchObject({ ok: false });
  });

  it('never throw, whatever their bytes', () => {
    const valid = encodeForwarderCounters(forwarderCounters({ accepted: 300, rejected: { invalid_id: 2 } }));
    const damaged = fc.tuple(fc.nat({ max: valid.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
      const bytes = valid.slice();
      bytes[at] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array()), (bytes) => {
        expect(typeof decodeForwarderCounters(bytes).ok).toBe('boolean');
      }),
      { numRuns: 1_000 },
    );
  });
});
