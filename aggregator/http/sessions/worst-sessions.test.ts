import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Beacon } from '../../../shared/beacon.ts';
import { fullPeer, validEntry } from '../../../test/support/edge/beacon.ts';
import { createSessions, type Sessions } from '../../store/sessions.ts';
import { applyEntry } from '../../store/testing.ts';
import type { WorstSession } from '../answers.ts';
import { findWorst, WORST_SORTS, type WorstQuery } from './worst-sessions.ts';

const NOW = 1_800_000_000_000;

function storeOf(rtts: readonly (number | undefined)[], region = 'apac'): Sessions {
  const options = {
    regions: ['apac', 'eu-west'],
    servers: [],
    ttlSeconds: 30,
    maxSessions: 10_000,
    maxSessionSeries: 0,
  };
  const sessions = createSessions(options);
  for (const name of sessions.regions) sessions.feedUp(name, NOW);
  rtts.forEach((rtt, i) => {
    const peers = [
      { peer_id: 'a', neteq: { buffer: 0.08, operations_per_second: { expand: i % 50 } } },
      { peer_id: 'b' },
    ];
    const entry = validEntry(
      { session_id: `s-${i}`, meeting_id: `m-${i % 3}`, rtt: rtt === undefined ? [] : [rtt], peers },
      NOW,
    );
    applyEntry(sessions, region, entry, NOW);
  });
  return sessions;
}

function query(
  sessions: Sessions,
  overrides: Partial<WorstQuery> = {},
  between: () => void = () => {},
): WorstSession[] {
  return answer(sessions, overrides, between).sessions;
}

function answer(sessions: Sessions, overrides: Partial<WorstQuery> = {}, between: () => void = () => {}) {
  const slices = findWorst(sessions, { sort: 'rtt', limit: 3, nowMs: NOW + 2_000, ...overrides });
  for (let slice = slices.next(); ; slice = slices.next()) {
    if (slice.done) return { total: slice.value.total, sessions: [...slice.value.sessions] };
    between();
  }
}

/** A beacon in meeting m-1 with a peer of which everything is known from the second one on, the worse the higher `n`. */
function postFull(sessions: Sessions, overrides: Partial<Beacon>, n: number): void {
  const { seq = 0 } = overrides;
  const atMs = NOW - 60_000 + 5_000 * seq;
  const { audio, video, ...peer } = fullPeer('a', seq);
  const worse = (value: number | undefined) => (value ?? 0) * (1 + n);
  const peers = [
    {
      ...peer,
      audio: {
        ...audio,
        jitterBufferDelay: worse(audio?.jitterBufferDelay),
        jitterBufferTargetDelay: worse(audio?.jitterBufferTargetDelay),
        concealedSamples: worse(audio?.concealedSamples),
        removedSamplesForAcceleration: worse(audio?.removedSamplesForAcceleration),
        packetsLost: worse(audio?.packetsLost),
        jitter: worse(audio?.jitter),
      },
      video: {
        ...video,
        framesPerSecond: 25 - n,
        framesDropped: worse(video?.framesDropped),
        totalFreezesDuration: worse(video?.totalFreezesDuration),
        packetsLost: worse(video?.packetsLost),
      },
      neteq: { operations_per_second: { accelerate: n } },
    },
  ];
  const sent = { audio: { packetsSent: 250 * (1 + seq), packetsLost: (1 + n) * seq } };
  applyEntry(sessions, 'apac', validEntry({ rtt: [0.1 + n / 100], peers, sent, ...overrides }, atMs), atMs);
}

describe('the worst sessions', () => {
  it('are those that sorting all of them gives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.nat(600), { nil: undefined })),
        fc.integer({ min: 1, max: 10 }),
        (hundredths, limit) => {
          const rtts = hundredths.map((value) => (value === undefined ? undefined : value / 100));
          const found = query(storeOf(rtts), { limit }).map(({ rtt_seconds }) => rtt_seconds);
          const known = rtts.filter((value) => value !== undefined).sort((a, b) => b - a);
          expect(found).toEqual(known.slice(0, limit));
        },
      ),
    );
  });

  it('say what a person needs next', () => {
    expect(query(storeOf([0.1, 0.3]), { limit: 1 })).toEqual([
      {
        region: 'apac',
        meeting_id: 'm-1',
        session_id: 's-1',
        participant_id: 'p-1',
        server_url: 'other',
        server_type: 'webtransport',
        rtt_seconds: 0.3,
        began_ms: NOW,
        client: { platform: 'web', engine: 'chromium' },
        path: { candidate_type: 'host', protocol: 'udp' },
        last_beacon_age_seconds: 2,
        impaired: ['rtt'],
        peers: [
          {
            peer_id: 'a',
            neteq_buffer_seconds: 0.08,
            concealment_ratio: 0.01,
            expand_operations_per_second: 1,
            audio_mos: expect.closeTo(4.14, 2),
          },
          { peer_id: 'b' },
        ],
      },
    ]);
  });

  it.each([
    ['a meeting', { meetingId: 'm-2' }, ['s-5', 's-2']],
    ['a meeting that nobody is in', { meetingId: 'm-9' }, []],
    ['a session', { sessionId: 's-4' }, ['s-4']],
    ['a session of a meeting', { sessionId: 's-4', meetingId: 'm-1' }, ['s-4']],
    ['a session that is in another meeting', { sessionId: 's-4', meetingId: 'm-2' }, []],
    ['another region', { region: 'eu-west' }, []],
    ['the expand rate', { sort: 'expand' as const, limit: 2 }, ['s-5', 's-4']],
    ['concealment', { sort: 'concealment' as const, limit: 1 }, ['s-5']],
  ])('can be asked for by %s', (_, overrides, ids) => {
    const sessions = storeOf([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    expect(query(sessions, overrides).map(({ session_id }) => session_id)).toEqual(ids);
  });

  it.each(WORST_SORTS)('can be asked for by %s, and then are the worst of all', (sort) => {
    const sessions = storeOf([]);
    // The higher the number, the worse: 3 is behind 2 in everything.
    for (const n of [2, 0, 3, 1]) {
      for (const seq of [1, 2]) postFull(sessions, { session_id: `s-${n}`, seq }, n);
    }
    postFull(sessions, { session_id: 'unknown', rtt: [], peers: [{ peer_id: 'a' }] }, 0);
    const ids = (overrides: Partial<WorstQuery>) =>
      query(sessions, { sort, limit: 10, ...overrides }).map(({ session_id }) => session_id);
    expect(ids({})).toEqual(['s-3', 's-2', 's-1', 's-0']);
    // A meeting is listed whole: who is not known comes last.
    expect(ids({ meetingId: 'm-1' })).toEqual(['s-3', 's-2', 's-1', 's-0', 'unknown']);
  });

  it('say how many there are when they are more than were asked for', () => {
    const sessions = storeOf([0.1, undefined, 0.3, undefined, 0.5]);
    const counts = (overrides: Partial<WorstQuery>) => {
      const { total, sessions: listed } = answer(sessions, overrides);
      return [total, listed.length];
    };
    expect(counts({ limit: 1 })).toEqual([3, 1]);
    expect(counts({ limit: 1, meetingId: 'm-0' })).toEqual([2, 1]);
    expect(counts({ limit: 9, meetingId: 'm-0' })).toEqual([2, 2]);
  });

  it('say whose fault a bad stream is, of the bad ones alone', () => {
    const sessions = storeOf([]);
    const ids = ['s-0', 's-1', 's-2', 's-3', 's-4'];
    // Everybody hears s-0 badly and all others well.
    for (const session_id of ids) {
      const peers = ids
        .filter((id) => id !== session_id)
        .map((peer_id) => ({ peer_id, neteq: { operations_per_second: { expand: peer_id === 's-0' ? 40 : 0 } } }));
      for (const seq of [0, 1]) postFull(sessions, { session_id, seq, peers }, 0);
    }
    const listed = query(sessions, { meetingId: 'm-1', limit: 10 });
    expect(new Map(listed.map(({ session_id, impaired }) => [session_id, impaired]))).toEqual(
      new Map(ids.map((id) => [id, id === 's-0' ? [] : ['audio']])),
    );
    const sides = listed.flatMap(({ peers }) => peers.map(({ peer_id, side }) => `${peer_id} ${side}`));
    expect(new Set(sides)).toEqual(new Set(['s-0 publisher', ...ids.slice(1).map((id) => `${id} undefined`)]));
  });

  it('blame the server where most of its sessions fare badly', () => {
    const sessions = storeOf([]);
    for (let i = 0; i < 6; i++) {
      const peers = [{ peer_id: 'elsewhere', neteq: { operations_per_second: { expand: 40 } } }];
      const ids = { session_id: `s-${i}`, meeting_id: `m-${i % 3}`, participant_id: `p-${i}` };
      for (const seq of [0, 1]) postFull(sessions, { ...ids, seq, rtt: [0.4], peers }, 0);
    }
    const [listed] = query(sessions, { limit: 1 });
    expect(listed).toMatchObject({ impaired: ['rtt', 'audio'], peers: [{ peer_id: 'elsewhere', side: 'server' }] });
  });

  it('leave out who left while they were looked for', () => {
    const sessions = storeOf([]);
    for (let i = 0; i < 2_500; i++) {
      const entry = validEntry({ session_id: `s-${i}`, meeting_id: 'm-0', rtt: [i === 0 ? 9 : 0.1], peers: [] }, NOW);
      applyEntry(sessions, 'apac', entry, NOW);
    }
    const found = query(sessions, { limit: 1 }, () => {
      applyEntry(
        sessions,
        'apac',
        validEntry({ session_id: 's-0', meeting_id: 'm-0', seq: 1, leaving: true }, NOW),
        NOW,
      );
    });
    expect(found).toEqual([]);
  });

  it('say nothing of a region whose feed has been down for a TTL', () => {
    const sessions = storeOf([0.1]);
    sessions.feedDown('apac', NOW);
    expect(query(sessions, { nowMs: NOW + 29_000 })).toHaveLength(1);
    expect(query(sessions, { nowMs: NOW + 30_000 })).toHaveLength(0);
  });
});
