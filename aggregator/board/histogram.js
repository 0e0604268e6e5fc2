/** Cumulative buckets: adding those of several servers, and reading quantiles and counts out of them. */

/** @typedef {{ readonly le: number, readonly count: number }} Bucket how many are at most `le` */
/** @typedef {readonly Bucket[]} Buckets ascending, the last one's `le` is Infinity */

/**
 * Histograms of one family share their bounds, so that their buckets can be added.
 * @param {readonly Buckets[]} histograms
 * @returns {Buckets}
 */
export function sumBuckets(histograms) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const { le, count } of histograms.flat()) counts.set(le, (counts.get(le) ?? 0) + count);
  return [...counts].map(([le, count]) => ({ le, count })).sort((a, b) => a.le - b.le);
}

/**
 * What was added to a cumulative histogram between two looks at it.
 * @param {Buckets} newer
 * @param {Buckets} older
 * @returns {Buckets}
 */
export function subtractBuckets(newer, older) {
  const before = new Map(older.map(({ le, count }) => [le, count]));
  return newer.map(({ le, count }) => ({ le, count: Math.max(0, count - (before.get(le) ?? 0)) }));
}

/** @param {Buckets} buckets */
export function totalOf(buckets) {
  return buckets.at(-1)?.count ?? 0;
}

/**
 * Linear interpolation inside the bucket of the rank, as PromQL's `histogram_quantile` does.
 * @see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
 * @param {number} q 0 to 1
 * @param {Buckets} buckets
 * @returns {number | undefined} undefined when nothing was observed
 */
export function histogramQuantile(q, buckets) {
  const total = totalOf(buckets);
  if (!(total > 0)) return undefined;
  const rank = q * total;
  const index = buckets.findIndex(({ count }) => count >= rank);
  const { le: upper = Infinity, count = total } = buckets[index] ?? {};
  const below = buckets[index - 1];
  // Over the last finite bound nothing is known but that bound.
  if (upper === Infinity) return below?.le;
  if (!below && upper <= 0) return upper;
  const { le: lower, count: before } = below ?? { le: 0, count: 0 };
  return count === before ? upper : lower + (upper - lower) * ((rank - before) / (count - before));
}

/**
 * @param {Buckets} buckets
 * @param {number} bound one of their bounds
 * @returns {number | undefined} how many are over it; undefined when it is no bound, or there are no buckets
 */
export function countOver(buckets, bound) {
  const bucket = buckets.find(({ le }) => le === bound);
  return bucket && totalOf(buckets) - bucket.count;
}
