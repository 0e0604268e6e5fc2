/**
 * A live distribution: a multiset of values that supports add and subtract in constant time, and
 * reports exact counts at the exposed bounds, an exact sum and quantiles within 1 %.
 *
 * It counts by bucket (scale.ts). Counts can be subtracted again, as in a DDSketch (Masson et al., VLDB 2019).
 */

import { fromMillionths, millionthsOf, RESOLUTION, UNKNOWN } from './millionths.ts';
import { bucketOf, type Scale } from './scale.ts';

/** Counts by exponential bucket. */
export type Exponential = {
  readonly count: number;
  readonly sum: number;
  /** Of values that are zero. */
  readonly zeros: number;
  /** Buckets that are not empty, ascending, and their counts. */
  readonly indices: readonly number[];
  readonly counts: readonly number[];
};

export type Distribution = {
  readonly scale: Scale;
  /** How many values there are. */
  readonly count: number;
  /** Takes back a value that was added before, and adds another one in its place. In millionths; UNKNOWN for none. */
  replace(before: number, after: number): void;
  /** Adds everything that another distribution of the same scale holds. */
  include(other: Distribution): void;
  /** Takes back an {@link include} of the same values. */
  exclude(other: Distribution): void;
  /** What it holds, to be kept or sent; without what a part of it does. */
  contents(without?: Distribution): Contents;
  /** Adds what a distribution of the same bounds holds in another process. @param contents that {@link isContents} accepted */
  includeContents(contents: Contents): void;
  /** One pass over the buckets. @param quantiles ascending, each over 0 and at most 1 */
  summarize(quantiles: readonly number[]): Summary;
  /** The same values in exponential buckets: one pass over the buckets. */
  exponential(): Exponential;
};

/** The sum in millionths, and the number of each bucket that is not empty, ascending, followed by its count. */
export type Contents = readonly [sum: number, ...buckets: number[]];

/** More values than any fleet has; added up over many processes, they still fit in 32 bits. */
const COUNT_MAX = 1e8;

/** Whether it may be what a distribution of the scale holds. It is of another process: anything may have come. */
export function isContents({ standIn }: Scale, value: unknown): value is Contents {
  if (!Array.isArray(value) || value.length % 2 === 0 || value.length > 1 + 2 * standIn.length) return false;
  if (!value.every((number) => Number.isSafeInteger(number) && number >= 0)) return false;
  let last = -1;
  let count = 0;
  for (let i = 1; i < value.length; i += 2) {
    if (value[i] <= last || value[i] >= standIn.length || value[i + 1] === 0) return false;
    last = value[i];
    count += value[i + 1];
  }
  return count <= COUNT_MAX && value[0] <= count * UNKNOWN;
}

export type Summary = {
  /** The exposed bounds, ascending. */
  readonly bounds: readonly number[];
  /** Count of values at most each bound, in the order of the bounds. */
  readonly cumulative: number[];
  readonly count: number;
  readonly sum: number;
  /** Nearest rank, in the order asked; empty for an empty distribution. */
  readonly quantiles: number[];
};

/**
 * Rounds to what a distribution keeps, so that a value shown beside it is the same value. Minus zero becomes
 * zero: the two are equal and have different bits, so that one was added to the first bucket and taken from the last.
 */
export function round(value: number): number {
  return fromMillionths(millionthsOf(value)) + 0;
}

/** What a distribution holds, for others of its scale to include. */
type Buckets = { readonly counts: Uint32Array; readonly total: Total };

/**
 * `first` and `last`: the range of buckets that ever held something since the distribution was last empty. Most are narrow, so
 * that combining two goes through a small part of the buckets.
 */
type Total = { count: number; millionths: number; first: number; last: number };

const bucketsOf = new WeakMap<Distribution, Buckets>();

export function createDistribution(scale: Scale): Distribution {
  const counts = new Uint32Array(scale.standIn.length);
  /** The sum is in millionths: an integer. Fields, since V8 allocates a number for each write to a captured variable. */
  const total: Total = { count: 0, millionths: 0, first: counts.length, last: -1 };

  function widen(first: number, last: number): void {
    if (first < total.first) total.first = first;
    if (last > total.last) total.last = last;
  }

  function merge(other: Distribution, sign: 1 | -1): void {
    const from = bucketsOf.get(other);
    if (other.scale !== scale || !from) throw new TypeError('cannot combine distributions of different scales');
    const { first, last } = from.total;
    widen(first, last);
    for (let bucket = first; bucket <= last; bucket++) {
      counts[bucket] = (counts[bucket] as number) + sign * (from.counts[bucket] as number);
    }
    total.count += sign * from.total.count;
    total.millionths += sign * from.total.millionths;
  }

  const distribution: Distribution = {
    scale,
    get count() {
      return total.count;
    },
    replace(before, after) {
      if (before !== UNKNOWN) {
        const bucket = bucketOf(scale, before);
        counts[bucket] = (counts[bucket] as number) - 1;
        total.count--;
        total.millionths -= before;
      }
      if (after !== UNKNOWN) {
        const bucket = bucketOf(scale, after);
        counts[bucket] = (counts[bucket] as number) + 1;
        // An empty one begins anew: all of its buckets are zero.
        if (total.count === 0) {
          total.first = bucket;
          total.last = bucket;
        } else widen(bucket, bucket);
        total.count++;
        total.millionths += after;
      }
    },
    include: (other) => merge(other, 1),
    exclude: (other) => merge(other, -1),
    contents(without) {
      const part = without && bucketsOf.get(without);
      const contents: [number, ...number[]] = [total.millionths - (part?.total.millionths ?? 0)];
      for (let bucket = total.first; bucket <= total.last; bucket++) {
        const count = (counts[bucket] as number) - (part?.counts[bucket] ?? 0);
        if (count !== 0) contents.push(bucket, count);
      }
      return contents;
    },
    includeContents([sum, ...pairs]) {
      for (let i = 0; i < pairs.length; i += 2) {
        const bucket = pairs[i] as number;
        const count = pairs[i + 1] as number;
        counts[bucket] = (counts[bucket] as number) + count;
        total.count += count;
        widen(bucket, bucket);
      }
      total.millionths += sum;
    },
    summarize(quantiles) {
      const { count, millionths } = total;
      const ranks = count === 0 ? [] : quantiles.map((quantile) => nearestRank(quantile, count));
      return { bounds: scale.bounds, count, sum: millionths / RESOLUTION, ...countUp(scale, counts, ranks) };
    },
    exponential() {
      const { count, millionths } = total;
      return { count, sum: millionths / RESOLUTION, ...countExponentially(scale, counts) };
    },
  };
  bucketsOf.set(distribution, { counts, total });
  return distribution;
}

/** The counts at the bounds, and the values at the ranks. @param ranks ascending, none over the count of all values */
function countUp(
  { boundBucket, standIn }: Scale,
  counts: Uint32Array,
  ranks: readonly number[],
): Pick<Summary, 'cumulative' | 'quantiles'> {
  const cumulative: number[] = [];
  const quantiles: number[] = [];
  let below = 0;
  let bucket = 0;
  const advance = (last: number): void => {
    for (; bucket <= last; bucket++) {
      below += counts[bucket] as number;
      while (below >= (ranks[quantiles.length] ?? Number.POSITIVE_INFINITY)) quantiles.push(standIn[bucket] as number);
    }
  };
  for (const last of boundBucket) {
    advance(last);
    cumulative.push(below);
  }
  if (quantiles.length < ranks.length) advance(counts.length - 1);
  return { cumulative, quantiles };
}

/** The first bucket holds zero alone, which has no exponent. */
function countExponentially(
  { exponential }: Scale,
  counts: Uint32Array,
): Pick<Exponential, 'zeros' | 'indices' | 'counts'> {
  const indices: number[] = [];
  const inBuckets: number[] = [];
  for (let bucket = 1; bucket < counts.length; bucket++) {
    const count = counts[bucket] as number;
    if (count === 0) continue;
    const index = exponential[bucket] as number;
    const last = indices.length - 1;
    if (indices[last] === index) inBuckets[last] = (inBuckets[last] as number) + count;
    else {
      indices.push(index);
      inBuckets.push(count);
    }
  }
  return { zeros: counts[0] as number, indices, counts: inBuckets };
}

/** The smallest rank that at least that share of `count` values does not exceed, from 1. */
function nearestRank(quantile: number, count: number): number {
  // 0.07 * 100 is 7.000000000000001: without the slack it would ask for the eighth.
  return Math.max(1, Math.ceil(quantile * count - 1e-9));
}
