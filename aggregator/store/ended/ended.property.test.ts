import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../../shared/beacon.ts';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import { MEASURE } from '../../live/measures.ts';
import type { Sessions } from '../sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../testing.ts';
import { ENDED_FOR_MS, type EndedSession } from './ended.ts';

const TTL_MS = 30_000;

const step = fc.record({
  meeting: fc.nat(2),
  session: fc.nat(3),
  /** How long after the step before it. */
  afterMs: fc.oneof(fc.nat(3_000), fc.constantFrom(31_000, 200_000)),
  rtt: fc.constantFrom(0.05, 0.3),
  // Some hear nobody: their place among the peers is one that others have left.
  peers: fc.constantFrom(0, 0, 1, 5),
  expand: fc.constantFrom(0, 40),
  leaving: fc.nat(3).map((one) => one === 0),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What is known of a session that lives, or lived: recomputed from the steps alone. */
type Known = { readonly id: string; beganAtMs: number; lastMs: number; rtt: number; peers: string[]; expand: number };
type Gone = Known & { readonly reason: string; readonly atMs: number };

/** Plays the steps, and notes with plain objects who ended, how, and how they were. */
function play(sessions: Sessions, steps: readonly Step[], check: (gone: readonly Gone[], nowMs: number) => void): void {
  const living = new Map<string, Known>();
  const gone: Gone[] = [];
  const seqs = new Map<string, number>();
  let nowMs = NOW;
  for (const { meeting, session, afterMs, rtt, peers, expand, leaving } of steps) {
    nowMs += afterMs;
    while (sessions.expire(nowMs));
    sessions.forgetEnded(nowMs);
    for (const [id, known] of living) {
      // The reaper is called at each step alone here; it takes whoever has been silent for a TTL, to the slot of the wheel.
      const dueMs = Math.ceil((known.lastMs + TTL_MS) / 250) * 250;
      if (dueMs > nowMs) continue;
      living.delete(id);
      gone.push({ ...known, reason: 'stale', atMs: nowMs });
    }
    const id = `m-${meeting} s-${session}`;
    const seq = (seqs.get(id) ?? -1) + 1;
    seqs.set(id, seq);
    const ids = Array.from({ length: peers }, (_, i) => `p-${i}`);
    const heard = ids.map((peer_id) => ({ peer_id, neteq: { operations_per_second: { expand } } }));
    const names = { meeting_id: `m-${meeting}`, session_id: `s-${session}` };
    const entry = validEntry({ ...names, seq, rtt: [rtt], peers: heard, ...(leaving && { leaving: true }) }, nowMs);
    const known = living.get(id);
    applyEntry(sessions, 'apac', entry);
    if (leaving) {
      if (known) gone.push({ ...known, reason: 'left', atMs: nowMs });
      living.delete(id);
    } else if (sessions.meeting(names.meeting_id)?.sessions.has(names.session_id)) {
      living.set(id, { id, beganAtMs: known?.beganAtMs ?? nowMs, lastMs: nowMs, rtt, peers: ids, expand });
    }
    check(gone, nowMs);
  }
}

function find(sessions: Sessions, nowMs: number): EndedSession[] {
  const steps = sessions.ended.find({ limit: 10_000 }, nowMs);
  let next = steps.next();
  while (!next.done) next = steps.next();
  return next.value.rows.map((row) => sessions.ended.read(row) as EndedSession);
}

function shown({ meetingId, id, reason, atMs, beganAtMs, lastBeaconAtMs, rtt, peers, causes }: EndedSession): object {
  const heard = peers.map((peer) => [peer.id, peer.value(MEASURE.expand), peer.side !== undefined]);
  return { id: `${meetingId} ${id}`, reason, atMs, beganAtMs, lastMs: lastBeaconAtMs, rtt, heard, causes };
}

function expected({ id, reason, atMs, beganAtMs, lastMs, rtt, peers, expand }: Gone): object {
  const heard = peers.map((peer) => [peer, expand, expand > 15]);
  const causes = [...(rtt > 0.25 ? ['rtt'] : []), ...(expand > 15 && peers.length > 0 ? ['audio'] : [])];
  return { id, reason, atMs, beganAtMs, lastMs, rtt, heard, causes };
}

/** In an order that does not depend on who of several that ended at the same time was taken first. */
function sorted(list: readonly object[]): string[] {
  return list.map((one) => JSON.stringify(one)).sort();
}

describe('the record of ended sessions', () => {
  it('has those of the last quarter of an hour, as they were, and nobody else', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const sessions = createTestSessions({ regions: ['apac'] });
        play(sessions, steps, (gone, nowMs) => {
          const recent = gone.filter(({ atMs }) => atMs > nowMs - ENDED_FOR_MS);
          expect(sorted(find(sessions, nowMs).map(shown))).toEqual(sorted(recent.map(expected)));
        });
      }),
      { numRuns: 100 },
    );
  });

  it('never passes its bounds, and has everybody who ended since it says that it is complete', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 8 }), (steps, maxSessions) => {
        const sessions = createTestSessions({ regions: ['apac'], maxSessions });
        const most = Math.ceil(maxSessions / 2);
        const { ended } = sessions;
        play(sessions, steps, (gone, nowMs) => {
          expect(ended.count).toBeLessThanOrEqual(most);
          const found = find(sessions, nowMs);
          const peers = found.reduce((sum, one) => sum + one.peers.length, 0);
          expect(peers).toBeLessThanOrEqual(Math.max(LIMITS.peers, 4 * most));
          const complete = gone.filter(({ atMs }) => atMs >= ended.reachMs(nowMs) && atMs > nowMs - ENDED_FOR_MS);
          const has = new Set(found.map(({ meetingId, id, atMs }) => `${meetingId} ${id} ${atMs}`));
          for (const { id, atMs } of complete) expect(has).toContain(`${id} ${atMs}`);
        });
      }),
      { numRuns: 100 },
    );
  });

  it('is as empty after a quarter of an hour as it was at the start, with its memory given back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const sessions = createTestSessions({ regions: ['apac'] });
        let lastMs = NOW;
        play(sessions, steps, (_, nowMs) => {
          lastMs = nowMs;
        });
        while (sessions.expire(lastMs + TTL_MS + 1_000));
        const laterMs = lastMs + TTL_MS + 1_000 + ENDED_FOR_MS;
        sessions.forgetEnded(laterMs);
        expect([sessions.ended.count, find(sessions, laterMs)]).toEqual([0, []]);
        // One chunk of each may be kept for the next ones.
        expect(sessions.ended.capacity.sessions).toBeLessThanOrEqual(1_024);
        expect(sessions.ended.capacity.peers).toBeLessThanOrEqual(1_024);
      }),
    );
  });
});
