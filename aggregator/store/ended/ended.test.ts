import { describe, expect, it } from 'vitest';
import type { Beacon } from '../../../shared/beacon.ts';
import { validBeacon, validEntry } from '../../../test/support/edge/beacon.ts';
import { MEASURE } from '../../live/measures.ts';
import { createReports } from '../report/report.ts';
import { createSessions, type Sessions, type SessionsOptions } from '../sessions.ts';
import { applyEntry, createTestSessions, NOW, readImpairment } from '../testing.ts';
import { ENDED_FOR_MS, type EndedSearch, type EndedSession } from './ended.ts';

const EVERYBODY: EndedSearch = { limit: 1_000 };

function createStore(options: Partial<SessionsOptions> = {}): Sessions {
  return createTestSessions(options);
}

type Step = Partial<Beacon> & { readonly atMs?: number; readonly region?: string };

function post(sessions: Sessions, { atMs = NOW, region = 'apac', ...beacon }: Step): void {
  applyEntry(sessions, region, validEntry({ meeting_id: 'm-1', ...beacon }, atMs), atMs);
}

/** A peer of whom all is known by NetEQ alone. */
function heard(peer_id: string, expand: number) {
  return { peer_id, neteq: { buffer: 0.08, operations_per_second: { expand } } };
}

function find(sessions: Sessions, search: Partial<EndedSearch> = {}, nowMs = NOW + 60_000): EndedSession[] {
  const steps = sessions.ended.find({ ...EVERYBODY, ...search }, nowMs);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value.rows.flatMap((row) => sessions.ended.read(row) ?? []);
}

function idsOf(found: readonly EndedSession[]): string[] {
  return found.map(({ id, reason }) => `${id} ${reason}`);
}

describe('an ended session', () => {
  it('is what it was with the last beacon before its goodbye, which mostly says nothing new', () => {
    const sessions = createStore();
    const peers = [heard('s-2', 40), heard('s-9', 0)];
    post(sessions, { session_id: 's-1', participant_id: 'p-1', seq: 0, rtt: [0.3], peers });
    post(sessions, { session_id: 's-1', participant_id: 'p-1', seq: 1, rtt: [0.31], peers, atMs: NOW + 5_000 });
    post(sessions, { session_id: 's-1', seq: 2, rtt: [], peers: [], leaving: true, atMs: NOW + 6_000 });
    const [ended] = find(sessions);
    expect(ended).toMatchObject({
      meetingId: 'm-1',
      id: 's-1',
      participantId: 'p-1',
      cell: { region: 'apac', serverType: 'webtransport' },
      reason: 'left',
      beganAtMs: NOW,
      isBegunEarlier: false,
      lastBeaconAtMs: NOW + 5_000,
      atMs: NOW + 6_000,
      rtt: 0.31,
      causes: ['rtt', 'audio'],
      peers: [
        { id: 's-2', side: 'unknown', silence: undefined },
        { id: 's-9', side: undefined, silence: undefined },
      ],
    });
    expect(ended?.uplinkLoss).toBeNaN();
    expect(ended?.peers.map((peer) => [peer.value(MEASURE.expand), peer.value(MEASURE.video_freeze)])).toEqual([
      [40, Number.NaN],
      [0, Number.NaN],
    ]);
    expect(sessions.living()).toBe(0);
  });

  it('has the side of a bad stream as it was while the others were there', () => {
    const sessions = createStore();
    const ids = ['s-0', 's-1', 's-2', 's-3', 's-4'];
    for (const seq of [0, 1]) {
      for (const session_id of ids) {
        const peers = ids.filter((id) => id !== session_id).map((id) => heard(id, id === 's-0' ? 40 : 0));
        post(sessions, { session_id, seq, peers, atMs: NOW + 5_000 * seq });
      }
    }
    post(sessions, { session_id: 's-1', seq: 2, leaving: true, atMs: NOW + 6_000 });
    const [ended] = find(sessions);
    expect(ended?.peers.map(({ id, side }) => [id, side])).toEqual([
      ['s-0', 'publisher'],
      ['s-2', undefined],
      ['s-3', undefined],
      ['s-4', undefined],
    ]);
    expect(find(sessions, { sessionId: 's-2' })).toEqual([]);
  });

  it('blames the server that was at fault when that was judged last', () => {
    const sessions = createStore();
    for (let i = 0; i < 6; i++) {
      post(sessions, { meeting_id: `m-${i % 3}`, session_id: `s-${i}`, rtt: [0.4], peers: [heard('elsewhere', 40)] });
    }
    readImpairment(sessions);
    for (let i = 0; i < 6; i++) {
      post(sessions, { meeting_id: `m-${i % 3}`, session_id: `s-${i}`, seq: 1, leaving: true, atMs: NOW + 1_000 });
    }
    expect(find(sessions).flatMap(({ peers }) => peers.map(({ side }) => side))).toEqual(Array(6).fill('server'));
  });

  it('says how it ended: it left, it was silent for a TTL, or another run of it began', () => {
    const sessions = createStore();
    post(sessions, { session_id: 'a', started: 1 });
    post(sessions, { session_id: 'b', seq: 7 });
    post(sessions, { session_id: 'a', started: 2, atMs: NOW + 2_000 });
    post(sessions, { session_id: 'a', started: 2, seq: 1, leaving: true, atMs: NOW + 3_000 });
    while (sessions.expire(NOW + 31_000));
    expect(idsOf(find(sessions))).toEqual(['b stale', 'a left', 'a restarted']);
    const [b, left, restarted] = find(sessions);
    expect(b).toMatchObject({ atMs: NOW + 31_000, lastBeaconAtMs: NOW, beganAtMs: NOW, isBegunEarlier: true });
    expect(left).toMatchObject({ beganAtMs: NOW + 2_000, isBegunEarlier: false });
    expect(restarted).toMatchObject({ beganAtMs: NOW, atMs: NOW + 2_000 });
  });

  it('is noted of each run, but not of one that begins again with every beacon', () => {
    const sessions = createStore();
    for (let started = 0; started < 50; started++) {
      post(sessions, { session_id: 'a', started, atMs: NOW + 500 * started });
    }
    expect(idsOf(find(sessions))).toEqual(Array(4).fill('a restarted'));
  });

  it('is none that failed to join, or whose goodbye overtook all else', () => {
    const sessions = createStore();
    post(sessions, { session_id: 'a', join: { result: 'ice', seconds: 3 } });
    post(sessions, { session_id: 'b', leaving: true });
    expect([sessions.ended.count, find(sessions)]).toEqual([0, []]);
  });

  it('is found by meeting, by session and by region, the newest first and at most as many as asked', () => {
    const sessions = createStore();
    const rows: [string, string, string][] = [
      ['m-1', 'a', 'apac'],
      ['m-1', 'b', 'eu-west'],
      ['m-2', 'a', 'apac'],
    ];
    rows.forEach(([meeting_id, session_id, region], i) => {
      post(sessions, { meeting_id, session_id, region });
      post(sessions, { meeting_id, session_id, region, seq: 1, leaving: true, atMs: NOW + i });
    });
    const found = (search: Partial<EndedSearch>) => find(sessions, search).map(({ meetingId, id }) => meetingId + id);
    expect(found({})).toEqual(['m-2a', 'm-1b', 'm-1a']);
    expect(found({ meetingId: 'm-1' })).toEqual(['m-1b', 'm-1a']);
    expect(found({ sessionId: 'a' })).toEqual(['m-2a', 'm-1a']);
    expect(found({ sessionId: 'a', meetingId: 'm-1' })).toEqual(['m-1a']);
    expect(found({ region: 'eu-west' })).toEqual(['m-1b']);
    expect(found({ limit: 1 })).toEqual(['m-2a']);
    expect(found({ meetingId: 'm-3' })).toEqual([]);
  });
});

describe('the record of ended sessions', () => {
  function end(sessions: Sessions, session_id: string, atMs: number): void {
    post(sessions, { session_id, atMs: atMs - 1_000, peers: [heard('x', 1), heard('y', 1)] });
    post(sessions, { session_id, seq: 1, leaving: true, atMs });
  }

  it('forgets after a quarter of an hour, and gives the memory back', () => {
    const sessions = createStore();
    for (let i = 0; i < 3_000; i++) end(sessions, `s-${i}`, NOW + i);
    expect(sessions.ended.capacity).toEqual({ sessions: 3_072, peers: 6_144 });
    const last = NOW + 2_999 + ENDED_FOR_MS;
    expect(find(sessions, {}, last - 1)).toHaveLength(1);
    expect(find(sessions, {}, last)).toEqual([]);
    sessions.forgetEnded(last - 1);
    expect(sessions.ended.count).toBe(1);
    sessions.forgetEnded(last);
    expect(sessions.ended.count).toBe(0);
    expect(sessions.ended.capacity.peers).toBeLessThanOrEqual(1_024);
    expect(sessions.ended.dropped).toBe(0);
    end(sessions, 's-new', last + 1);
    expect(find(sessions, {}, last + 2)).toMatchObject([{ id: 's-new', peers: [{ id: 'x' }, { id: 'y' }] }]);
  });

  it.each([
    ['sessions', [] as string[], 5],
    ['peers', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'], 4],
  ])('drops the oldest at its bound of %s, counts them, and says since when it is complete', (_, peers, kept) => {
    // Room for 5 sessions, and for 64 peers.
    const sessions = createStore({ maxSessions: 10 });
    for (let i = 0; i < 8; i++) {
      const session_id = `s-${i}`;
      post(sessions, { session_id, peers: peers.map((peer_id) => ({ peer_id })) });
      post(sessions, { session_id, seq: 1, leaving: true, atMs: NOW + 100 * i });
    }
    expect(find(sessions).map(({ id }) => id)).toEqual(['s-7', 's-6', 's-5', 's-4', 's-3'].slice(0, kept));
    expect([sessions.ended.count, sessions.ended.dropped]).toEqual([kept, 8 - kept]);
    expect(sessions.ended.reachMs(NOW + 60_000)).toBe(NOW + 100 * (7 - kept) + 1);
  });

  it('makes room also where one that heard nobody ended between others that did', () => {
    // Room for three: the last peer that is there is dropped while sessions without any are kept.
    const sessions = createStore({ maxSessions: 6 });
    const crowds = [['a'], [], [], ['b'], [], ['c']];
    for (const [i, peers] of crowds.entries()) {
      const session_id = `s-${i}`;
      post(sessions, { session_id, peers: peers.map((peer_id) => ({ peer_id })) });
      post(sessions, { session_id, seq: 1, leaving: true, atMs: NOW + i });
    }
    expect(find(sessions)).toMatchObject([
      { id: 's-5', peers: [{ id: 'c' }] },
      { id: 's-4', peers: [] },
      { id: 's-3', peers: [{ id: 'b' }] },
    ]);
  });

  it('is complete since the feed was first up, or was up again after so long that something may be missing', () => {
    const sessions = createStore();
    expect(sessions.ended.reachMs(NOW + 60_000)).toBe(NOW);
    const later = NOW + 2 * ENDED_FOR_MS;
    expect(sessions.ended.reachMs(later)).toBe(later - ENDED_FOR_MS);
    sessions.feedDown('apac', later);
    sessions.feedUp('apac', later + 29_000);
    expect(sessions.ended.reachMs(later + 60_000)).toBe(later + 60_000 - ENDED_FOR_MS);
    sessions.feedDown('apac', later + 60_000);
    sessions.feedUp('apac', later + 90_000);
    expect(sessions.ended.reachMs(later + 100_000)).toBe(later + 90_000);
  });

  it('is known after a restart as far as the stream was read again, and counts nothing then', () => {
    const sessions = createSessions({
      regions: ['apac'],
      servers: [],
      ttlSeconds: 30,
      maxSessions: 9,
      maxSessionSeries: 0,
    });
    const reports = createReports();
    for (const beacon of [{ seq: 7 }, { seq: 8, leaving: true as const }]) {
      const atMs = NOW - 20_000 + 1_000 * beacon.seq;
      reports.clear();
      reports.addBeacon(atMs, validBeacon({ meeting_id: 'm-1', session_id: 'a', ...beacon }));
      reports.place(atMs, atMs);
      reports.isHistory = true;
      sessions.apply('apac', reports, NOW);
    }
    sessions.feedUp('apac', NOW);
    expect(find(sessions)).toMatchObject([{ id: 'a', reason: 'left', atMs: NOW - 12_000, isBegunEarlier: true }]);
    expect([sessions.totals('apac').left, sessions.ended.reachMs(NOW + 60_000)]).toEqual([0, NOW]);
  });

  it('does not read one that was forgotten since it was found', () => {
    const sessions = createStore();
    end(sessions, 'a', NOW);
    const steps = sessions.ended.find(EVERYBODY, NOW + 1);
    const found = steps.next();
    sessions.forgetEnded(NOW + ENDED_FOR_MS);
    if (!found.done) throw new Error('it was not found at once');
    expect(found.value.rows.map((row) => sessions.ended.read(row))).toEqual([undefined]);
  });
});
