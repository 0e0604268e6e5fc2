import { describe, expect, it } from 'vitest';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import type { Sessions } from '../../store/sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../../store/testing.ts';
import { type EndedQuery, findEnded } from './ended-sessions.ts';

function query(sessions: Sessions, overrides: Partial<EndedQuery> = {}) {
  const slices = findEnded(sessions, { limit: 10, nowMs: NOW + 60_000, ...overrides });
  let slice = slices.next();
  while (!slice.done) slice = slices.next();
  return { ...slice.value, sessions: [...slice.value.sessions] };
}

function storeOf(ids: readonly string[]): Sessions {
  const sessions = createTestSessions();
  for (const session_id of ids) {
    const peers = [{ peer_id: 'a', neteq: { buffer: 0.08, operations_per_second: { expand: 40 } } }, { peer_id: 'b' }];
    const beacon = { session_id, meeting_id: 'm-1', rtt: [0.3], peers };
    applyEntry(sessions, 'apac', validEntry({ ...beacon, seq: 0 }, NOW));
    applyEntry(sessions, 'apac', validEntry({ ...beacon, seq: 1, leaving: true }, NOW + 2_000));
  }
  return sessions;
}

describe('the ended sessions', () => {
  it('say how they ended, and what a person needs of how they were', () => {
    expect(query(storeOf(['s-1']))).toEqual({
      total: 1,
      reachMs: NOW,
      sessions: [
        {
          region: 'apac',
          meeting_id: 'm-1',
          session_id: 's-1',
          participant_id: 'p-1',
          server_url: 'other',
          server_type: 'webtransport',
          began_ms: NOW,
          client: { platform: 'web', engine: 'chromium' },
          path: { candidate_type: 'host', protocol: 'udp' },
          rtt_seconds: 0.3,
          ended_ms: NOW + 2_000,
          reason: 'left',
          last_beacon_ms: NOW,
          impaired: ['rtt', 'audio'],
          peers: [
            {
              peer_id: 'a',
              neteq_buffer_seconds: 0.08,
              concealment_ratio: 0.4,
              expand_operations_per_second: 40,
              audio_mos: expect.any(Number),
              side: 'unknown',
            },
            { peer_id: 'b' },
          ],
        },
      ],
    });
  });

  it('are at most as many as asked for, with how many there are', () => {
    const { total, sessions } = query(storeOf(['s-1', 's-2', 's-3']), { limit: 2 });
    expect([total, sessions.map(({ session_id }) => session_id)]).toEqual([3, ['s-3', 's-2']]);
  });

  it('are not complete while a region can not be heard that may have had some', () => {
    const sessions = storeOf(['s-1']);
    sessions.feedDown('eu-west', NOW + 3_000);
    const nowMs = NOW + 60_000;
    expect(query(sessions, { nowMs })).toMatchObject({ total: 1, reachMs: nowMs });
    expect(query(sessions, { nowMs, region: 'apac' })).toMatchObject({ total: 1, reachMs: NOW });
  });
});
