import { describe, expect, it } from 'vitest';
import { pathOf } from '../tables/sparkline.js';
import { createStore, NOW } from '../testing.ts';
import { createHistory, KEPT_MS, quantileBetween } from './history.js';

type Counters = {
  readonly accepted?: number;
  readonly rejected?: number;
  readonly lost?: number;
  readonly start?: number;
};

/** What is answered of one region, with the counters as given. */
function overviewWith({ rtt, up = true, counters = {} }: { rtt?: number; up?: boolean; counters?: Counters } = {}) {
  const store = createStore(['apac']);
  if (rtt !== undefined) store.add('apac', { count: 1, rtt });
  if (!up) store.sessions.feedDown('apac', NOW);
  const totals = store.sessions.totals('apac');
  totals.edge.accepted = counters.accepted ?? 0;
  totals.edge.rejected.set('token_expired', counters.rejected ?? 0);
  totals.lost = counters.lost ?? 0;
  totals.applied = counters.accepted ?? 0;
  return { ...store.overview(), started_at_ms: counters.start ?? 1 };
}

describe('the history', () => {
  it('keeps a quarter of an hour of p95, with what was not known as such', () => {
    const history = createHistory();
    history.add(overviewWith({ rtt: 0.08 }), NOW);
    history.add(overviewWith(), NOW + 5_000);
    history.add(overviewWith({ rtt: 0.09 }), NOW + KEPT_MS + 1);
    expect(history.rttP95('apac')).toEqual([
      { atMs: NOW + 5_000, value: undefined },
      { atMs: NOW + KEPT_MS + 1, value: expect.closeTo(0.09, 2) },
    ]);
  });

  it('turns counters into rates over the last minute', () => {
    const history = createHistory();
    history.add(overviewWith({ counters: { accepted: 0 } }), NOW);
    expect(history.activityOf('apac')).toMatchObject({ acceptedPerSecond: undefined, lostRatio: undefined, spool: 0 });
    history.add(overviewWith({ counters: { accepted: 1_000, rejected: 10 } }), NOW + 30_000);
    history.add(overviewWith({ counters: { accepted: 1_090, rejected: 40, lost: 10 } }), NOW + 90_000);
    const activity = history.activityOf('apac');
    expect(activity?.acceptedPerSecond).toBeCloseTo(1.5);
    expect(activity?.rejectedPerSecond).toBeCloseTo(0.5);
    expect(activity?.mainReason).toBe('token_expired');
    expect(activity?.lostRatio).toBeCloseTo(0.1);
  });

  it('knows no rate while the feed is down, nor over a restart of the aggregator', () => {
    const history = createHistory();
    history.add(overviewWith({ counters: { accepted: 100 } }), NOW);
    history.add(overviewWith({ up: false, counters: { accepted: 100 } }), NOW + 5_000);
    expect(history.activityOf('apac')).toBeUndefined();
    history.add(overviewWith({ counters: { accepted: 900 } }), NOW + 10_000);
    expect(history.activityOf('apac')?.acceptedPerSecond).toBeUndefined();
    history.add(overviewWith({ counters: { accepted: 5, start: 2 } }), NOW + 15_000);
    expect(history.activityOf('apac')?.acceptedPerSecond).toBeUndefined();
    history.add(overviewWith({ counters: { accepted: 10, start: 2 } }), NOW + 20_000);
    expect(history.activityOf('apac')?.acceptedPerSecond).toBeCloseTo(1);
  });
});

/** Observations with the bounds 1, 2 and 4, and a last bucket without one. */
function observations(...counts: [number, number, number, number]) {
  return { bounds: [1, 2, 4], counts };
}

describe('a quantile between two looks', () => {
  // Expected values are PromQL's: histogram_quantile over the same buckets.
  it.each([
    ['in the first bucket, from zero', 0.5, observations(10, 0, 0, 0), 0.5],
    ['in the middle of a bucket', 0.5, observations(0, 10, 0, 0), 1.5],
    ['at the end of a bucket', 0.5, observations(0, 5, 5, 0), 2],
    ['in a later bucket', 0.95, observations(10, 0, 10, 0), 3.8],
    ['over the last bound', 0.99, observations(1, 1, 1, 97), 4],
    ['of one observation', 0.5, observations(0, 0, 1, 0), 3],
  ])('%s', (_, q, newer, expected) => {
    const older = observations(3, 5, 7, 11);
    const counts = newer.counts.map((count, i) => count + (older.counts[i] ?? 0));
    expect(quantileBetween(q, older, { ...newer, counts })).toBeCloseTo(expected, 10);
  });

  it('is not known when nothing was observed', () => {
    expect(quantileBetween(0.95, observations(1, 2, 3, 4), observations(1, 2, 3, 4))).toBeUndefined();
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
