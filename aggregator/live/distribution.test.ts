import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDistribution, type Distribution, round } from './distribution.ts';
import { millionthsOf, UNKNOWN } from './millionths.ts';
import { createScale, EXPONENTIAL_SCHEMA } from './scale.ts';

/** Of the third, what is at most it is up to 1.5 % less in the same bucket. */
const BOUNDS = [0.01, 0.02, 0.0665, 0.1, 0.3, 0.5, 1, 2];
const QUANTILES = [0.5, 0.95, 0.99];
const EVERY_RANK = Array.from({ length: 100 }, (_, i) => (i + 1) / 100);

/** Values as clients send them: at the bounds, beside them, and anywhere. */
const value = fc
  .oneof(
    fc.constantFrom(
      0,
      0.065536,
      ...BOUNDS,
      ...BOUNDS.map((bound) => bound + 1e-6),
      ...BOUNDS.map((bound) => bound - 1e-6),
    ),
    fc.double({ min: 0, max: 60, noNaN: true }),
    fc.double({ min: 0, max: 1000, noNaN: true }),
  )
  .map(round);

function add(distribution: Distribution, one: number): void {
  distribution.replace(UNKNOWN, millionthsOf(one));
}

function subtract(distribution: Distribution, one: number): void {
  distribution.replace(millionthsOf(one), UNKNOWN);
}

function nearestRank(sorted: readonly number[], quantile: number): number {
  return sorted[Math.max(1, Math.ceil(quantile * sorted.length - 1e-9)) - 1] as number;
}

describe('a live distribution', () => {
  it('reports what a recount of its values gives: counts exactly, quantiles within 1 %', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 200 }), fc.array(value), (kept, taken) => {
        const distribution = createDistribution(createScale(BOUNDS));
        for (const one of [...taken, ...kept]) add(distribution, one);
        for (const one of taken) subtract(distribution, one);
        const { cumulative, count, sum, quantiles } = distribution.summarize(QUANTILES);
        expect(count).toBe(kept.length);
        expect(cumulative).toEqual(BOUNDS.map((bound) => kept.filter((one) => one <= bound).length));
        expect(sum).toBe(kept.reduce((total, one) => total + Math.round(one * 1e6), 0) / 1e6);
        const sorted = [...kept].sort((a, b) => a - b);
        QUANTILES.forEach((quantile, i) => {
          const exact = nearestRank(sorted, quantile);
          expect(Math.abs((quantiles[i] as number) - exact)).toBeLessThanOrEqual(exact * 0.01);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('has the same values in exponential buckets, but for those within 0.8 % of a bound', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 200 }), (values) => {
        const distribution = createDistribution(createScale(BOUNDS));
        for (const one of values) add(distribution, one);
        const { zeros, indices, counts, count, sum } = distribution.exponential();
        expect(zeros).toBe(values.filter((one) => one === 0).length);
        expect(counts.every((inBucket) => inBucket > 0)).toBe(true);
        expect({ count, sum }).toEqual({ count: values.length, sum: distribution.summarize([]).sum });
        let below = zeros;
        indices.forEach((index, i) => {
          expect(index).toBeGreaterThan(indices[i - 1] ?? Number.NEGATIVE_INFINITY);
          below += counts[i] as number;
          const bound = 2 ** (index / 2 ** EXPONENTIAL_SCHEMA);
          expect(below).toBeGreaterThanOrEqual(values.filter((one) => one <= bound * 0.992).length);
          expect(below).toBeLessThanOrEqual(values.filter((one) => one <= bound * 1.008).length);
        });
        expect(below).toBe(values.length);
      }),
      { numRuns: 500 },
    );
  });

  it('is empty again after everything was taken back, in any order', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), fc.infiniteStream(fc.nat()), (values, next, order) => {
        const distribution = createDistribution(createScale(BOUNDS));
        for (const one of values) add(distribution, one);
        const shuffled = [...values].sort(() => (order.next().value % 2 ? 1 : -1));
        for (const one of shuffled) subtract(distribution, one);
        const fresh = createDistribution(createScale(BOUNDS));
        expect(distribution.summarize(QUANTILES)).toEqual(fresh.summarize(QUANTILES));
        // A count left behind in any bucket would be seen in the ranks of what comes next.
        for (const one of next) for (const each of [distribution, fresh]) add(each, one);
        expect(distribution.summarize(EVERY_RANK)).toEqual(fresh.summarize(EVERY_RANK));
      }),
    );
  });

  const scale = createScale(BOUNDS);

  it('with another one included holds the values of both, and with it excluded its own again', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), (own, others) => {
        const holding = (values: readonly number[]) => {
          const distribution = createDistribution(scale);
          for (const one of values) add(distribution, one);
          return distribution;
        };
        const distribution = holding(own);
        distribution.include(holding(others));
        expect(distribution.summarize(QUANTILES)).toEqual(holding([...own, ...others]).summarize(QUANTILES));
        distribution.exclude(holding(others));
        expect(distribution.summarize(QUANTILES)).toEqual(holding(own).summarize(QUANTILES));
      }),
    );
  });

  it('has no quantile when it is empty', () => {
    const summary = createDistribution(createScale(BOUNDS)).summarize(QUANTILES);
    expect(summary).toEqual({ bounds: BOUNDS, cumulative: BOUNDS.map(() => 0), count: 0, sum: 0, quantiles: [] });
  });
});
