import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validEntry } from '../../test/support/edge/beacon.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { applyEntry } from '../store/testing.ts';
import type { WorstSession } from './answers.ts';
import { findWorst, type WorstQuery } from './worst-sessions.ts';

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
  const slices = findWorst(sessions, { sort: 'rtt', limit: 3, nowMs: NOW + 2_000, ...overrides });
  for (let slice = slices.next(); ; slice = slices.next()) {
    if (slice.done) return slice.value;
    between();
  }
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
        last_beacon_age_seconds: 2,
        peers: [
          { peer_id: 'a', neteq_buffer_seconds: 0.08, concealment_ratio: 0.01, expand_operations_per_second: 1 },
          { peer_id: 'b' },
        ],
      },
    ]);
  });

  it.each([
    ['a meeting', { meetingId: 'm-2' }, ['s-5', 's-2']],
    ['a meeting that nobody is in', { meetingId: 'm-9' }, []],
    ['another region', { region: 'eu-west' }, []],
    ['the expand rate', { sort: 'expand' as const, limit: 2 }, ['s-5', 's-4']],
    ['concealment', { sort: 'concealment' as const, limit: 1 }, ['s-5']],
  ])('can be asked for by %s', (_, overrides, ids) => {
    const sessions = storeOf([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    expect(query(sessions, overrides).map(({ session_id }) => session_id)).toEqual(ids);
  });

  it('leave out who left while they were looked for', () => {
    const sessions = storeOf(Array.from({ length: 2_500 }, (_, i) => (i === 0 ? 9 : 0.1)));
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
