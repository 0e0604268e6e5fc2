/** What sessions say of themselves, as the metrics have it. */
import { describe, expect, it } from 'vitest';
import type { Beacon } from '../../shared/beacon.ts';
import { fullSelfReport, validEntry } from '../../test/support/edge/beacon.ts';
import { expose } from '../../test/support/metrics/expose.ts';
import { parseMetrics, pick, type Sample, total } from '../../test/support/metrics/exposition-text.ts';
import { createReports } from './report/report.ts';
import type { Sessions } from './sessions.ts';
import { applyEntry, createTestSessions, NOW } from './testing.ts';

const NOTHING: Partial<Beacon> = { peers: [], rtt: [] };

function post(sessions: Sessions, afterMs: number, beacon: Partial<Beacon>, region = 'apac'): void {
  const { client: _, state: _s, path: _p, connection: _c, sent: _o, ...plain } = validEntry(NOTHING).beacon;
  applyEntry(sessions, region, { receivedAtMs: NOW + afterMs, colo: '', beacon: { ...plain, ...beacon } });
}

function shown(sessions: Sessions, afterMs: number): Sample[] {
  while (sessions.expire(NOW + afterMs));
  const options = { nowMs: NOW + afterMs, collect: new Set(['population'] as const), openMetrics: false };
  return parseMetrics([...expose(sessions, options)].join(''));
}

/** The series of a family that are not zero, by the values of their labels. */
function series(samples: Sample[], name: string): { readonly [labels: string]: number } {
  const known = pick(samples, `edgepulse_${name}`).filter(({ value }) => value !== 0);
  return Object.fromEntries(known.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

describe('living sessions by what they say', () => {
  it('counts each once, by its newest beacon, where it lives, for as long as it lives', () => {
    const sessions = createTestSessions();
    const path = (candidate_type: 'host' | 'relay') => ({ path: { candidate_type, protocol: 'udp' as const } });
    post(sessions, 0, { session_id: 'a', ...path('host') });
    post(sessions, 0, { session_id: 'b', ...path('host') });
    expect(series(shown(sessions, 100), 'sessions_by_path')).toEqual({ 'apac host udp': 2 });
    post(sessions, 5_000, { session_id: 'a', seq: 1, ...path('relay') });
    expect(series(shown(sessions, 5_100), 'sessions_by_path')).toEqual({ 'apac host udp': 1, 'apac relay udp': 1 });
    post(sessions, 6_000, { session_id: 'a', seq: 2, ...path('relay') }, 'eu-west');
    expect(series(shown(sessions, 6_100), 'sessions_by_path')).toEqual({ 'apac host udp': 1, 'eu-west relay udp': 1 });
    post(sessions, 7_000, { session_id: 'a', seq: 3 }, 'eu-west');
    post(sessions, 7_000, { session_id: 'b', seq: 1, leaving: true, ...path('host') });
    expect(series(shown(sessions, 7_100), 'sessions_by_path')).toEqual({});
  });

  it('shows half of what is known as unknown, and nothing of what is not', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { session_id: 'a', path: { candidate_type: 'relay' }, client: { engine: 'gecko' } });
    post(sessions, 0, { session_id: 'b', path: {}, client: {} });
    post(sessions, 0, { session_id: 'c' });
    expect(series(shown(sessions, 100), 'sessions_by_path')).toEqual({ 'apac relay unknown': 1 });
    expect(series(shown(sessions, 100), 'sessions_by_client')).toEqual({ 'apac unknown gecko': 1 });
  });

  it.each<[string, Partial<Beacon>, object]>([
    ['a reason alone', { sent: { video: { qualityLimitationReason: 'cpu' } } }, { 'apac cpu': 1 }],
    ['that it sends, without a reason', { state: { video_sending: true } }, { 'apac unknown': 1 }],
    [
      'both',
      { state: { video_sending: true }, sent: { video: { qualityLimitationReason: 'none' } } },
      { 'apac none': 1 },
    ],
    [
      'a reason, and that it does not send',
      { state: { video_sending: false }, sent: { video: { qualityLimitationReason: 'cpu' } } },
      {},
    ],
    ['nothing', {}, {}],
  ])('takes for a sender of video one that says %s', (_, beacon, expected) => {
    const sessions = createTestSessions();
    post(sessions, 0, beacon);
    expect(series(shown(sessions, 100), 'video_senders')).toEqual(expected);
  });
});

describe('the packet loss of the uplink', () => {
  const loss = (beacons: readonly Beacon['sent'][]) => {
    const sessions = createTestSessions();
    for (const [seq, sent] of beacons.entries()) post(sessions, 5_000 * seq, { seq, ...(sent && { sent }) });
    const samples = shown(sessions, 5_000 * beacons.length);
    const values = pick(samples, 'edgepulse_live_uplink_packet_loss_ratio_sum').map(({ value }) => value);
    return pick(samples, 'edgepulse_live_uplink_packet_loss_ratio_count')[0]?.value === 1 ? values[0] : undefined;
  };
  const audio = (packetsSent: number, packetsLost: number) => ({ audio: { packetsSent, packetsLost } });
  const video = (packetsSent: number, packetsLost: number) => ({ video: { packetsSent, packetsLost } });

  it.each<[string, readonly Beacon['sent'][], number | undefined]>([
    ['is unknown from a first beacon', [audio(100, 50)], undefined],
    ['is the share of what was sent since', [audio(100, 50), audio(200, 60)], 0.1],
    ['is zero when the count of lost packets fell', [audio(100, 5), audio(200, 4)], 0],
    ['begins anew with counters that went back', [audio(900, 90), audio(100, 2)], 0.02],
    ['is at most all of it', [audio(100, 0), audio(110, 500)], 1],
    ['is unknown when nothing was sent', [audio(100, 5), audio(100, 5)], undefined],
    ['is that of video when there is no audio', [video(100, 0), video(200, 30)], 0.3],
    [
      'is that of video while nothing is said by audio',
      [
        { ...audio(9, 0), ...video(100, 0) },
        { ...audio(9, 0), ...video(200, 30) },
      ],
      0.3,
    ],
    [
      'is that of audio where both are known',
      [
        { ...audio(0, 0), ...video(0, 0) },
        { ...audio(100, 1), ...video(100, 50) },
      ],
      0.01,
    ],
    ['is unknown again when it is said no more', [audio(100, 0), audio(200, 10), undefined], undefined],
    ['takes no difference over what was not said', [audio(100, 0), undefined, audio(300, 50)], undefined],
    [
      'has no lost packets without a report of the other end',
      [{ audio: { packetsSent: 1 } }, { audio: { packetsSent: 100 } }],
      undefined,
    ],
  ])('%s', (_, beacons, expected) => {
    expect(loss(beacons)).toBe(expected);
  });
});

describe('what connections count', () => {
  const counted = (beacons: readonly Partial<Beacon>[]) => {
    const sessions = createTestSessions();
    for (const [i, beacon] of beacons.entries()) post(sessions, 5_000 * i, { seq: i, ...beacon });
    const samples = shown(sessions, 5_000 * beacons.length);
    return [total(samples, 'edgepulse_connection_failures_total'), total(samples, 'edgepulse_ice_restarts_total')];
  };
  const connection = (failures: number, ice_restarts: number) => ({ connection: { failures, ice_restarts } });

  it.each<[string, readonly Partial<Beacon>[], number[]]>([
    ['nothing of a first beacon, which another process may have counted', [connection(1, 2)], [0, 0]],
    ['differences', [connection(0, 1), connection(2, 1), connection(3, 4)], [3, 3]],
    ['differences over a beacon that does not say', [connection(1, 1), {}, connection(3, 1)], [2, 0]],
    ['what began anew', [connection(3, 3), connection(1, 0)], [1, 0]],
    [
      'nothing of the first beacon of another run',
      [
        { started: 1, ...connection(3, 3) },
        { started: 2, seq: 0, ...connection(4, 4) },
      ],
      [0, 0],
    ],
    [
      'each by itself',
      [{ connection: { failures: 1 } }, connection(2, 2), { connection: { ice_restarts: 4 } }],
      [1, 2],
    ],
    ['nothing that can not have been in that time', [connection(0, 0), connection(1_000, 5)], [0, 5]],
  ])('is %s', (_, beacons, expected) => {
    expect(counted(beacons)).toEqual(expected);
  });
});

describe('joins', () => {
  const ok: Partial<Beacon> = { join: { result: 'ok', seconds: 0.8 } };
  const failed: Partial<Beacon> = { join: { result: 'ice', seconds: 15 } };
  const joins = (sessions: Sessions) => series(shown(sessions, 60_000), 'joins_total');

  it('are zero from the start for every result and server type', () => {
    const samples = pick(shown(createTestSessions({ regions: ['apac'] }), 0), 'edgepulse_joins_total');
    expect(samples).toHaveLength(4 * 5);
    expect(samples.every(({ value }) => value === 0)).toBe(true);
  });

  it('count a result of a session once, however many beacons say it, and a new run anew', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 1, 1, 2]) post(sessions, 5_000 * seq, { seq, started: 7, ...ok });
    expect(joins(sessions)).toEqual({ 'apac webtransport ok': 1 });
    post(sessions, 61_000, { seq: 0, started: 8, ...ok });
    expect(joins(sessions)).toEqual({ 'apac webtransport ok': 2 });
  });

  it('count one of a beacon that others overtook, or that comes late, once', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { seq: 3, ...ok });
    post(sessions, 100, { seq: 1, ...ok });
    post(sessions, 200, { seq: 4, leaving: true });
    post(sessions, 300, { seq: 2, ...ok });
    expect(joins(sessions)).toEqual({ 'apac webtransport ok': 1 });
    // Of nobody who is known, spooled for longer than a TTL.
    const { beacon } = validEntry({ session_id: 'late', ...ok });
    applyEntry(sessions, 'apac', { receivedAtMs: NOW, colo: '', beacon }, NOW + 50_000);
    expect(joins(sessions)).toEqual({ 'apac webtransport ok': 2 });
    expect(sessions.living()).toBe(0);
  });

  it('that failed begin no session, count once, and leave the way free for the next try', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 0, 1]) post(sessions, 100 * seq, { seq, ...failed });
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, duplicate: 1, left: 0, stale: 0 });
    post(sessions, 300, { seq: 2, ...ok });
    expect(sessions.living()).toBe(1);
    post(sessions, 400, { seq: 0, ...failed });
    const samples = shown(sessions, 500);
    expect(series(samples, 'joins_total')).toEqual({ 'apac webtransport ok': 1, 'apac webtransport ice': 1 });
    expect(total(samples, 'edgepulse_join_seconds_count')).toBe(1);
    expect(total(samples, 'edgepulse_join_seconds_sum')).toBe(0.8);
  });

  it('that failed are remembered for a TTL, as many as sessions may live', () => {
    const sessions = createTestSessions({ maxSessions: 10 });
    for (let i = 0; i < 50; i++) post(sessions, i, { session_id: `s-${i}`, ...failed });
    expect(series(shown(sessions, 100), 'joins_total')).toEqual({ 'apac webtransport ice': 50 });
    // One of the ten that are remembered, and one that made way for them.
    post(sessions, 200, { session_id: 's-45', ...failed });
    post(sessions, 200, { session_id: 's-3', ...failed });
    expect(sessions.totals('apac')).toMatchObject({ applied: 51, duplicate: 1 });
  });

  it('that failed in a session that lives end nothing', () => {
    const sessions = createTestSessions();
    post(sessions, 0, ok);
    post(sessions, 5_000, { seq: 1, ...failed });
    expect(sessions.living()).toBe(1);
    expect(series(shown(sessions, 5_100), 'joins_total')).toEqual({
      'apac webtransport ok': 1,
      'apac webtransport ice': 1,
    });
  });

  it('have the server type none without an elected server', () => {
    const sessions = createTestSessions();
    const { server: _, ...beacon } = validEntry({ ...NOTHING, join: { result: 'signaling' } }).beacon;
    applyEntry(sessions, 'apac', { receivedAtMs: NOW, colo: '', beacon });
    expect(joins(sessions)).toEqual({ 'apac none signaling': 1 });
  });

  it('have each time once, when it is first said', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { join: { result: 'ok', seconds: 0.8 } });
    post(sessions, 1_000, { seq: 1, join: { result: 'ok', seconds: 0.8, first_audio_seconds: 1.5 } });
    post(sessions, 2_000, { seq: 2, join: { result: 'ok', first_audio_seconds: 1.5, first_video_seconds: 2.5 } });
    const samples = shown(sessions, 2_100);
    expect(pick(samples, 'edgepulse_first_media_seconds_sum').map(({ labels, value }) => [labels.kind, value])).toEqual(
      [
        ['audio', 1.5],
        ['video', 2.5],
      ],
    );
    for (const name of ['join_seconds', 'first_media_seconds']) {
      for (const { value } of pick(samples, `edgepulse_${name}_count`)) expect(value).toBe(1);
    }
  });

  it('of what a restart reads again are not counted, and not once more when they are said again', () => {
    const sessions = createTestSessions();
    const reports = createReports();
    reports.isHistory = true;
    reports.addBeacon(NOW, validEntry({ ...NOTHING, ...fullSelfReport(1) }).beacon);
    reports.place(NOW, NOW);
    sessions.apply('apac', reports, NOW);
    expect(series(shown(sessions, 500), 'joins_total')).toEqual({});
    post(sessions, 5_000, { seq: 1, ...fullSelfReport(2) });
    const samples = shown(sessions, 5_100);
    expect(series(samples, 'joins_total')).toEqual({});
    expect(series(samples, 'sessions_by_path')).toEqual({ 'apac relay tls': 1 });
    expect(total(samples, 'edgepulse_connection_failures_total')).toBe(1);
  });
});
