import { describe, expect, it } from 'vitest';
import { PEER_MEASURES, RTT } from '../live/measures.ts';
import { parseMetricsText } from './metrics-text.js';
import { mergeFigures, readSnapshot } from './snapshot.js';
import { createStore, NOW, type Store, WEBRTC, WEBSOCKET } from './testing.ts';
import { THRESHOLDS } from './thresholds.js';

async function snapshotOf(store: Store) {
  return readSnapshot(parseMetricsText(await store.text()), NOW);
}

async function regionOf(store: Store, name: string) {
  const region = (await snapshotOf(store)).regions.find((candidate) => candidate.name === name);
  if (!region) throw new Error(`no region ${name}`);
  return region;
}

describe('a scrape', () => {
  it('is read by region and server', async () => {
    const store = createStore(['apac', 'oc']);
    store.add(
      'apac',
      { count: 3, rtt: 0.08, server: WEBRTC },
      { count: 2, rtt: 0.3, buffer: 0.2, expand: 20, server: WEBSOCKET },
    );
    const { regions, version, startedAt } = await snapshotOf(store);
    expect(version).toBe('1.2.3');
    expect(startedAt).toBeGreaterThan(0);
    expect(regions.map(({ name, feedUp }) => [name, feedUp])).toEqual([
      ['apac', true],
      ['oc', true],
    ]);
    const [apac, oc] = regions;
    expect(apac?.figures).toMatchObject({ sessions: 5, peers: 5, participants: 5, meetings: 1 });
    expect(apac?.servers.map(({ url, type, figures }) => [url, type, figures.sessions])).toEqual([
      [WEBRTC.url, 'webrtc', 3],
      [WEBSOCKET.url, 'websocket', 2],
    ]);
    expect(apac?.servers[1]?.figures.buffer.p95).toBeCloseTo(0.2, 2);
    expect(apac?.servers[1]?.figures.expand).toMatchObject({ count: 2 });
    expect(oc?.figures).toMatchObject({ sessions: 0, peers: 0, participants: 0, meetings: 0 });
  });

  it('has no figure of what nobody reports', async () => {
    const store = createStore(['apac']);
    store.add('apac', { count: 2 });
    const { figures } = await regionOf(store, 'apac');
    for (const measure of ['rtt', 'buffer', 'concealment', 'expand', 'acceleration', 'accelerate'] as const) {
      expect(figures?.[measure]).toMatchObject({ count: 0, p50: undefined, p95: undefined, p99: undefined });
    }
  });

  it('has no figures at all of a region whose feed is down, though they are still exposed', async () => {
    const store = createStore(['apac', 'oc']);
    store.add('apac', { count: 3, rtt: 0.08 });
    store.sessions.feedDown('apac', NOW);
    expect(await store.text()).toMatch(/^edgepulse_sessions\{region="apac"/m);
    const { feedUp, figures, servers } = await regionOf(store, 'apac');
    expect({ feedUp, figures, servers }).toEqual({ feedUp: false, figures: undefined, servers: [] });
  });

  it('leaves out servers that everybody has left', async () => {
    const store = createStore(['apac']);
    store.add('apac', { count: 1, rtt: 0.08 });
    store.sessions.expire(NOW + 60_000);
    expect(await store.text()).toMatch(/^edgepulse_rtt_seconds_count\{region="apac"/m);
    expect((await regionOf(store, 'apac')).servers).toEqual([]);
  });

  it('of something else is refused', () => {
    expect(() => readSnapshot(parseMetricsText('up 1\n'), NOW)).toThrow(TypeError);
  });
});

describe('quantiles of several servers', () => {
  it('are interpolated from their summed buckets', async () => {
    const store = createStore(['apac']);
    // Ranks 10, 19 and 19.8 of 20: at the end of the bucket up to 0.1, then inside that from 0.25 to 0.3.
    store.add('apac', { count: 10, rtt: 0.09, server: WEBRTC }, { count: 10, rtt: 0.3, server: WEBSOCKET });
    const { figures } = await regionOf(store, 'apac');
    expect(figures?.rtt.p50).toBeCloseTo(0.1, 3);
    expect(figures?.rtt.p95).toBeCloseTo(0.25 + 0.05 * 0.9, 3);
    expect(figures?.rtt.p99).toBeCloseTo(0.25 + 0.05 * 0.98, 2);
  });

  it('stay between those of the servers', async () => {
    const store = createStore(['apac']);
    // Interpolation alone would say 0.25 + 0.05 x 0.95.
    store.add('apac', { count: 4, rtt: 0.255, server: WEBRTC }, { count: 4, rtt: 0.26, server: WEBSOCKET });
    const { figures, servers } = await regionOf(store, 'apac');
    const own = servers.map((server) => server.figures.rtt.p95 ?? 0);
    expect(figures?.rtt.p95).toBe(Math.max(...own));
  });

  it('of no server are not known', () => {
    expect(mergeFigures([])).toMatchObject({ sessions: 0, rtt: { count: 0, p95: undefined } });
  });
});

describe('thresholds', () => {
  const [, concealment, expand] = PEER_MEASURES;
  it.each([
    ['rtt', RTT.bounds],
    ['concealment', concealment.bounds],
    ['expand', expand.bounds],
  ] as const)('of %s are bounds of its buckets, so that what is over them is counted', (judged, bounds) => {
    expect(bounds).toContain(THRESHOLDS[judged].warn);
    expect(bounds).toContain(THRESHOLDS[judged].bad);
  });
});
