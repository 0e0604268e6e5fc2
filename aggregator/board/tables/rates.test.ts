import { describe, expect, it } from 'vitest';
import { createStore, NOW } from '../testing.ts';
import { createRates, quantileBetween } from './rates.js';

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

describe('rates', () => {
  it('turns counters into rates over the last minute', () => {
    const rates = createRates();
    rates.add(overviewWith({ counters: { accepted: 0 } }), NOW);
    expect(rates.activityOf('apac')).toMatchObject({ acceptedPerSecond: undefined, lostRatio: undefined, spool: 0 });
    rates.add(overviewWith({ counters: { accepted: 1_000, rejected: 10 } }), NOW + 30_000);
    rates.add(overviewWith({ counters: { accepted: 1_090, rejected: 40, lost: 10 } }), NOW + 90_000);
    const activity = rates.activityOf('apac');
    expect(activity?.acceptedPerSecond).toBeCloseTo(1.5);
    expect(activity?.rejectedPerSecond).toBeCloseTo(0.5);
    expect(activity?.mainReason).toBe('token_expired');
    expect(activity?.lostRatio).toBeCloseTo(0.1);
  });

  it('knows no rate while the feed is down, nor over a restart of the aggregator', () => {
    const rates = createRates();
    rates.add(overviewWith({ counters: { accepted: 100 } }), NOW);
    rates.add(overviewWith({ up: false, counters: { accepted: 100 } }), NOW + 5_000);
    expect(rates.activityOf('apac')).toBeUndefined();
    rates.add(overviewWith({ counters: { accepted: 900 } }), NOW + 10_000);
    expect(rates.activityOf('apac')?.acceptedPerSecond).toBeUndefined();
    rates.add(overviewWith({ counters: { accepted: 5, start: 2 } }), NOW + 15_000);
    expect(rates.activityOf('apac')?.acceptedPerSecond).toBeUndefined();
    rates.add(overviewWith({ counters: { accepted: 10, start: 2 } }), NOW + 20_000);
    expect(rates.activityOf('apac')?.acceptedPerSecond).toBeCloseTo(1);
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
