/**
 * The buckets that a distribution counts in.
 *
 * They are log-linear as in HdrHistogram (64 to an octave, found from the bits of the value in millionths,
 * without a logarithm), so that a bucket's middle is within 1/128 of any value in it. Each exposed bound splits the
 * bucket it falls into, so that the counts at the bounds are exact and need no counters of their own.
 */

import { millionthsOf, RESOLUTION } from './millionths.ts';

/** Values up to 64 millionths have a bucket each, and so have 64 parts of each octave above. */
const SUB_BITS = 6;
const SUB_BUCKETS = 1 << SUB_BITS;
const BASE_BUCKETS = (32 - SUB_BITS + 1) << SUB_BITS;
/** In the place of a bound where a bucket has none. */
const NO_BOUND = 2 ** 32 - 1;

/** The buckets of a measure: where each of its exposed bounds splits the log-linear ones. Shared by its distributions. */
export type Scale = {
  readonly bounds: readonly number[];
  /** For each log-linear bucket: how many splits come before it, and the bound inside it, in millionths (or {@link NO_BOUND}). */
  readonly shift: Uint8Array;
  readonly split: Uint32Array;
  /** For each bound: the last bucket whose values do not exceed it. */
  readonly boundBucket: Uint16Array;
  /** For each bucket: the value that stands for it. */
  readonly standIn: Float64Array;
  /** For each bucket: the exponential bucket that it is counted in, by {@link EXPONENTIAL_SCHEMA}. */
  readonly exponential: Int16Array;
};

/**
 * Buckets of Prometheus' native histograms: with schema n, bucket i has the values over 2^((i-1)/2^n) and at most
 * 2^(i/2^n). With 4, a bucket is 4.4 % wide. Of its values, those within 0.8 % of a bound can be in the bucket beside it,
 * since ours have other bounds. https://prometheus.io/docs/specs/native_histograms/
 */
export const EXPONENTIAL_SCHEMA = 4;

/** @param bounds ascending, each in a log-linear bucket of its own. @throws RangeError otherwise. */
export function createScale(bounds: readonly number[]): Scale {
  const split = new Uint32Array(BASE_BUCKETS).fill(NO_BOUND);
  for (const bound of bounds) {
    const millionths = millionthsOf(bound);
    const bucket = baseBucket(millionths);
    if (bucket === 0 || split[bucket] !== NO_BOUND) throw new RangeError(`bound too close: ${bound}`);
    split[bucket] = millionths;
  }
  const shift = new Uint8Array(BASE_BUCKETS);
  const standIn: number[] = [];
  let splits = 0;
  for (let bucket = 0; bucket < BASE_BUCKETS; bucket++) {
    shift[bucket] = splits;
    const least = leastOf(bucket);
    const most = leastOf(bucket + 1) - 1;
    const bound = split[bucket] as number;
    if (bound === NO_BOUND) {
      standIn.push((least + most) / 2);
    } else {
      // Values gather at round figures, as bounds are: the bound itself stands for them, where that is within 1 %.
      standIn.push(Math.min(bound, least * 1.0099), (bound + 1 + most) / 2);
      splits++;
    }
  }
  const boundBucket = Uint16Array.from(bounds, (bound) => {
    const bucket = baseBucket(millionthsOf(bound));
    return bucket + (shift[bucket] as number);
  });
  const values = Float64Array.from(standIn, (value) => value / RESOLUTION);
  const exponential = Int16Array.from(values, (value) => Math.ceil(Math.log2(value) * 2 ** EXPONENTIAL_SCHEMA));
  return { bounds, shift, split, boundBucket, standIn: values, exponential };
}

/** The bucket of a value in millionths. */
export function bucketOf(scale: Scale, millionths: number): number {
  const base = baseBucket(millionths);
  return base + (scale.shift[base] as number) + (millionths > (scale.split[base] as number) ? 1 : 0);
}

/** The exponent and the bits that follow the first one. */
function baseBucket(millionths: number): number {
  if (millionths < SUB_BUCKETS) return millionths;
  const octave = 31 - SUB_BITS - Math.clz32(millionths);
  return ((octave + 1) << SUB_BITS) + ((millionths >>> octave) & (SUB_BUCKETS - 1));
}

/** The smallest value of the bucket, in millionths. */
function leastOf(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const octave = (bucket >> SUB_BITS) - 1;
  return (SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1))) * 2 ** octave;
}
