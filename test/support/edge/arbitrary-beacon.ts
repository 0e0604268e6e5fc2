/** Random beacons that the decoder accepts, at every limit; numbers as exact as the wire keeps them. */
import fc from 'fast-check';
import {
  AUDIO_MAX,
  type Beacon,
  LIMITS,
  NETEQ_MAX,
  OPERATIONS_MAX,
  type Peer,
  SERVER_TYPES,
  VIDEO_MAX,
} from '../../../shared/beacon.ts';
import { AUDIO_FIELDS, NETEQ_FIELDS, OPERATION_FIELDS, VIDEO_FIELDS } from '../../../shared/beacon-codec.ts';
import { COUNTER_MAX, type Members, type Schema } from '../../../shared/members.ts';
import {
  CLIENT_FIELDS,
  CONNECTION_FIELDS,
  JOIN_FIELDS,
  PATH_FIELDS,
  SENT_AUDIO_FIELDS,
  SENT_VIDEO_FIELDS,
  STATE_FIELDS,
} from '../../../shared/session-codec.ts';
import { CLIENT, CONNECTION, JOIN, PATH, SENT_AUDIO, SENT_VIDEO, STATE } from '../../../shared/session-members.ts';
import type { MemberField } from '../../../shared/wire.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/);
const count = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());

/** Parts of a unit up to `max` units, the bounds often. */
function scaled(parts: number, max: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constantFrom(0, max),
    fc.nat({ max: max * parts }).map((value) => value / parts),
  );
}

function membersOf<S extends Schema>(fields: readonly MemberField[], schema: S): fc.Arbitrary<Members<S>> {
  const members = fields.map(({ name, kind }): [string, fc.Arbitrary<number | string | boolean>] => {
    if (kind === 'flag') return [name, fc.boolean()];
    if (typeof kind !== 'string') return [name, fc.constantFrom(...kind)];
    const max = schema[name] as number;
    if (kind === 'micro') return [name, scaled(1e6, max)];
    if (kind === 'milli') return [name, scaled(1e3, max)];
    if (kind === 'signed') return [name, fc.integer({ min: -max, max })];
    if (kind === 'double') return [name, fc.double({ min: 0, max, noNaN: true }).map((value) => value + 0)];
    return [name, count.filter((value) => value <= max)];
  });
  return fc.record(Object.fromEntries(members), { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<
    Members<S>
  >;
}

const neteq = fc
  .tuple(membersOf(NETEQ_FIELDS, NETEQ_MAX), fc.option(membersOf(OPERATION_FIELDS, OPERATIONS_MAX)))
  .map(([rates, operations]) => (operations ? { ...rates, operations_per_second: operations } : rates));

const peer: fc.Arbitrary<Peer> = fc.record(
  {
    peer_id: id,
    audio: membersOf(AUDIO_FIELDS, AUDIO_MAX),
    neteq,
    video: membersOf(VIDEO_FIELDS, VIDEO_MAX),
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
    client: membersOf(CLIENT_FIELDS, CLIENT),
    state: membersOf(STATE_FIELDS, STATE),
    path: membersOf(PATH_FIELDS, PATH),
    connection: membersOf(CONNECTION_FIELDS, CONNECTION),
    join: membersOf(JOIN_FIELDS, JOIN),
    sent: fc.record(
      { audio: membersOf(SENT_AUDIO_FIELDS, SENT_AUDIO), video: membersOf(SENT_VIDEO_FIELDS, SENT_VIDEO) },
      { requiredKeys: [], noNullPrototype: true },
    ),
  },
  { requiredKeys: ['v', 'meeting_id', 'session_id', 'participant_id', 'seq', 'peers'], noNullPrototype: true },
);
