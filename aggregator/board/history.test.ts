import { describe, expect, it } from 'vitest';
import { createHistory, KEPT_MS } from './history.js';
import { parseMetricsText } from './metrics-text.js';
import { readSnapshot } from './snapshot.js';
import { pathOf } from './sparkline.js';
import { createStore, NOW } from './testing.ts';

type Counters = {
  readonly accepted?: number;
  readonly rejected?: number;
  readonly lost?: number;
  readonly start?: number;
};

/** A scrape of one region, with the counters as given. */
async function snapshotAt(
  atMs: number,
  { rtt, up = true, counters = {} }: { rtt?: number; up?: boolean; counters?: Counters } = {},
) {
  const store = createStore(['apac']);
  if (rtt !== undefined) store.add('apac', { count: 1, rtt });
  if (!up) store.sessions.feedDown('apac', NOW);
  const totals = store.sessions.totals('apac');
  totals.edge.accepted = counters.accepted ?? 0;
  totals.edge.rejected.set('token_expired', counters.rejected ?? 0);
  totals.lost = counters.lost ?? 0;
  totals.applied = counters.accepted ?? 0;
  const snapshot = readSnapshot(parseMetricsText(await store.text()), atMs);
  return { ...snapshot, startedAt: counters.start ?? 1 };
}

describe('the history', () => {
  it('keeps a quarter of an hour of p95, with what was not known as such', async () => {
    const history = createHistory();
    history.add(await snapshotAt(NOW, { rtt: 0.08 }));
    history.add(await snapshotAt(NOW + 5_000));
    history.add(await snapshotAt(NOW + KEPT_MS + 1, { rtt: 0.09 }));
    expect(history.rttP95('apac')).toEqual([
      { atMs: NOW + 5_000, value: undefined },
      { atMs: NOW + KEPT_MS + 1, value: expect.closeTo(0.09, 2) },
    ]);
  });

  it('says since when a feed is down: since it was last heard', async () => {
    const history = createHistory();
    history.add(await snapshotAt(NOW));
    expect(history.silenceOf('apac')).toBeUndefined();
    history.add(await snapshotAt(NOW + 5_000, { up: false }));
    history.add(await snapshotAt(NOW + 10_000, { up: false }));
    expect(history.silenceOf('apac')).toEqual({ sinceMs: NOW, orEarlier: false });
    history.add(await snapshotAt(NOW + 15_000));
    expect(history.silenceOf('apac')).toBeUndefined();
  });

  it('does not know since when when it was so from the first look', async () => {
    const history = createHistory();
    history.add(await snapshotAt(NOW, { up: false }));
    history.add(await snapshotAt(NOW + 5_000, { up: false }));
    expect(history.silenceOf('apac')).toEqual({ sinceMs: NOW, orEarlier: true });
  });

  it('turns counters into rates over the last minute', async () => {
    const history = createHistory();
    history.add(await snapshotAt(NOW, { counters: { accepted: 0 } }));
    expect(history.activityOf('apac')).toMatchObject({ acceptedPerSecond: undefined, lostRatio: undefined, spool: 0 });
    history.add(await snapshotAt(NOW + 30_000, { counters: { accepted: 1_000, rejected: 10 } }));
    history.add(await snapshotAt(NOW + 90_000, { counters: { accepted: 1_090, rejected: 40, lost: 10 } }));
    const activity = history.activityOf('apac');
    expect(activity?.acceptedPerSecond).toBeCloseTo(1.5);
    expect(activity?.rejectedPerSecond).toBeCloseTo(0.5);
    expect(activity?.mainReason).toBe('token_expired');
    expect(activity?.lostRatio).toBeCloseTo(0.1);
  });

  it('knows no rate while the feed is down, nor over a restart of the aggregator', async () => {
    const history = createHistory();
    history.add(await snapshotAt(NOW, { counters: { accepted: 100 } }));
    history.add(await snapshotAt(NOW + 5_000, { up: false, counters: { accepted: 100 } }));
    expect(history.activityOf('apac')).toBeUndefined();
    history.add(await snapshotAt(NOW + 10_000, { counters: { accepted: 900 } }));
    expect(history.activityOf('apac')?.acceptedPerSecond).toBeUndefined();
    history.add(await snapshotAt(NOW + 15_000, { counters: { accepted: 5, start: 2 } }));
    expect(history.activityOf('apac')?.acceptedPerSecond).toBeUndefined();
    history.add(await snapshotAt(NOW + 20_000, { counters: { accepted: 10, start: 2 } }));
    expect(history.activityOf('apac')?.acceptedPerSecond).toBeCloseTo(1);
  });
});

describe('the line of a sparkline', () => {
  const points = (...values: (number | undefined)[]) => values.map((value, i) => ({ atMs: NOW + i * 5_000, value }));

  it.each([
    ['is empty without points', points(), ''],
    ['is a dot for one point', points(0.3), 'M120.0 1.0h0.1'],
    ['joins points that follow each other', points(0, 0.3), 'M119.3 23.0h0.1L120.0 1.0'],
    ['has a gap where the value was not known', points(0.3, undefined, 0.3), 'M118.7 1.0h0.1M120.0 1.0h0.1'],
    [
      'has a gap where nothing was heard',
      [
        { atMs: NOW - 450_000, value: 0.3 },
        { atMs: NOW, value: 0.3 },
      ],
      'M60.0 1.0h0.1M120.0 1.0h0.1',
    ],
  ])('%s', (_, given, path) => {
    expect(pathOf(given, given.at(-1)?.atMs ?? NOW, 0.3)).toBe(path);
  });
});
