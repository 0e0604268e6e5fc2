/** The live distributions of a scrape: of one server, and of several together. */
import { histogramQuantile, sumBuckets, totalOf } from './histogram.js';

/** @typedef {import('./metrics-text.js').Families} Families */
/** @typedef {import('./metrics-text.js').Sample} Sample */
/** @typedef {import('./histogram.js').Buckets} Buckets */

/**
 * A live distribution; quantiles are undefined when nobody contributes.
 * @typedef {{
 *   readonly buckets: Buckets,
 *   readonly count: number,
 *   readonly p50: number | undefined,
 *   readonly p95: number | undefined,
 *   readonly p99: number | undefined,
 * }} Distribution
 */

/** @typedef {keyof typeof LIVE} Measure */
/** @typedef {{ readonly [M in Measure]: Distribution }} Distributions */

/** Families of the live distributions: of the buckets, and of the quantiles. */
export const LIVE = Object.freeze({
  rtt: ['edgepulse_live_rtt_seconds', 'edgepulse_live_rtt_quantile_seconds'],
  buffer: ['edgepulse_live_neteq_buffer_seconds', 'edgepulse_live_neteq_buffer_quantile_seconds'],
  concealment: ['edgepulse_live_concealment_ratio', 'edgepulse_live_concealment_quantile_ratio'],
  expand: ['edgepulse_live_expand_operations_per_second', 'edgepulse_live_expand_quantile_operations_per_second'],
  acceleration: ['edgepulse_live_acceleration_ratio', 'edgepulse_live_acceleration_quantile_ratio'],
  accelerate: [
    'edgepulse_live_accelerate_operations_per_second',
    'edgepulse_live_accelerate_quantile_operations_per_second',
  ],
});

const MEASURES = /** @type {readonly Measure[]} */ (Object.keys(LIVE));

/** @param {Families} cell of one server @returns {Distributions} */
export function readDistributions(cell) {
  return eachMeasure((measure) => readDistribution(measure, cell));
}

/** @param {readonly Distributions[]} parts @returns {Distributions} */
export function mergeAll(parts) {
  return eachMeasure((measure) => mergeDistributions(parts.map((part) => part[measure])));
}

/**
 * A server's quantiles are the aggregator's own, exact within 1 %.
 * @param {Measure} measure
 * @param {Families} cell
 * @returns {Distribution}
 */
function readDistribution(measure, cell) {
  const [histogram, quantiles] = LIVE[measure];
  const buckets = readBuckets(cell.get(`${histogram}_bucket`));
  const of = (/** @type {string} */ quantile) =>
    cell.get(`${quantiles}`)?.find(({ labels }) => labels.get('quantile') === quantile)?.value;
  return { buckets, count: totalOf(buckets), p50: of('0.5'), p95: of('0.95'), p99: of('0.99') };
}

/**
 * Interpolated from the summed buckets, as `histogram_quantile` does. A quantile of a mixture never
 * leaves the range of its parts' own, so the interpolation, which knows only the bucket, is kept in it.
 * @param {readonly Distribution[]} parts
 * @returns {Distribution}
 */
export function mergeDistributions(parts) {
  const buckets = sumBuckets(parts.map((part) => part.buckets));
  /** @param {number} q @param {'p50' | 'p95' | 'p99'} name */
  const merged = (q, name) => {
    const value = histogramQuantile(q, buckets);
    const own = parts.flatMap((part) => part[name] ?? []);
    if (value === undefined || own.length === 0) return value;
    return Math.min(Math.max(value, Math.min(...own)), Math.max(...own));
  };
  return {
    buckets,
    count: totalOf(buckets),
    p50: merged(0.5, 'p50'),
    p95: merged(0.95, 'p95'),
    p99: merged(0.99, 'p99'),
  };
}

/**
 * @param {readonly Sample[]} [samples]
 * @returns {Buckets}
 */
export function readBuckets(samples = []) {
  return samples.map(({ labels, value }) => {
    const le = labels.get('le');
    return { le: le === '+Inf' ? Infinity : Number(le), count: value };
  });
}

/**
 * @param {(measure: Measure) => Distribution} read
 * @returns {{ readonly [M in Measure]: Distribution }}
 */
function eachMeasure(read) {
  const entries = MEASURES.map((measure) => [measure, read(measure)]);
  return /** @type {{ [M in Measure]: Distribution }} */ (Object.fromEntries(entries));
}
