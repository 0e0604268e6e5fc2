import { describe, expect, it } from 'vitest';
import { OBJECTIVES } from '../../../shared/objectives.ts';
import { validBeacon } from '../../../test/support/edge/beacon.ts';
import { createStore, NOW, STARTED, type Store, WEBRTC, WEBSOCKET } from '../../board/testing.ts';
import { MEASURES } from '../../live/measures.ts';
import { applyEntry } from '../../store/testing.ts';

function regionOf(store: Store, name: string) {
  const region = store.overview().regions.find((candidate) => candidate.region === name);
  if (!region) throw new Error(`no region ${name}`);
  return region;
}

describe('the overview', () => {
  it('is by region and server', () => {
    const store = createStore(['apac', 'oc']);
    store.add(
      'apac',
      { count: 3, rtt: 0.08, server: WEBRTC },
      { count: 2, rtt: 0.3, buffer: 0.2, expand: 20, server: WEBSOCKET },
    );
    const { regions, version, started_at_ms, all } = store.overview();
    expect([version, started_at_ms]).toEqual(['1.2.3', STARTED]);
    expect(all).toMatchObject({ sessions: 5, peer_connections: 5, measures: { rtt: { count: 5, over_bad: 2 } } });
    expect(regions.map(({ region, feed }) => [region, feed.up])).toEqual([
      ['apac', true],
      ['oc', true],
    ]);
    const [apac, oc] = regions;
    // Two whose RTT is 0.3 s, and who expand more than 15 times a second.
    const impaired = { any: 2, rtt: 2, audio: 2, video: 0, silence: 0 };
    for (const figures of [all, apac?.live, apac?.live?.servers[1]]) {
      expect(figures).toMatchObject({ impaired_sessions: impaired, impaired_streams: { unknown: 2 } });
    }
    expect(apac?.live?.servers[0]?.impaired_sessions.any).toBe(0);
    expect(apac?.live).toMatchObject({ sessions: 5, peer_connections: 5, participants: 5, meetings: 1 });
    expect(
      apac?.live?.servers.map(({ server_url, server_type, sessions }) => [server_url, server_type, sessions]),
    ).toEqual([
      [WEBRTC.url, 'webrtc', 3],
      [WEBSOCKET.url, 'websocket', 2],
    ]);
    const measures = apac?.live?.servers[1]?.measures;
    expect(measures?.neteq_buffer.p95).toBeCloseTo(0.2, 2);
    expect(measures?.expand).toMatchObject({ count: 2, over_warn: 2, over_bad: 2 });
    expect(oc?.live).toMatchObject({ sessions: 0, peer_connections: 0, participants: 0, meetings: 0, servers: [] });
  });

  it('says how joining went within the last minute, of each region', () => {
    const store = createStore(['apac', 'oc']);
    const results = ['ok', 'ice', 'ice', 'media'] as const;
    for (const [i, result] of results.entries()) {
      const beacon = validBeacon({ session_id: `s-${i}`, join: { result, seconds: 1 } });
      applyEntry(store.sessions, 'apac', { receivedAtMs: NOW - 30_000 + i, colo: 'SIN', beacon }, NOW - 30_000 + i);
    }
    const joins = () => store.overview().regions.map(({ live }) => live?.joins);
    expect(joins()).toEqual([
      { ok: 1, signaling: 0, ice: 2, dtls: 0, media: 1 },
      { ok: 0, signaling: 0, ice: 0, dtls: 0, media: 0 },
    ]);
    store.sessions.expire(NOW + 31_000);
    expect(joins()[0]).toEqual({ ok: 0, signaling: 0, ice: 0, dtls: 0, media: 0 });
  });

  it('counts those who have gone quiet, and judges without them', () => {
    const store = createStore(['apac', 'oc']);
    store.add('apac', { count: 3, rtt: 0.08 }, { count: 2, rtt: 0.3, expand: 20 });
    const heard = store.overview();
    expect(heard.all).toMatchObject({ sessions: 5, quiet_sessions: 0, impaired_sessions: { any: 2 } });
    store.sessions.expire(NOW + 21_000);
    store.add('apac', { count: 1, rtt: 0.12 });
    const { all, regions } = store.overview();
    for (const figures of [all, regions[0]?.live, regions[0]?.live?.servers[0]]) {
      expect(figures).toMatchObject({ sessions: 6, quiet_sessions: 5, peer_connections: 6 });
      expect(figures).toMatchObject({ impaired_sessions: { any: 0 }, impaired_streams: { unknown: 0 } });
      expect(figures?.measures.rtt).toMatchObject({ count: 1, over_bad: 0, p99: expect.closeTo(0.12, 3) });
      expect(figures?.measures.expand).toMatchObject({ count: 0, over_bad: 0 });
    }
    expect(regions[1]?.live).toMatchObject({ sessions: 0, quiet_sessions: 0 });
  });

  it('has low quantiles of what is bad when it is low', () => {
    const store = createStore(['apac']);
    store.add(
      'apac',
      { count: 18, rtt: 0.1, buffer: 0.05, expand: 0 },
      { count: 2, rtt: 0.1, buffer: 0.05, expand: 30 },
    );
    const { measures } = regionOf(store, 'apac').live ?? {};
    expect(measures?.audio_mos.p05).toBeLessThan(2.6);
    expect(measures?.audio_mos.p50).toBeGreaterThan(4);
    expect(measures?.rtt).not.toHaveProperty('p05');
  });

  it('says how far behind a feed is, how far clocks are off, and how long the stream keeps a message', () => {
    const store = createStore(['apac', 'oc']);
    store.sessions.noteFeed('apac', { isBehind: false, lagSeconds: 0.4, hostSkewSeconds: -2 });
    store.sessions.totals('apac').edge.skewSeconds = 3;
    const behind = { isBehind: true, lagSeconds: 7, hostSkewSeconds: Number.NaN };
    store.sessions.noteFeed('oc', { ...behind, readMs: NOW - 7_000 });
    const [apac, oc] = store.overview().regions;
    expect(apac?.feed).toEqual({ up: true, lag_seconds: 0.4 });
    expect(apac?.health).toMatchObject({ clock_skew_seconds: { host: -2, edge: 3 }, stream_reach_seconds: 60 });
    expect(oc?.feed).toEqual({ up: false, replaying: true, lag_seconds: 7, since_ms: NOW - 7_000, or_earlier: false });
    // One that has not been up since the start.
    const starting = createStore([], ['sa']);
    starting.sessions.noteFeed('sa', { ...behind, readMs: NOW - 20_000 });
    expect(regionOf(starting, 'sa').feed).toMatchObject({ replaying: true, since_ms: STARTED, or_earlier: true });
    expect(oc?.health.clock_skew_seconds).toEqual({});
  });

  it('says through whose NATS a region is heard whose own is lost', () => {
    const store = createStore(['apac']);
    const reading = { isBehind: false, lagSeconds: 0.4, hostSkewSeconds: 0, through: 'eu-west' };
    store.sessions.noteFeed('apac', reading);
    expect(regionOf(store, 'apac').feed).toEqual({ up: true, through: 'eu-west', lag_seconds: 0.4 });
    // That it was, when it is down.
    store.sessions.feedDown('apac', NOW + 5_000);
    expect(regionOf(store, 'apac').feed).not.toHaveProperty('through');
  });

  it('has no figure of what nobody reports', () => {
    const store = createStore(['apac']);
    store.add('apac', { count: 2 });
    const { measures } = regionOf(store, 'apac').live ?? {};
    const nobody = MEASURES.map(({ name }) => [
      name,
      { count: 0, ...(Object.hasOwn(OBJECTIVES, name) ? { over_warn: 0, over_bad: 0 } : {}) },
    ]);
    expect(measures).toEqual(Object.fromEntries(nobody));
  });

  it('has no figures at all of a region whose feed is down, and says since when', () => {
    const store = createStore(['apac', 'oc']);
    store.add('apac', { count: 3, rtt: 0.08 });
    store.sessions.feedDown('apac', NOW + 5_000);
    expect(store.sessions.isWithdrawn('apac', NOW + 5_000)).toBe(false);
    const { feed, live } = regionOf(store, 'apac');
    expect({ feed, live }).toEqual({ feed: { up: false, since_ms: NOW + 5_000, or_earlier: false }, live: undefined });
    expect(store.overview().all.sessions).toBe(0);
  });

  it('does not know since when a feed is down that has not been up since the start', () => {
    const store = createStore([], ['apac']);
    expect(regionOf(store, 'apac').feed).toEqual({ up: false, since_ms: STARTED, or_earlier: true });
  });

  it('leaves out servers that everybody has left', () => {
    const store = createStore(['apac']);
    store.add('apac', { count: 1, rtt: 0.08 });
    store.sessions.expire(NOW + 60_000);
    expect([...store.sessions.cells()]).toHaveLength(1);
    expect(regionOf(store, 'apac').live?.servers).toEqual([]);
  });

  it('has the counters of the edge and of the way from it', () => {
    const store = createStore(['apac']);
    const totals = store.sessions.totals('apac');
    totals.edge.accepted = 7;
    totals.edge.droppedFull = 1;
    totals.edge.inSpool.set(0, 4);
    totals.edge.rejected.set('token_expired', 3);
    totals.lost = 2;
    totals.edge.forwarders = 2;
    totals.edge.hasTopologyMismatch = true;
    const { health } = regionOf(store, 'apac');
    expect(health).toMatchObject({
      accepted: 8,
      spooled: 4,
      applied: 0,
      lost: 2,
      forwarders: 2,
      topology_mismatch: true,
    });
    expect(health.rejected).toMatchObject({ token_expired: 3, rate_limited: 0 });
    expect(health.ingest_delay_seconds.counts).toHaveLength(health.ingest_delay_seconds.bounds.length + 1);
  });
});

describe('quantiles of several servers', () => {
  it('are of all their sessions together, within 1 %', () => {
    const store = createStore(['apac', 'oc']);
    store.add('apac', { count: 10, rtt: 0.09, server: WEBRTC }, { count: 9, rtt: 0.3, server: WEBSOCKET });
    store.add('oc', { count: 1, rtt: 0.5 });
    const near = (value: number) => expect.closeTo(value, 2);
    // Ranks 10, 19 and 19 of 19; with the other region 10, 19 and 20 of 20.
    expect(regionOf(store, 'apac').live?.measures.rtt).toMatchObject({
      p50: near(0.09),
      p95: near(0.3),
      p99: near(0.3),
    });
    expect(store.overview().all.measures.rtt).toMatchObject({ p50: near(0.09), p95: near(0.3), p99: near(0.5) });
  });

  it('are compared with what is elsewhere: other regions, and other servers of the region', () => {
    const store = createStore(['apac', 'oc']);
    store.add('apac', { count: 10, rtt: 0.09, server: WEBRTC }, { count: 10, rtt: 0.3, server: WEBSOCKET });
    store.add('oc', { count: 1, rtt: 0.5 });
    const elsewhere = (of: { measures: { rtt: { p95_elsewhere?: number } } } | undefined) =>
      of?.measures.rtt.p95_elsewhere;
    const apac = regionOf(store, 'apac').live;
    const oc = regionOf(store, 'oc').live;
    expect(elsewhere(apac)).toBeCloseTo(0.5, 2);
    expect(apac?.servers.map(elsewhere)).toEqual([expect.closeTo(0.3, 2), expect.closeTo(0.09, 2)]);
    expect(elsewhere(oc)).toBeCloseTo(0.3, 2);
    expect(oc?.servers.map(elsewhere)).toEqual([undefined]);
    // What was taken out to compare is back in.
    expect(store.overview()).toEqual(store.overview());
  });
});
