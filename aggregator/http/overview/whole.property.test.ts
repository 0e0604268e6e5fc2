import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import type { Sessions } from '../../store/sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../../store/testing.ts';
import { finish, partOf, sent } from '../shards/testing.ts';
import { describeOverview, type OverviewNow } from './overview.ts';
import type { Part } from './part.ts';
import { combine } from './whole.ts';

const REGIONS = ['apac', 'eu-west'];
const SERVERS = ['https://a.example', 'https://b.example'];

const beacons = fc.array(
  fc.record({
    region: fc.constantFrom(...REGIONS),
    meeting: fc.nat(7),
    session: fc.nat(3),
    seq: fc.nat(3),
    server: fc.constantFrom(...SERVERS),
    // Over bad for most of them, so that a server is at fault in some of the runs.
    rtt: fc.option(fc.constantFrom(0.05, 0.3, 0.4, 0.5)),
    expand: fc.constantFrom(0, 3, 40),
    leaving: fc.nat(9).map((one) => one === 0),
    /** Some seconds after {@link NOW}. */
    at: fc.nat(9),
  }),
  { maxLength: 120 },
);

/** The people of several meetings, each in the one of the stores that its shard has. */
function run(stores: readonly Sessions[], all: typeof beacons extends fc.Arbitrary<infer T> ? T : never): void {
  for (const { region, meeting, session, seq, server, rtt, expand, leaving, at } of all) {
    const session_id = `s-${meeting}-${session}`;
    const others = [0, 1, 2, 3].filter((one) => one !== session);
    const entry = validEntry(
      {
        meeting_id: `m-${meeting}`,
        session_id,
        participant_id: session_id,
        seq,
        server: { url: server, type: 'webrtc' },
        rtt: rtt === null ? [] : [rtt],
        peers: others.map((one) => ({
          peer_id: `s-${meeting}-${one}`,
          neteq: { buffer: 0.05 + at / 100, packets_per_second: 50, operations_per_second: { expand } },
        })),
        ...(leaving && { leaving: true }),
      },
      NOW + at * 1_000,
    );
    applyEntry(stores[meeting % stores.length] as Sessions, region, entry);
  }
}

function overviewOf(own: Part, others: readonly Part[]): Omit<OverviewNow, 'shard' | 'shown' | 'started_at_ms'> {
  const asked = others.map((part, i) => ({ address: `http://shard-${i}`, part }));
  const whole = finish(combine(own, asked, REGIONS));
  expect(whole.shown.missing).toEqual([]);
  const { shard: _, shown: _2, started_at_ms: _3, ...figures } = finish(describeOverview(whole));
  return JSON.parse(JSON.stringify(figures));
}

describe('the whole of several shards', () => {
  it('has the figures of one process that has all meetings', () => {
    fc.assert(
      fc.property(beacons, fc.integer({ min: 1, max: 4 }), fc.nat(12), (all, count, later) => {
        const options = { regions: REGIONS, servers: SERVERS };
        const one = createTestSessions(options);
        const shards = Array.from({ length: count }, () => createTestSessions(options));
        run([one], all);
        run(shards, all);
        // Long enough for some to be quiet.
        for (const sessions of [one, ...shards]) while (sessions.expire(NOW + 9_000 + later * 1_000));
        const [own, ...others] = shards.map((sessions, i) => partOf(sessions, i, count));
        const expected = overviewOf(partOf(one), []);
        expect(overviewOf(own as Part, others.map(sent))).toEqual(expected);
        // Whoever of them is asked, and however often an answer comes, as from two replicas.
        const [last, ...rest] = shards.map((sessions, i) => partOf(sessions, i, count)).reverse();
        expect(overviewOf(last as Part, [...rest, ...rest, last as Part].map(sent))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});
