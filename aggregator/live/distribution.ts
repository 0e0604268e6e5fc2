/**
 * A live distribution: a multiset of values that supports add and subtract in constant time, and
 * reports exact counts at the exposed bounds, an exact sum and quantiles within 1 %.
 *
 * Buckets are log-linear as in HdrHistogram (64 to an octave, found from the bits of the double,
 * without a logarithm), so that a bucket's middle is within 1/128 of any value in it. Counts can be
 * subtracted again, as in a DDSketch (Masson et al., VLDB 2019). Each exposed bound splits the bucket
 * it falls into, so that the counts at the bounds are exact and need no counters of their own.
 */

/** Values are kept to a millionth, so that sums are integers: exact, and the same in any order. */
const RESOLUTION = 1e6;

const SUB_BITS = 6;
/** Values below 2^-20, about a millionth, are zero; values of 2^11 and more share the last bucket. */
const LEAST_EXPONENT = -20;
const MOST_EXPONENT = 11;
const BASE_BUCKETS = ((MOST_EXPONENT - LEAST_EXPONENT) << SUB_BITS) + 1;
const BITS_OFFSET = ((1023 + LEAST_EXPONENT) << SUB_BITS) - 1;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** The buckets of a measure: where each of its exposed bounds splits the log-linear ones. Shared by its distributions. */
export type Scale = {
  readonly bounds: readonly number[];
  /** For each log-linear bucket: how many splits come before it, and the bound inside it (or Infinity). */
  readonly shift: Uint8Array;
  readonly split: Float64Array;
  /** For each bound: the last bucket whose values do not exceed it. */
  readonly boundBucket: Uint16Array;
  /** For each bucket: the value that stands for it. */
  readonly middle: Float64Array;
};

export type Distribution = {
  readonly scale: Scale;
  /** How many values there are. */
  readonly count: number;
  /** @param value finite and not negative */
  add(value: number): void;
  /** Takes back an {@link add} of the same value. */
  subtract(value: number): void;
  /** Adds everything that another distribution of the same scale holds. */
  include(other: Distribution): void;
  /** Takes back an {@link include} of the same values. */
  exclude(other: Distribution): void;
  /** One pass over the buckets. @param quantiles ascending, each over 0 and at most 1 */
  summarize(quantiles: readonly number[]): Summary;
};

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
  return Math.round(value * RESOLUTION) / RESOLUTION + 0;
}

/** @param bounds ascending, each in a log-linear bucket of its own. @throws RangeError otherwise. */
export function createScale(bounds: readonly number[]): Scale {
  const split = new Float64Array(BASE_BUCKETS).fill(Number.POSITIVE_INFINITY);
  for (const bound of bounds) {
    const bucket = baseBucket(bound);
    if (bucket === 0 || split[bucket] !== Number.POSITIVE_INFINITY) throw new RangeError(`bound too close: ${bound}`);
    split[bucket] = bound;
  }
  const shift = new Uint8Array(BASE_BUCKETS);
  const middle: number[] = [];
  let splits = 0;
  for (let bucket = 0; bucket < BASE_BUCKETS; bucket++) {
    shift[bucket] = splits;
    const low = lowerEdge(bucket);
    const high = lowerEdge(bucket + 1);
    const bound = split[bucket] as number;
    if (bound === Number.POSITIVE_INFINITY) {
      middle.push(bucket === 0 ? 0 : (low + high) / 2);
    } else {
      middle.push((low + bound) / 2, (bound + high) / 2);
      splits++;
    }
  }
  const boundBucket = Uint16Array.from(bounds, (bound) => baseBucket(bound) + (shift[baseBucket(bound)] as number));
  return { bounds, shift, split, boundBucket, middle: Float64Array.from(middle) };
}

/** What a distribution holds, for others of its scale to include. */
type Contents = { readonly counts: Uint32Array; readonly total: { count: number; millionths: number } };

const contentsOf = new WeakMap<Distribution, Contents>();

export function createDistribution(scale: Scale): Distribution {
  const counts = new Uint32Array(scale.middle.length);
  /** The sum is in millionths: an integer. Fields, since V8 allocates a number for each write to a captured variable. */
  const total = { count: 0, millionths: 0 };

  function merge(other: Distribution, sign: 1 | -1): void {
    const from = contentsOf.get(other);
    if (other.scale !== scale || !from) throw new TypeError('cannot combine distributions of different scales');
    for (let bucket = 0; bucket < counts.length; bucket++) {
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
    add(value) {
      const bucket = bucketOf(scale, value);
      counts[bucket] = (counts[bucket] as number) + 1;
      total.count++;
      total.millionths += Math.round(value * RESOLUTION);
    },
    subtract(value) {
      const bucket = bucketOf(scale, value);
      counts[bucket] = (counts[bucket] as number) - 1;
      total.count--;
      total.millionths -= Math.round(value * RESOLUTION);
    },
    include: (other) => merge(other, 1),
    exclude: (other) => merge(other, -1),
    summarize(quantiles) {
      const { count, millionths } = total;
      const ranks = count === 0 ? [] : quantiles.map((quantile) => nearestRank(quantile, count));
      return { bounds: scale.bounds, count, sum: millionths / RESOLUTION, ...countUp(scale, counts, ranks) };
    },
  };
  contentsOf.set(distribution, { counts, total });
  return distribution;
}

/** The counts at the bounds, and the values at the ranks. @param ranks ascending, none over the count of all values */
function countUp(
  { boundBucket, middle }: Scale,
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
      while (below >= (ranks[quantiles.length] ?? Number.POSITIVE_INFINITY)) quantiles.push(middle[bucket] as number);
    }
  };
  for (const last of boundBucket) {
    advance(last);
    cumulative.push(below);
  }
  if (quantiles.length < ranks.length) advance(counts.length - 1);
  return { cumulative, quantiles };
}

/** The smallest rank that at least that share of `count` values does not exceed, from 1. */
function nearestRank(quantile: number, count: number): number {
  // 0.07 * 100 is 7.000000000000001: without the slack it would ask for the eighth.
  return Math.max(1, Math.ceil(quantile * count - 1e-9));
}

function bucketOf(scale: Scale, value: number): number {
  const base = baseBucket(value);
  return base + (scale.shift[base] as number) + (value > (scale.split[base] as number) ? 1 : 0);
}

/** The exponent and the first bits of the mantissa, read off the double (little-endian, as every host we run on). */
function baseBucket(value: number): number {
  double[0] = value;
  const bucket = ((words[1] as number) >>> (20 - SUB_BITS)) - BITS_OFFSET;
  return bucket < 1 ? 0 : bucket >= BASE_BUCKETS ? BASE_BUCKETS - 1 : bucket;
}

function lowerEdge(bucket: number): number {
  if (bucket === 0) return 0;
  const octave = (bucket - 1) >> SUB_BITS;
  const sub = (bucket - 1) & ((1 << SUB_BITS) - 1);
  return 2 ** (LEAST_EXPONENT + octave) * (1 + sub / (1 << SUB_BITS));
}
