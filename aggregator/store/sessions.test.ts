import { describe, expect, it } from 'vitest';
import type { Beacon, Peer } from '../../shared/beacon.ts';
import { validEntry } from '../../test/support/edge/beacon.ts';
import { expose } from '../../test/support/metrics/expose.ts';
import { createSessions, type Sessions, type SessionsOptions } from './sessions.ts';
import { applyEntry } from './testing.ts';

const START = 1_800_000_000_000;
const SERVER = 'https://media-apac-1.example.com';

function storeWith(options: Partial<SessionsOptions> = {}): Sessions {
  const sessions = createSessions({
    regions: ['apac', 'eu-west'],
    servers: [SERVER],
    ttlSeconds: 30,
    maxSessions: 100,
    maxSessionSeries: 1_000,
    ...options,
  });
  for (const region of sessions.regions) sessions.feedUp(region, START);
  return sessions;
}

/** Applies a beacon that the edge received `at` ms after the start, and that arrives 10 ms later. */
function post(sessions: Sessions, at: number, overrides: Partial<Beacon> = {}, region = 'apac'): void {
  applyEntry(sessions, region, validEntry(overrides, START + at), START + at + 10);
}

function expireAll(sessions: Sessions, at: number): void {
  while (sessions.expire(START + at));
}

/** Samples of the exposition by `name{labels}`, without the cumulative families. */
function shown(sessions: Sessions, at: number): Map<string, number> {
  const samples = new Map<string, number>();
  const options = { nowMs: START + at, collect: new Set(['population', 'sessions'] as const), openMetrics: false };
  for (const line of [...expose(sessions, options)].join('').split('\n')) {
    const [, name, value] = /^(edgepulse_(?!rtt_|\w+_total)\S+) (\S+)$/.exec(line) ?? [];
    if (name) samples.set(name, Number(value));
  }
  return samples;
}

function peerOf(samples: Map<string, number>, family: string): number | undefined {
  return samples.get(`edgepulse_peer_${family}{region="apac",meeting_id="m-1",session_id="s-1",peer_id="s-2"}`);
}

function audio(overrides: NonNullable<Peer['audio']>): Peer[] {
  return [{ peer_id: 's-2', audio: overrides }];
}

describe('expiry', () => {
  it('removes a silent session when its TTL is over, and not before', () => {
    const sessions = storeWith();
    post(sessions, 0);
    expireAll(sessions, 29_999);
    expect(sessions.living()).toBe(1);
    expireAll(sessions, 30_250);
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac').stale).toBe(1);
  });

  it('counts the TTL from the newest beacon', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 20_000, { seq: 1 });
    expireAll(sessions, 49_000);
    expect(sessions.living()).toBe(1);
    expireAll(sessions, 50_250);
    expect(sessions.living()).toBe(0);
  });

  it('does not let a session outlive the others because the clock of its edge runs ahead', () => {
    const sessions = storeWith();
    applyEntry(sessions, 'apac', validEntry({}, START + 3_600_000), START);
    expireAll(sessions, 30_250);
    expect(sessions.living()).toBe(0);
  });

  it('removes a leaving session at once, and a straggler does not bring it back', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 5_000, { seq: 2, leaving: true });
    expect(sessions.living()).toBe(0);
    post(sessions, 5_001, { seq: 1 });
    post(sessions, 5_002, { seq: 2, leaving: true });
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac')).toMatchObject({ left: 1, late: 1, duplicate: 1 });
    // Forgotten after a TTL: the same number begins a session.
    expireAll(sessions, 40_000);
    post(sessions, 40_000, { seq: 1 });
    expect(sessions.living()).toBe(1);
  });

  it('takes a session up again that goes on after leaving, as a page restored from the cache does', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 5_000, { seq: 1, leaving: true });
    post(sessions, 9_000, { seq: 2 });
    expect(sessions.living()).toBe(1);
  });

  it('takes a last beacon that a closing page sends right after its goodbye for no new beginning', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 5_000, { seq: 1, leaving: true });
    post(sessions, 5_005, { seq: 2 });
    post(sessions, 5_005, { seq: 2 });
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, late: 1, duplicate: 1 });
  });

  it('does not begin a session with a beacon that was overtaken by its end', () => {
    const sessions = storeWith();
    post(sessions, 100, { seq: 1, leaving: true });
    post(sessions, 101, { seq: 0 });
    expect(sessions.living()).toBe(0);
  });

  it('counts a beacon older than the TTL, and never revives its session', () => {
    const sessions = storeWith();
    applyEntry(sessions, 'apac', validEntry({ rtt: [0.2] }, START - 31_000), START);
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac')).toMatchObject({ late: 1, applied: 0 });
    const cell = [...sessions.cells()][0];
    expect(cell?.cumulative.rtt.sum).toBeCloseTo(0.2);
  });

  it('removes at most a thousand a call and says whether there are more', () => {
    const sessions = storeWith({ maxSessions: 3_000 });
    for (let i = 0; i < 2_500; i++) post(sessions, 0, { session_id: `s-${i}`, peers: [] });
    expect([1, 2, 3].map(() => sessions.expire(START + 31_000))).toEqual([true, true, false]);
    expect(sessions.living()).toBe(0);
  });
});

describe('the reap clock', () => {
  it('stands still while the feed is down, and goes on where it stood', () => {
    const sessions = storeWith();
    post(sessions, 0);
    sessions.feedDown('apac', START + 10_000);
    expireAll(sessions, 600_000);
    expect(sessions.living()).toBe(1);
    sessions.feedUp('apac', START + 600_000);
    expireAll(sessions, 619_000);
    expect(sessions.living()).toBe(1);
    expireAll(sessions, 620_250);
    expect(sessions.living()).toBe(0);
  });

  it('gives a beacon that the edge received during the outage its own TTL', () => {
    const sessions = storeWith();
    post(sessions, 0);
    sessions.feedDown('apac', START + 1_000);
    applyEntry(sessions, 'apac', validEntry({ seq: 1 }, START + 15_000), START + 20_000);
    sessions.feedUp('apac', START + 20_000);
    expireAll(sessions, 44_900);
    expect(sessions.living()).toBe(1);
    expireAll(sessions, 45_250);
    expect(sessions.living()).toBe(0);
  });

  it('stands still for the region that is down alone', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 0, { session_id: 's-eu' }, 'eu-west');
    sessions.feedDown('apac', START + 1_000);
    expireAll(sessions, 31_000);
    expect(sessions.living()).toBe(1);
  });

  it('withdraws the live families after a whole TTL without a feed, and shows them again', () => {
    const sessions = storeWith();
    post(sessions, 0);
    sessions.feedDown('apac', START + 1_000);
    expect(shown(sessions, 30_999).size).toBeGreaterThan(2);
    const left = [...shown(sessions, 31_000).keys()];
    expect(left).toEqual(['edgepulse_meetings{region="eu-west"}', 'edgepulse_participants{region="eu-west"}']);
    sessions.feedUp('apac', START + 40_000);
    expect(shown(sessions, 40_000).get('edgepulse_meetings{region="apac"}')).toBe(1);
  });

  it('claims nothing before the feed was up once', () => {
    const sessions = createSessions({
      regions: ['apac'],
      servers: [],
      ttlSeconds: 30,
      maxSessions: 1,
      maxSessionSeries: 1,
    });
    expect(shown(sessions, 0).size).toBe(0);
  });
});

describe('rates from cumulative counters', () => {
  const first = {
    jitterBufferDelay: 100,
    jitterBufferEmittedCount: 1_000,
    concealedSamples: 500,
    silentConcealedSamples: 100,
    removedSamplesForAcceleration: 10,
    totalSamplesReceived: 10_000,
  };
  const second = {
    jitterBufferDelay: 150,
    jitterBufferEmittedCount: 2_000,
    concealedSamples: 1_500,
    silentConcealedSamples: 900,
    removedSamplesForAcceleration: 110,
    totalSamplesReceived: 20_000,
  };

  it('knows nothing from a first beacon', () => {
    const sessions = storeWith();
    post(sessions, 0, { peers: audio(first) });
    expect(peerOf(shown(sessions, 100), 'neteq_buffer_seconds')).toBeUndefined();
  });

  it('takes differences, and only audible concealment', () => {
    const sessions = storeWith();
    post(sessions, 0, { peers: audio(first) });
    post(sessions, 5_000, { seq: 1, peers: audio(second) });
    const samples = shown(sessions, 5_100);
    expect(peerOf(samples, 'neteq_buffer_seconds')).toBe(0.05);
    expect(peerOf(samples, 'concealment_ratio')).toBe(0.02);
    const cell = `{region="apac",server_url="${SERVER}",server_type="webtransport"}`;
    expect(samples.get(`edgepulse_live_expand_operations_per_second_sum${cell}`)).toBe(10);
    expect(samples.get(`edgepulse_live_acceleration_ratio_sum${cell}`)).toBe(0.01);
    expect([...sessions.cells()][0]?.cumulative).toMatchObject({
      audioSamples: 10_000,
      concealedSamples: 1_000,
      silentConcealedSamples: 800,
      acceleratedSamples: 100,
    });
  });

  it('takes a gap for a longer difference', () => {
    const sessions = storeWith();
    post(sessions, 0, { peers: audio(first) });
    post(sessions, 15_000, { seq: 3, peers: audio(second) });
    expect(peerOf(shown(sessions, 15_100), 'concealment_ratio')).toBe(0.02);
  });

  it('takes a counter that went down for a start from zero', () => {
    const sessions = storeWith();
    post(sessions, 0, { peers: audio(second) });
    post(sessions, 5_000, { seq: 1, peers: audio(first) });
    expect(peerOf(shown(sessions, 5_100), 'concealment_ratio')).toBe(0.04);
    expect(peerOf(shown(sessions, 5_100), 'neteq_buffer_seconds')).toBe(0.1);
  });

  it.each([
    ['packetsLost fell, as it may by itself', { packetsLost: 5 }, { packetsLost: 4 }, {}, {}],
    ['packetsLost fell below zero', { packetsLost: 0 }, { packetsLost: -1 }, {}, {}],
    ['the video began anew', {}, {}, { framesDecoded: 900 }, { framesDecoded: 10 }],
  ])('goes on with the differences when %s', (_, audioBefore, audioAfter, videoBefore, videoAfter) => {
    const sessions = storeWith();
    post(sessions, 0, { peers: [{ peer_id: 's-2', audio: { ...first, ...audioBefore }, video: videoBefore }] });
    const peers = [{ peer_id: 's-2', audio: { ...second, ...audioAfter }, video: videoAfter }];
    post(sessions, 5_000, { seq: 1, peers });
    expect(peerOf(shown(sessions, 5_100), 'concealment_ratio')).toBe(0.02);
  });

  it('leaves what is absent unknown, and what was zero zero', () => {
    const sessions = storeWith();
    post(sessions, 0, { peers: audio(first) });
    const { silentConcealedSamples: _, ...noSilence } = second;
    post(sessions, 5_000, { seq: 1, peers: audio(noSilence) });
    expect(peerOf(shown(sessions, 5_100), 'concealment_ratio')).toBeUndefined();
    expect(peerOf(shown(sessions, 5_100), 'neteq_buffer_seconds')).toBe(0.05);
    post(sessions, 10_000, { seq: 2, peers: [{ peer_id: 's-2', neteq: { buffer: 0 } }] });
    expect(peerOf(shown(sessions, 10_100), 'neteq_buffer_seconds')).toBe(0);
  });

  it('removes the value of a report that has it no more', () => {
    const sessions = storeWith();
    post(sessions, 0, { rtt: [0.3] });
    post(sessions, 5_000, { seq: 1, rtt: [] });
    const rtt = [...shown(sessions, 5_100).keys()].filter((name) => name.includes('rtt_'));
    expect(rtt).toEqual([]);
  });

  it('feeds the same distributions from a NetEQ client', () => {
    const sessions = storeWith();
    const neteq = {
      buffer: 0.08,
      operations_per_second: { normal: 70, expand: 20, accelerate: 4, fast_accelerate: 1 },
    };
    post(sessions, 0, { peers: [{ peer_id: 's-2', neteq }] });
    const samples = shown(sessions, 100);
    expect(peerOf(samples, 'concealment_ratio')).toBe(0.2);
    const cell = `{region="apac",server_url="${SERVER}",server_type="webtransport"}`;
    expect(samples.get(`edgepulse_live_accelerate_operations_per_second_sum${cell}`)).toBe(5);
    expect(samples.get(`edgepulse_live_acceleration_ratio_count${cell}`)).toBeUndefined();
  });
});

describe('sequence numbers', () => {
  it('counts repeats and changes nothing', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 5_000, { seq: 1 });
    const before = shown(sessions, 5_100);
    for (const seq of [0, 1, 1]) post(sessions, 5_001, { seq, rtt: [9] });
    expect(shown(sessions, 5_100)).toEqual(before);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, duplicate: 3 });
  });

  it('does not take reordering for loss, nor an older value for the newest', () => {
    const sessions = storeWith();
    for (const seq of [0, 2, 1, 4, 3]) post(sessions, seq * 100, { seq, rtt: [seq / 10] });
    expect([...shown(sessions, 500)].find(([name]) => name.startsWith('edgepulse_session_rtt'))?.[1]).toBe(0.4);
    post(sessions, 1_000, { seq: 5, leaving: true });
    expect(sessions.totals('apac')).toMatchObject({ applied: 6, lost: 0, duplicate: 0 });
  });

  it.each([
    ['when the session leaves', (s: Sessions) => post(s, 1_000, { seq: 6, leaving: true })],
    ['when the session goes stale', (s: Sessions) => expireAll(s, 60_000)],
    ['when the hole stayed open for 10 s', (s: Sessions) => post(s, 10_500, { seq: 6 })],
  ])('counts a hole as lost %s', (_, end) => {
    const sessions = storeWith();
    for (const seq of [0, 1, 4, 5]) post(sessions, seq * 100, { seq });
    expect(sessions.totals('apac').lost).toBe(0);
    end(sessions);
    expect(sessions.totals('apac').lost).toBe(2);
  });

  it('lets a jump that no living session could make cost nothing', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 5_000, { seq: Number.MAX_SAFE_INTEGER });
    post(sessions, 5_100, { seq: Number.MAX_SAFE_INTEGER, leaving: true });
    expireAll(sessions, 60_000);
    expect(sessions.totals('apac').lost).toBe(0);
  });
});

describe('the record owns everything', () => {
  it('leaves where its last beacon came in, and that counts what it says was dropped', () => {
    const sessions = storeWith();
    post(sessions, 0, { dropped: 0 });
    post(sessions, 5_000, { seq: 1, dropped: 3, leaving: true }, 'eu-west');
    expect(sessions.totals('apac')).toMatchObject({ left: 0, clientDropped: 0 });
    expect(sessions.totals('eu-west')).toMatchObject({ left: 1, clientDropped: 3 });
  });

  it('counts the peers that its newest beacon leaves out, where it is', () => {
    const sessions = storeWith();
    const omitted = (region: string, nowMs: number) =>
      [...shown(sessions, nowMs)].find(([key]) =>
        key.startsWith(`edgepulse_omitted_peer_connections{region="${region}"`),
      )?.[1];
    post(sessions, 0, { state: { omitted_peers: 7 } });
    post(sessions, 0, { session_id: 's-other', state: { omitted_peers: 2 } });
    expect(omitted('apac', 100)).toBe(9);
    post(sessions, 5_000, { seq: 1, state: { omitted_peers: 4 } }, 'eu-west');
    expect([omitted('apac', 5_100), omitted('eu-west', 5_100)]).toEqual([2, 4]);
    post(sessions, 10_000, { seq: 2, state: {} }, 'eu-west');
    expect(omitted('eu-west', 10_100)).toBe(0);
  });

  it('moves with its region, server and participant', () => {
    const sessions = storeWith();
    post(sessions, 0);
    post(sessions, 0, { session_id: 's-other', participant_id: 'p-1' });
    post(
      sessions,
      5_000,
      { seq: 1, participant_id: 'p-9', server: { url: 'https://elsewhere', type: 'webrtc' } },
      'eu-west',
    );
    const samples = shown(sessions, 5_100);
    expect(samples.get('edgepulse_sessions{region="eu-west",server_url="other",server_type="webrtc"}')).toBe(1);
    expect(samples.get('edgepulse_peer_connections{region="eu-west",server_url="other",server_type="webrtc"}')).toBe(1);
    expect(samples.get('edgepulse_participants{region="apac"}')).toBe(1);
    expect(samples.get('edgepulse_participants{region="eu-west"}')).toBe(1);
    expect(samples.get('edgepulse_meeting_participants{region="eu-west",meeting_id="m-1"}')).toBe(1);
    expireAll(sessions, 31_000);
    expect(sessions.living()).toBe(1);
    expireAll(sessions, 36_000);
    expect(sessions.living()).toBe(0);
  });

  it('loses the peers that the newest beacon does not name', () => {
    const sessions = storeWith();
    const neteq = { buffer: 0.05 };
    post(sessions, 0, { peers: ['a', 'b', 'c'].map((peer_id) => ({ peer_id, neteq })) });
    post(sessions, 5_000, { seq: 1, peers: ['c', 'd'].map((peer_id) => ({ peer_id, neteq })) });
    const peers = [...shown(sessions, 5_100).keys()].flatMap((name) => /peer_id="(\w)"/.exec(name)?.[1] ?? []);
    expect(peers.sort()).toEqual(['c', 'd']);
  });

  it('uses the rows of peers again when they or their sessions are gone', () => {
    const sessions = storeWith();
    for (let i = 0; i < 100; i++) {
      const peers = [{ peer_id: `a-${i}` }, { peer_id: `b-${i}` }];
      const identity = { meeting_id: `m-${i >> 1}`, session_id: `s-${i >> 1}` };
      post(sessions, i, { ...identity, seq: i, peers });
      const rows = [...sessions.meetings()].flatMap((meeting) =>
        [...meeting.sessions.values()].flatMap((s) => s.peers),
      );
      expect(rows).toHaveLength(2);
      expect(Math.max(...rows)).toBeLessThan(4);
      if (i % 2 === 1) post(sessions, i, { ...identity, seq: i + 1, peers, leaving: true });
    }
  });

  it('takes back what it added when a client says minus zero', () => {
    const sessions = storeWith();
    // JSON and protobuf both carry -0, and every limit lets it pass.
    for (const [seq, jitterBufferDelay] of [0, 0, -0, 1, -0, -0].entries()) {
      const audio = { jitterBufferDelay, jitterBufferEmittedCount: 10 * seq };
      post(sessions, 5_000 * seq, { seq, peers: [{ peer_id: 'a', audio }] });
      const buffer = [...shown(sessions, 5_000 * seq)].filter(([name]) => name.includes('live_neteq_buffer_seconds_b'));
      for (const [, count] of buffer) expect(count).toBeLessThanOrEqual(1);
      const quantiles = [...shown(sessions, 5_000 * seq)].filter(([name]) => name.includes('neteq_buffer_quantile'));
      for (const [, seconds] of quantiles) expect(seconds).toBeLessThan(1);
    }
  });

  it('labels a session without a server as such', () => {
    const sessions = storeWith();
    const { server: _, ...noServer } = validEntry({}, START).beacon;
    applyEntry(sessions, 'apac', { receivedAtMs: START, colo: '', beacon: noServer }, START);
    expect(shown(sessions, 0).get('edgepulse_sessions{region="apac",server_url="none",server_type="none"}')).toBe(1);
  });
});

describe('the series limit', () => {
  it('keeps the population complete when the detail is full, and counts what it held back', () => {
    const sessions = storeWith({ maxSessionSeries: 5 });
    const peers = [{ peer_id: 'x', neteq: { buffer: 0.05 } }];
    for (let i = 0; i < 3; i++) post(sessions, 0, { session_id: `s-${i}`, participant_id: `p-${i}`, peers });
    const samples = shown(sessions, 10);
    expect(samples.get('edgepulse_participants{region="apac"}')).toBe(3);
    const detail = [...samples.keys()].filter((name) => name.includes('meeting_id='));
    expect(detail).toHaveLength(5);
    expect(sessions.budget).toMatchObject({ used: 5, dropped: 2 });
    for (let i = 0; i < 3; i++)
      post(sessions, 5_000, { session_id: `s-${i}`, participant_id: `p-${i}`, seq: 1, peers });
    expect(sessions.budget).toMatchObject({ used: 5, dropped: 2 });
  });

  it('shows who is impaired in the place of who is well, until somebody else needs it', () => {
    const sessions = storeWith({ maxSessionSeries: 6 });
    const beacon = (i: number, seq: number, expand: number) => {
      const peers = [{ peer_id: 'x', neteq: { operations_per_second: { expand } } }];
      post(sessions, 1_000 * seq, { session_id: `s-${i}`, participant_id: `p-${i}`, seq, peers, rtt: [] });
    };
    const expanding = () =>
      [...shown(sessions, 5_000).keys()].flatMap((name) => /operations.*session_id="(.*?)"/.exec(name)?.[1] ?? []);
    // Concealment and expand of each, and one series for the meeting.
    for (const i of [0, 1, 2]) beacon(i, 0, 1);
    expect(expanding()).toEqual(['s-0', 's-1']);
    beacon(2, 1, 40);
    expect(expanding()).toEqual(['s-0', 's-2']);
    beacon(1, 1, 1);
    beacon(2, 2, 1);
    expect(expanding()).toEqual(['s-0', 's-2']);
    beacon(1, 2, 40);
    expect(expanding()).toEqual(['s-1', 's-2']);
    expect(sessions.budget.used).toBe(5);
    for (const i of [0, 1, 2]) {
      post(sessions, 3_000, { session_id: `s-${i}`, participant_id: `p-${i}`, seq: 3, leaving: true });
    }
    expect(sessions.budget.used).toBe(0);
  });

  it('shows a meeting that was held back as soon as there is room and somebody in it is heard', () => {
    const sessions = storeWith({ maxSessionSeries: 2 });
    const late = { meeting_id: 'm-late', session_id: 's-late' };
    const lateShown = (ms: number) =>
      shown(sessions, ms).get('edgepulse_meeting_participants{region="apac",meeting_id="m-late"}');
    post(sessions, 0);
    post(sessions, 0, late);
    expect(lateShown(10)).toBeUndefined();
    post(sessions, 1_000, { seq: 1, leaving: true });
    post(sessions, 2_000, { ...late, seq: 1 });
    expect(lateShown(2_010)).toBe(1);
    expect(sessions.budget.used).toBe(2);
    post(sessions, 3_000, { ...late, seq: 2, leaving: true });
    expect(sessions.budget.used).toBe(0);
  });

  it('refuses sessions over the bound, and counts them', () => {
    const sessions = storeWith({ maxSessions: 2 });
    for (let i = 0; i < 3; i++) post(sessions, 0, { session_id: `s-${i}` });
    expect(sessions.living()).toBe(2);
    expect(sessions.totals('apac')).toMatchObject({ applied: 3, refused: 1 });
  });
});
