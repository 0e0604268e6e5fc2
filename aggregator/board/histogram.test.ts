import { describe, expect, it } from 'vitest';
import { countOver, histogramQuantile, subtractBuckets, sumBuckets } from './histogram.js';

/** Cumulative buckets with the bounds 1, 2, 4 and infinity. */
function buckets(...counts: [number, number, number, number]) {
  return [1, 2, 4, Infinity].map((le, index) => ({ le, count: counts[index] ?? 0 }));
}

describe('a quantile', () => {
  // Expected values are PromQL's: histogram_quantile over the same buckets.
  it.each([
    ['in the first bucket, from zero', 0.5, buckets(10, 10, 10, 10), 0.5],
    ['in the middle of a bucket', 0.5, buckets(0, 10, 10, 10), 1.5],
    ['at the end of a bucket', 0.5, buckets(0, 5, 10, 10), 2],
    ['in a later bucket', 0.95, buckets(10, 10, 20, 20), 3.8],
    ['over the last bound', 0.99, buckets(1, 2, 3, 100), 4],
    ['of one observation', 0.5, buckets(0, 0, 1, 1), 3],
    ['the smallest', 0, buckets(0, 4, 4, 4), 1],
  ])('%s', (_, q, given, expected) => {
    expect(histogramQuantile(q, given)).toBeCloseTo(expected, 10);
  });

  it.each([
    ['of no buckets', []],
    ['of nobody', buckets(0, 0, 0, 0)],
  ])('%s is not known', (_, given) => {
    expect(histogramQuantile(0.95, given)).toBeUndefined();
  });
});

describe('buckets', () => {
  it('of several servers are added bound by bound', () => {
    expect(sumBuckets([buckets(1, 2, 3, 4), buckets(0, 1, 1, 5)])).toEqual(buckets(1, 3, 4, 9));
    expect(sumBuckets([])).toEqual([]);
  });

  it('grow between two looks', () => {
    expect(subtractBuckets(buckets(3, 5, 8, 9), buckets(1, 2, 3, 4))).toEqual(buckets(2, 3, 5, 5));
  });

  it.each([
    [1, 8],
    [4, 1],
    [3, undefined],
  ])('have over %d: %s', (bound, expected) => {
    expect(countOver(buckets(1, 4, 8, 9), bound)).toBe(expected);
  });
});
