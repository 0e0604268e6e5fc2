import { describe, expect, it } from 'vitest';
import { NETEQ_OPERATIONS } from '../../shared/beacon.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import { fullPeer, fullSelfReport, validEntry } from '../../test/support/edge/beacon.ts';
import { expose, expositionOf, STREAM_READING } from '../../test/support/metrics/expose.ts';
import { parseMetrics, pick, type Sample, total } from '../../test/support/metrics/exposition-text.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { applyEntry, noteCanary, noteRightClocks } from '../store/testing.ts';
import { createExposition, type ExposeOptions } from './exposition.ts';
import { FAMILIES } from './families.ts';
import { type CollectGroup, DEFAULT_GROUPS } from './family.ts';

const NOW = 1_800_000_000_000;
const ALL = new Set(DEFAULT_GROUPS);

function storeOf(
  sessionIds: readonly string[],
  regions: readonly string[] = ['apac'],
  servers: string[] = [],
): Sessions {
  const sessions = createSessions({ regions, servers, ttlSeconds: 30, maxSessions: 100, maxSessionSeries: 1_000 });
  sessions.feedUp('apac', NOW);
  noteRightClocks(sessions, 'apac');
  noteCanary(sessions, 'apac', NOW);
  for (const session_id of sessionIds) applyEntry(sessions, 'apac', validEntry({ session_id }, NOW), NOW);
  return sessions;
}

function textOf(sessions: Sessions, options: Partial<ExposeOptions> = {}): string {
  return [...expose(sessions, { nowMs: NOW, collect: ALL, openMetrics: false, ...options })].join('');
}

function samplesOf(sessions: Sessions): Sample[] {
  return parseMetrics(textOf(sessions));
}

describe('exposition', () => {
  it('shows a session once when it leaves and comes again while the scrape passes over it', () => {
    const sessions = storeOf(['s-1', 's-2', 's-3']);
    const collect = new Set(['sessions'] as const);
    let text = '';
    for (const slice of expose(sessions, { nowMs: NOW, collect, openMetrics: false, linesAtOnce: 1 })) {
      text += slice;
      if (!slice.includes('session_rtt_seconds{') || !slice.includes('"s-1"')) continue;
      applyEntry(sessions, 'apac', validEntry({ session_id: 's-1', seq: 1, leaving: true }, NOW), NOW);
      applyEntry(sessions, 'apac', validEntry({ session_id: 's-1', seq: 2 }, NOW + 2_000), NOW + 2_000);
    }
    const ids = pick(parseMetrics(text), 'edgepulse_session_rtt_seconds').map(({ labels }) => labels.session_id);
    expect(ids).toEqual(['s-1', 's-2', 's-3']);
    expect(pick(parseMetrics(textOf(sessions)), 'edgepulse_session_rtt_seconds')).toHaveLength(3);
  });

  it.each([
    [
      'population',
      /^edgepulse_(sessions|peer_connections|omitted_peer_connections|meetings|participants|live_|impaired_|silent_streams|rtt_|\w+_samples|video_|joins?_|first_media|connection_failures|ice_restarts)/,
    ],
    ['sessions', /^edgepulse_(session_rtt|peer_neteq|peer_concealment|peer_audio_packet_loss|meeting_participants)/],
    [
      'process',
      /^edgepulse_(ingest_delay|edge_|beacons_|implausible_|batches_|canar|client_dropped|sessions_re|ended_sessions|session_series|series_bound|feed_|clock_skew|build_info|forwarder|topology_mismatch|unowned_subjects|stream_reach|stream_misconfigured|lanes|owned_lanes)/,
    ],
  ] as const)('collects only the families of %s when asked to', (name, families) => {
    const samples = parseMetrics(textOf(storeOf(['s-1']), { collect: new Set([name]) }));
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.filter((sample) => !families.test(sample.name))).toEqual([]);
  });

  it.each<[CollectGroup[], string[]]>([
    [['sessions'], ['accelerate', 'expand']],
    [['operations'], ['comfort_noise', 'fast_accelerate', 'merge', 'normal', 'preemptive_expand']],
    [
      ['sessions', 'operations'],
      ['accelerate', 'comfort_noise', 'expand', 'fast_accelerate', 'merge', 'normal', 'preemptive_expand'],
    ],
    [['population', 'process'], []],
  ])('writes NetEQ operations once, by %j', (groups, operations) => {
    const sessions = storeOf([]);
    const rates = Object.fromEntries(NETEQ_OPERATIONS.map((name) => [name, 1]));
    const peers = [{ peer_id: 'a', neteq: { operations_per_second: rates } }];
    applyEntry(sessions, 'apac', validEntry({ peers }, NOW), NOW);
    const text = textOf(sessions, { collect: new Set(groups) });
    const shown = pick(parseMetrics(text), 'edgepulse_peer_neteq_operations_per_second');
    expect(shown.map(({ labels }) => labels.operation).sort()).toEqual(operations);
    expect(text.match(/^# HELP edgepulse_peer_neteq_operations_per_second/gm)?.length ?? 0).toBe(
      operations.length > 0 ? 1 : 0,
    );
    // The series of this peer that the limit counts, beside those of its session and its meeting.
    expect(sessions.budget.used).toBe(2 + 3);
  });

  it('writes no NetEQ operations of a peer that has nothing within the limit', () => {
    const sessions = storeOf([]);
    const peers = [{ peer_id: 'a', neteq: { operations_per_second: { normal: 100 } } }];
    applyEntry(sessions, 'apac', validEntry({ peers }, NOW), NOW);
    expect(sessions.budget.used).toBe(2);
    expect(textOf(sessions, { collect: new Set(['operations']) })).not.toContain('operation="');
  });

  it('writes help and type of every family once, before its samples', () => {
    const text = textOf(storeOf(['s-1']));
    const helped = [...text.matchAll(/^# HELP (\S+) /gm)].map(([, name]) => name);
    expect(helped.sort()).toEqual(FAMILIES.map(({ name }) => name).sort());
    let family = '';
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('# TYPE ')) family = line.split(' ')[2] ?? '';
      else if (!line.startsWith('#')) expect(line.startsWith(family)).toBe(true);
    }
  });

  it('names counters and units as OpenMetrics wants them', () => {
    const text = textOf(storeOf(['s-1']), { openMetrics: true });
    expect(text).toContain('# TYPE edgepulse_audio_samples counter\n# UNIT edgepulse_audio_samples samples\n');
    expect(text).toContain('\nedgepulse_audio_samples_total{');
    expect(text).toContain('# UNIT edgepulse_session_rtt_seconds seconds\n');
  });

  it('writes the labels of the table, and no others', () => {
    for (const { name, labels } of samplesOf(storeOf(['s-1']))) {
      const family = FAMILIES.find((one) => one.name === name.replace(/_(bucket|sum|count)$/, '') || one.name === name);
      const own = family?.labels.filter((label) => label !== 'le' || name.endsWith('_bucket'));
      expect([name, Object.keys(labels)]).toEqual([name, own]);
    }
  });

  it('escapes what a server may be called', () => {
    const url = 'https://media."quoted"\\example.com';
    const sessions = storeOf([], ['apac'], [url]);
    applyEntry(sessions, 'apac', validEntry({ server: { url, type: 'webrtc' } }, NOW), NOW);
    const samples = samplesOf(sessions);
    for (const name of ['edgepulse_sessions', 'edgepulse_live_rtt_seconds_count', 'edgepulse_session_rtt_seconds']) {
      expect(pick(samples, name, { server_url: url })).toHaveLength(1);
    }
  });

  it('escapes ids too, should one ever need it, also when a row is another peer now', () => {
    const sessions = storeOf([]);
    const exposition = expositionOf(sessions);
    const neteq = { buffer: 0.06, operations_per_second: { expand: 1 } };
    const ids = { session_id: 's"1', meeting_id: 'm\\1' };
    const shown = (seq: number, peer_id: string) => {
      applyEntry(sessions, 'apac', validEntry({ ...ids, seq, peers: [{ peer_id, neteq }] }, NOW + seq), NOW + seq);
      const text = [...exposition.text({ nowMs: NOW + seq, collect: ALL, openMetrics: false })].join('');
      return ['edgepulse_peer_neteq_buffer_seconds', 'edgepulse_peer_neteq_operations_per_second'].map(
        (name) => pick(parseMetrics(text), name, { ...ids, peer_id }).length,
      );
    };
    for (const [seq, peerId] of ['a', 'a', 'b', 'c', 'quo"ted', 'd', '"', 'e'].entries()) {
      expect(shown(seq, peerId)).toEqual([1, 1]);
    }
  });
});

describe('a step of a scrape', () => {
  /** Steps that wrote nothing or little. */
  const stepsOf = (sessions: Sessions) =>
    [...expose(sessions, { nowMs: NOW, collect: new Set(['sessions']), openMetrics: false, linesAtOnce: 10 })].length;

  it('is as short where everything is skipped as where it is written', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `s-${i}`);
    const skipped = createSessions({
      regions: ['apac'],
      servers: [],
      ttlSeconds: 30,
      maxSessions: 100,
      maxSessionSeries: 0,
    });
    // Its feed was never up, so that nothing of it is shown.
    for (const session_id of ids) {
      applyEntry(skipped, 'apac', validEntry({ session_id, meeting_id: `m-${session_id}` }, NOW), NOW);
    }
    expect(stepsOf(skipped)).toBeGreaterThanOrEqual(
      FAMILIES.filter(({ collect }) => collect === 'sessions').length * 10,
    );
  });
});

describe('a shard', () => {
  const exposed = (count: number) => {
    const sessions = storeOf(['s-1']);
    const neteq = { buffer: 0.06, operations_per_second: { expand: 1, accelerate: 1 } };
    applyEntry(sessions, 'apac', validEntry({ session_id: 's-2', peers: [{ peer_id: 's-1', neteq }] }, NOW), NOW);
    for (const seq of [1, 2]) {
      const atMs = NOW + 5_000 * seq;
      const full = { seq, peers: [fullPeer('s-2', seq)], ...fullSelfReport(seq) };
      applyEntry(sessions, 'apac', validEntry(full, atMs), atMs);
    }
    sessions.totals('apac').packets.isRead = true;
    const exposition = createExposition({
      sessions,
      stream: () => STREAM_READING,
      shard: { index: 0, count },
      // The first of two owns the only lane, as one alone does.
      lanes: 1,
      version: '1',
      seriesBound: 0,
    });
    return parseMetrics([...exposition.text({ nowMs: NOW, collect: ALL, openMetrics: false })].join(''));
  };

  it('is on every series when there are several', () => {
    const samples = exposed(2);
    const shards = new Set(samples.map(({ labels }) => labels.shard));
    expect(shards).toEqual(new Set(['0/2']));
    const families = FAMILIES.filter(({ name }) => samples.some((sample) => sample.name.startsWith(name)));
    expect(families.map(({ name }) => name)).toEqual(FAMILIES.map(({ name }) => name));
  });

  it('is not written when it is the only one, and changes nothing else', () => {
    const without = exposed(2).map(({ labels: { shard, ...labels }, ...sample }) => ({ ...sample, labels }));
    expect(exposed(1)).toEqual(without);
  });
});

describe('metrics of the aggregator itself and of the edge', () => {
  const REGIONS = ['apac', 'sa'];

  it('says how old the newest canary is, only once there was one, and only while the feed is up', () => {
    const ages = (sessions: Sessions) =>
      pick(samplesOf(sessions), 'edgepulse_canary_age_seconds').map(({ labels, value }) => [labels.region, value]);
    const sessions = storeOf([], REGIONS);
    sessions.feedUp('sa', NOW);
    expect(ages(sessions)).toEqual([['apac', 0]]);
    sessions.noteFeed('apac', { ...sessions.feedOf('apac'), readMs: NOW + 90_500 });
    expect(ages(sessions)).toEqual([['apac', 90.5]]);
    sessions.feedDown('apac', NOW);
    expect(ages(sessions)).toEqual([]);
  });

  it.each([
    ['0/1', { index: 0, count: 1 }, 5],
    ['0/2', { index: 0, count: 2 }, 3],
    ['1/2', { index: 1, count: 2 }, 2],
  ])('says how many of five lanes shard %s reads of each region', (_, shard, owned) => {
    const surroundings = { stream: () => STREAM_READING, version: '1', seriesBound: 0, lanes: 5 };
    const exposition = createExposition({
      ...surroundings,
      sessions: createSessions({ regions: REGIONS, servers: [], ttlSeconds: 30, maxSessions: 1, maxSessionSeries: 0 }),
      shard,
    });
    const samples = parseMetrics([...exposition.text({ nowMs: NOW, collect: ALL, openMetrics: false })].join(''));
    for (const region of REGIONS) {
      expect(total(samples, 'edgepulse_owned_lanes', { region })).toBe(owned);
      expect(total(samples, 'edgepulse_lanes', { region })).toBe(5);
    }
  });

  it('has every label of the closed sets from the start, at zero', () => {
    const samples = samplesOf(storeOf([], REGIONS));
    const rejected = pick(samples, 'edgepulse_edge_beacons_total', { outcome: 'rejected', region: 'sa' });
    expect(rejected.map(({ labels }) => labels.reason)).toEqual([...REJECT_REASONS]);
    expect(total(samples, 'edgepulse_edge_beacons_total')).toBe(0);
    for (const outcome of ['applied', 'duplicate', 'late', 'invalid']) {
      expect(pick(samples, 'edgepulse_beacons_total', { outcome })).toHaveLength(REGIONS.length);
    }
    expect(pick(samples, 'edgepulse_sessions_reaped_total', { reason: 'stale' })).toHaveLength(REGIONS.length);
    expect(total(samples, 'edgepulse_build_info', { version: '1.2.3' })).toBe(1);
  });

  it('is read at the scrape, and nothing is added up twice', () => {
    const sessions = storeOf([], REGIONS);
    const totals = sessions.totals('apac');
    totals.applied = 7;
    totals.lost = 2;
    totals.edge.rejected.set('rate_limited', 3);
    totals.edge.accepted = 7;
    totals.edge.droppedFull = 4;
    totals.edge.droppedUnpublishable = 1;
    totals.edge.inSpool.set(0, 5).set(1, 6);
    Object.assign(totals.edge, {
      overloadedCalls: 9,
      forwarders: 2,
      forwardersOnFallback: 1,
      hasTopologyMismatch: true,
    });
    textOf(sessions);
    const samples = samplesOf(sessions);
    expect(total(samples, 'edgepulse_beacons_total', { region: 'apac', outcome: 'applied' })).toBe(7);
    expect(total(samples, 'edgepulse_beacons_lost_total', { region: 'apac' })).toBe(2);
    expect(total(samples, 'edgepulse_edge_beacons_total', { region: 'apac', reason: 'rate_limited' })).toBe(3);
    expect(total(samples, 'edgepulse_edge_beacons_total', { region: 'apac', reason: 'full' })).toBe(4);
    expect(total(samples, 'edgepulse_edge_spool_beacons', { region: 'apac' })).toBe(11);
    expect(total(samples, 'edgepulse_edge_beacons_total', { region: 'apac', reason: 'unpublishable' })).toBe(1);
    expect(total(samples, 'edgepulse_edge_overloaded_calls_total', { region: 'apac' })).toBe(9);
    expect(total(samples, 'edgepulse_forwarders', { region: 'apac' })).toBe(2);
    expect(total(samples, 'edgepulse_forwarders_on_fallback', { region: 'apac' })).toBe(1);
    expect(total(samples, 'edgepulse_topology_mismatch', { region: 'apac' })).toBe(1);
    expect(total(samples, 'edgepulse_topology_mismatch', { region: 'sa' })).toBe(0);
    // In the stream, or dropped: what waits in a spool is counted when it leaves it.
    expect(total(samples, 'edgepulse_edge_beacons_total', { region: 'apac', outcome: 'accepted' })).toBe(7 + 4 + 1);
    expect(total(samples, 'edgepulse_edge_spool_beacons', { region: 'sa' })).toBe(0);
  });

  it('says which feeds are up', () => {
    const samples = samplesOf(storeOf([], REGIONS));
    expect(total(samples, 'edgepulse_feed_up', { region: 'apac' })).toBe(1);
    expect(total(samples, 'edgepulse_feed_up', { region: 'sa' })).toBe(0);
  });
});
