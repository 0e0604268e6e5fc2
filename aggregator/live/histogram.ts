/**
 * A cumulative histogram as plain typed arrays: prom-client's costs a string key and a hash for
 * each observation, ours an index. It never expires or resets.
 */
export type Histogram = {
  /** Upper bounds in ascending order; an unbounded bucket follows. */
  readonly bounds: readonly number[];
  /** Observations by bucket, not cumulative over buckets; one longer than `bounds`. */
  readonly counts: Float64Array;
  sum: number;
  /** Counts a value in. */
  observe(value: number): void;
};

/** A histogram that is only read. */
export type HistogramReading = Readonly<Omit<Histogram, 'observe'>>;

/** @param bounds ascending */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = new Float64Array(bounds.length + 1);
  const histogram: Histogram = {
    bounds,
    counts,
    sum: 0,
    observe(value) {
      let low = 0;
      let high = bounds.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (value <= (bounds[middle] as number)) high = middle;
        else low = middle + 1;
      }
      counts[low] = (counts[low] as number) + 1;
      histogram.sum += value;
    },
  };
  return histogram;
}
