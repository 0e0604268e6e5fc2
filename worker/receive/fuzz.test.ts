/** Twenty thousand mutated and random bodies through the whole chain, in workerd: 4xx or 204, never 5xx. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { REJECT_REASONS } from '../../shared/reject.ts';
import invalidBeacons from '../../test/fixtures/invalid-beacons.json' with { type: 'json' };
import validBeacons from '../../test/fixtures/valid-beacons.json' with { type: 'json' };
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { signedToken, testReceiver } from '../testing.ts';

const RUNS = 20_000;
const SEED = 20_260_501;

const token = await signedToken();
const goldens = [...validBeacons, ...invalidBeacons].map(({ beacon }) => encode(JSON.stringify(beacon)));

type Mutation = { at: number; remove: number; insert: Uint8Array };

const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(),
  remove: fc.nat(8),
  insert: fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc
      .constantFrom('null', '-1', '1e999', '""', '[]', '{}', 'NaN', '"\\u0000"', ',', '9'.repeat(400), '-0', '\\')
      .map(encode),
  ),
});

const mutated = fc
  .tuple(fc.constantFrom(...goldens), fc.array(mutation, { minLength: 1, maxLength: 4 }))
  .map(([golden, mutations]) => mutations.reduce(mutate, golden));

/** A valid beacon with one member replaced: gets past the parser, where random bytes seldom do. */
const edited = fc
  .tuple(
    fc.constantFrom(...validBeacons.map(({ beacon }) => beacon)),
    fc.constantFrom(...Object.keys(validBeacon()), 'dropped', 'leaving', 'other', '__proto__'),
    fc.oneof(fc.jsonValue(), fc.stringMatching(/^[\w.-]{1,70}$/), fc.integer(), fc.constantFrom(true, 1e308, 2 ** 53)),
  )
  .map(([beacon, name, value]) => encode(JSON.stringify({ ...beacon, [name]: value })));

const body = fc.oneof(
  { weight: 4, arbitrary: edited },
  { weight: 5, arbitrary: mutated },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  { weight: 1, arbitrary: fc.json().map(encode) },
);

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function mutate(bytes: Uint8Array, { at, remove, insert }: Mutation): Uint8Array {
  const start = bytes.length === 0 ? 0 : at % bytes.length;
  const out = new Uint8Array(start + insert.length + Math.max(0, bytes.length - start - remove));
  out.set(bytes.subarray(0, start));
  out.set(insert, start);
  out.set(bytes.subarray(start + remove), start + insert.length);
  return out;
}

it('answers 20,000 fuzzed bodies with 4xx or 204, counts each reject once, and stays healthy', {
  timeout: 120_000,
}, async () => {
  const receiver = testReceiver();
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(body, fc.constantFrom('identity', 'gzip', ''), async (bytes, encoding) => {
      const headers = {
        authorization: `Bearer ${token}`,
        ...(encoding === '' ? {} : { 'content-encoding': encoding }),
      };
      const { status } = await receiver.post(bytes, { headers });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect(status === 204 || (status >= 400 && status < 500)).toBe(true);
    }),
    { numRuns: RUNS, seed: SEED },
  );

  const delivered = receiver.calls.map(({ call }) => call.counts?.rejected ?? {});
  const rejected = [...delivered, receiver.rejectCounts()].flatMap((counts) =>
    REJECT_REASONS.map((reason) => counts[reason] ?? 0),
  );
  const forwarded = receiver.entries();
  expect(rejected.reduce((sum, count) => sum + count)).toBe(RUNS - forwarded.length);
  expect(forwarded.length).toBe(statuses.get(204));
  // A fuzz that never gets past the parser, or never through, proves nothing.
  for (const status of [204, 400, 403, 422]) expect(statuses.get(status)).toBeGreaterThan(100);

  expect((await receiver.post(JSON.stringify({ ...validBeacon(), token }))).status).toBe(204);
});
