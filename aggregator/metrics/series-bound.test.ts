import { expect, it } from 'vitest';
import { SERVER_TYPES } from '../../shared/beacon.ts';
import { CLIENT, PATH, SENT_VIDEO, type SessionMembers } from '../../shared/session-members.ts';
import { fullPeer, fullSelfReport, validEntry } from '../../test/support/edge/beacon.ts';
import { expose } from '../../test/support/metrics/expose.ts';
import { parseMetrics } from '../../test/support/metrics/exposition-text.ts';
import { createSessions } from '../store/sessions.ts';
import { applyEntry, noteCanary, noteRightClocks } from '../store/testing.ts';
import { type CollectGroup, DEFAULT_GROUPS, GROUPS } from './family.ts';
import { seriesBound } from './series-bound.ts';

const NOW = 1_800_000_000_000;

/** Every combination of what sessions say of themselves, each of a session of its own. */
function* selfReports(): Generator<SessionMembers> {
  for (const platform of [undefined, ...CLIENT.platform]) {
    for (const engine of [undefined, ...CLIENT.engine]) {
      yield { client: { ...(platform && { platform }), ...(engine && { engine }) } };
    }
  }
  for (const candidate_type of [undefined, ...PATH.candidate_type]) {
    for (const protocol of [undefined, ...PATH.protocol]) {
      yield { path: { ...(candidate_type && { candidate_type }), ...(protocol && { protocol }) } };
    }
  }
  for (const qualityLimitationReason of SENT_VIDEO.qualityLimitationReason) {
    yield { sent: { video: { qualityLimitationReason } } };
  }
  yield { state: { video_sending: true } };
}

it('is what is exposed when every closed set and the limit of detail are used up', () => {
  const servers = ['https://media-1.example', 'https://media-2.example'];
  const options = { regions: ['apac', 'sa'], servers, maxSessionSeries: 10, sources: 4 };
  const sessions = createSessions({ ...options, ttlSeconds: 30, maxSessions: 1_000 });
  const elected = [...servers, 'https://unknown.example'].flatMap((url) => SERVER_TYPES.map((type) => ({ url, type })));
  let session = 0;
  for (const region of options.regions) {
    sessions.feedUp(region, NOW);
    noteRightClocks(sessions, region);
    noteCanary(sessions, region, NOW);
    sessions.totals(region).packets.isRead = true;
    for (const server of [...elected, undefined]) {
      const rates = { buffer: 0.06, operations_per_second: { normal: 98, expand: 1, accelerate: 1 } };
      const session_id = `s-${session++}`;
      for (const seq of [1, 2]) {
        const peers = [{ peer_id: 'a', neteq: rates }, fullPeer('b', seq)];
        const full = { session_id, meeting_id: session_id, seq, peers, ...fullSelfReport(seq) };
        const { beacon, ...entry } = validEntry(full, NOW + 1_000 * seq);
        const { server: _, ...without } = beacon;
        applyEntry(
          sessions,
          region,
          { ...entry, beacon: server ? { ...without, server } : without },
          NOW + 1_000 * seq,
        );
      }
    }
  }
  for (const region of options.regions) {
    for (const members of selfReports()) {
      const {
        client: _,
        path: _p,
        state: _s,
        sent: _o,
        ...beacon
      } = validEntry({ session_id: `s-${session++}` }).beacon;
      const server = { url: servers[0] as string, type: 'webrtc' as const };
      applyEntry(sessions, region, { receivedAtMs: NOW, colo: '', beacon: { ...beacon, server, ...members } });
    }
  }
  expect(sessions.budget.used).toBe(10);
  const seriesOf = (groups: readonly CollectGroup[]) =>
    parseMetrics([...expose(sessions, { nowMs: NOW, collect: new Set(groups), openMetrics: false })].join('')).length;
  expect(seriesOf(DEFAULT_GROUPS)).toBe(seriesBound(options));
  expect(seriesOf(['operations'])).toBeGreaterThan(0);
  expect(seriesOf(['operations'])).toBeLessThanOrEqual(seriesBound(options, ['operations']));
  expect(seriesBound(options, GROUPS)).toBe(seriesBound(options) + 5 * options.maxSessionSeries);
});
