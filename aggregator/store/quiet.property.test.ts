/** Laws of quiet sessions: what is judged equals a recount, from scratch, of those who are heard. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Peer } from '../../shared/beacon.ts';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { createDistribution } from '../live/distribution.ts';
import { MEASURE, MEASURES, QUANTILES } from '../live/measures.ts';
import { millionthsOf, UNKNOWN } from '../live/millionths.ts';
import type { Cell } from '../live/population.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';
import { applyEntry, createTestSessions, NOW, readImpairment } from './testing.ts';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const REGIONS = ['apac', 'eu-west'];
const TTL_MS = 30_000;
/** A wheel has slots of 250 ms: who is to be quiet is so at most this much later. */
const SLOT_MS = 250;

const peer: fc.Arbitrary<Peer> = fc.record(
  {
    peer_id: fc.constantFrom(...IDS, 'nobody'),
    neteq: fc.record({
      buffer: fc.constantFrom(0.05, 0.2),
      packets_per_second: fc.constant(50),
      operations_per_second: fc.record({ expand: fc.constantFrom(0, 40) }),
    }),
  },
  { requiredKeys: ['peer_id'] },
);

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      id: fc.constantFrom(...IDS),
      region: fc.constantFrom(...REGIONS),
      rtt: fc.constantFrom<number[]>([], [0.1], [0.3], [0.5]),
      leaving: fc.constantFrom(undefined, undefined, undefined, undefined, true as const),
      peers: fc.uniqueArray(peer, { selector: ({ peer_id }) => peer_id, maxLength: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ waitMs: fc.oneof(fc.nat(3_000), fc.nat(12_000), fc.nat(40_000)) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const steps = fc.array(step, { maxLength: 60, size: 'max' });

type Heard = { atMs: number; intervalMs: number };

/** Applies the steps, and calls after each with what was heard of whom: the newest beacon, and the estimated interval. */
function run(
  all: readonly Step[],
  after: (sessions: Sessions, heard: Map<string, Heard>, nowMs: number) => void,
): void {
  const sessions = createTestSessions();
  const heard = new Map<string, Heard>();
  const left = new Map<string, number>();
  let nowMs = NOW;
  for (const [seq, one] of all.entries()) {
    if ('waitMs' in one) {
      nowMs += one.waitMs;
    } else {
      nowMs += 10;
      const { region, rtt, peers, leaving } = one;
      // Who left comes back as somebody else: a beacon of the same session would be late.
      const id = left.has(one.id) ? `${one.id}-${left.get(one.id)}` : one.id;
      const said = { session_id: id, participant_id: id, seq, rtt, peers, ...(leaving && { leaving }) };
      applyEntry(sessions, region, { receivedAtMs: nowMs, colo: '', beacon: validBeacon(said) }, nowMs);
      const before = heard.get(id);
      if (leaving) left.set(one.id, seq);
      if (leaving) heard.delete(id);
      else if (!before) heard.set(id, { atMs: nowMs, intervalMs: 9_000 });
      else {
        const longest = Math.max(nowMs - before.atMs, 0.875 * before.intervalMs, 1_000);
        heard.set(id, { atMs: nowMs, intervalMs: Math.ceil(Math.min(longest, 15_000)) });
      }
    }
    while (sessions.expire(nowMs));
    for (const [id, { atMs }] of heard)
      if (!sessions.meeting('m-1')?.sessions.has(id)) expectGone(heard, id, nowMs - atMs);
    after(sessions, heard, nowMs);
  }
}

function expectGone(heard: Map<string, Heard>, id: string, silentMs: number): void {
  expect(silentMs).toBeGreaterThanOrEqual(TTL_MS);
  heard.delete(id);
}

function living(sessions: Sessions): Session[] {
  return [...sessions.meetings()].flatMap((meeting) => [...meeting.sessions.values()]);
}

/** What is judged of the cell: its distributions without those of the quiet ones. */
function judged({ live, quiet }: Cell, measure: number) {
  const whole = live[measure];
  if (!whole) return undefined;
  const copy = createDistribution(whole.scale);
  copy.include(whole);
  const ofQuiet = quiet.live[measure];
  if (ofQuiet) copy.exclude(ofQuiet);
  return copy.summarize(QUANTILES);
}

function recount(sessions: Sessions, inCell: readonly Session[], cell: Cell, measure: number) {
  const whole = cell.live[measure];
  if (!whole) return undefined;
  const fresh = createDistribution(whole.scale);
  const values = inCell.flatMap((session) => {
    if (measure === MEASURE.rtt) return [session.rtt];
    if (measure === MEASURE.uplink_packet_loss) return [session.uplinkLoss];
    return session.peers.map((row) => sessions.peers.value(row, measure));
  });
  for (const value of values) fresh.replace(UNKNOWN, millionthsOf(value));
  return fresh.summarize(QUANTILES);
}

it('who is silent for more than two of its own intervals, and two seconds, is quiet until it is heard or gone', () => {
  fc.assert(
    fc.property(steps, (all) => {
      run(all, (sessions, heard, nowMs) => {
        for (const { id, isQuiet } of living(sessions)) {
          const { atMs, intervalMs } = heard.get(id) ?? { atMs: Number.NaN, intervalMs: 0 };
          const lateMs = nowMs - atMs - (2 * intervalMs + 2_000);
          if (isQuiet) expect(lateMs).toBeGreaterThanOrEqual(0);
          else expect(lateMs).toBeLessThan(SLOT_MS);
        }
      });
    }),
    { numRuns: 200 },
  );
});

it('what is judged equals a recount of those who are heard, and what is counted one of all', () => {
  fc.assert(
    fc.property(steps, (all) => {
      let done = 0;
      run(all, (sessions) => {
        if (++done % 5 > 0) return;
        for (const cell of sessions.cells()) {
          const inCell = living(sessions).filter((session) => session.cell === cell);
          const heard = inCell.filter(({ isQuiet }) => !isQuiet);
          expect([cell.sessions, cell.quiet.sessions]).toEqual([inCell.length, inCell.length - heard.length]);
          for (const measure of MEASURES.keys()) {
            expect(judged(cell, measure)).toEqual(recount(sessions, heard, cell, measure));
            expect(cell.live[measure]?.summarize(QUANTILES)).toEqual(recount(sessions, inCell, cell, measure));
          }
          const impaired = (some: readonly Session[]) =>
            some.filter((session) => {
              const { rtt, audio, video, silence } = sessions.diagnose(session);
              return rtt || audio || video || silence;
            }).length;
          expect(readImpairment(sessions, { withoutQuiet: true }).of(cell).sessions.any).toBe(impaired(heard));
          expect(readImpairment(sessions).of(cell).sessions.any).toBe(impaired(inCell));
        }
      });
    }),
  );
});
