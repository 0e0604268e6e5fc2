/** Random beacons that the decoder accepts, at every limit; numbers as exact as the wire keeps them. */
import fc from 'fast-check';
import {
  AUDIO_MAX,
  type Beacon,
  COUNTER_MAX,
  LIMITS,
  NETEQ_MAX,
  OPERATIONS_MAX,
  type Peer,
  SERVER_TYPES,
  VIDEO_MAX,
} from '../../../shared/beacon.ts';
import { AUDIO_FIELDS, NETEQ_FIELDS, OPERATION_FIELDS, VIDEO_FIELDS } from '../../../shared/beacon-codec.ts';
import type { NumberField } from '../../../shared/wire.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/);
const count = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());

/** Parts of a unit up to `max` units, the bounds often. */
function scaled(parts: number, max: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constantFrom(0, max),
    fc.nat({ max: max * parts }).map((value) => value / parts),
  );
}

function numbersOf<Limits extends { readonly [name: string]: number }>(
  fields: readonly NumberField[],
  limits: Limits,
): fc.Arbitrary<{ [Name in keyof Limits]?: number }> {
  const members = fields.map(({ name, kind }): [string, fc.Arbitrary<number>] => {
    const max = limits[name] as number;
    if (kind === 'micro') return [name, scaled(1e6, max)];
    if (kind === 'milli') return [name, scaled(1e3, max)];
    if (kind === 'signed') return [name, fc.integer({ min: -max, max })];
    if (kind === 'double') return [name, fc.double({ min: 0, max, noNaN: true }).map((value) => value + 0)];
    return [name, count.filter((value) => value <= max)];
  });
  return fc.record(Object.fromEntries(members), { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<{
    [Name in keyof Limits]?: number;
  }>;
}

const neteq = fc
  .tuple(numbersOf(NETEQ_FIELDS, NETEQ_MAX), fc.option(numbersOf(OPERATION_FIELDS, OPERATIONS_MAX)))
  .map(([rates, operations]) => (operations ? { ...rates, operations_per_second: operations } : rates));

const peer: fc.Arbitrary<Peer> = fc.record(
  {
    peer_id: id,
    audio: numbersOf(AUDIO_FIELDS, AUDIO_MAX),
    neteq,
    video: numbersOf(VIDEO_FIELDS, VIDEO_MAX),
  },
  { requiredKeys: ['peer_id'], noNullPrototype: true },
);

export const arbitraryBeacon: fc.Arbitrary<Beacon> = fc.record(
  {
    v: fc.constant(1 as const),
    meeting_id: id,
    session_id: id,
    participant_id: id,
    seq: fc.nat({ max: COUNTER_MAX }),
    dropped: fc.nat({ max: COUNTER_MAX }),
    server: fc.record(
      {
        // ASCII, as an origin or `other` is: pbf 5.1.2 damages characters beyond U+1FFFF.
        url: fc.oneof(fc.webUrl(), fc.string({ unit: 'grapheme-ascii', maxLength: 60 })),
        type: fc.constantFrom(...SERVER_TYPES),
      },
      { noNullPrototype: true },
    ),
    rtt: fc.array(scaled(1e6, LIMITS.rttSeconds), { minLength: 1, maxLength: LIMITS.rttSamples }),
    peers: fc.uniqueArray(peer, { maxLength: LIMITS.peers, selector: ({ peer_id }) => peer_id }),
    leaving: fc.constant(true as const),
    started: fc.nat({ max: COUNTER_MAX }),
  },
  { requiredKeys: ['v', 'meeting_id', 'session_id', 'participant_id', 'seq', 'peers'], noNullPrototype: true },
);
