/** Expected samples by name and labels, and their comparison with a text. */

export type Labels = { readonly [name: string]: string };

/** What one sample must be. */
export type Expectation = {
  /** One of these values, within the slack. */
  readonly values: readonly number[];
  readonly slack: number;
  /** It may be absent. */
  readonly isOptional: boolean;
};

export type Expected = ReadonlyMap<string, Expectation>;

export type SampleSheet = {
  readonly samples: Expected;
  /** @param slack 0 is exact; a sum of many floats needs a little */
  add(name: string, labels: Labels, value: number, slack?: number): void;
  /** Like {@link add}, but the same sample may be added again with the same value. */
  set(name: string, labels: Labels, value: number): void;
  /** No sample when it is undefined. */
  addKnown(name: string, labels: Labels, value: number | undefined): void;
  /** Absent, or one of these. */
  addOneOf(name: string, labels: Labels, values: Iterable<number>): void;
  histogram(name: string, labels: Labels, of: { bounds: readonly number[]; values: readonly number[] }): void;
  /** A histogram of which only the counts of each bucket are known, and the sum. */
  buckets(
    name: string,
    labels: Labels,
    of: { bounds: readonly number[]; counts: readonly number[]; sum: number },
  ): void;
};

export function createSampleSheet(shard: string): SampleSheet {
  const samples = new Map<string, Expectation>();

  function put(name: string, labels: Labels, expectation: Expectation): void {
    samples.set(sampleKey(name, shard === '' ? labels : { ...labels, shard }), expectation);
  }

  function add(name: string, labels: Labels, value: number, slack = 0): void {
    const key = sampleKey(name, shard === '' ? labels : { ...labels, shard });
    if (samples.has(key)) throw new Error(`expected twice: ${key}`);
    put(name, labels, { values: [value], slack, isOptional: false });
  }

  return {
    samples,
    add,
    set: (name, labels, value) => put(name, labels, { values: [value], slack: 0, isOptional: false }),
    addKnown(name, labels, value) {
      if (value !== undefined) add(name, labels, value);
    },
    addOneOf: (name, labels, values) => put(name, labels, { values: [...values], slack: 0, isOptional: true }),
    histogram(name, labels, { bounds, values }) {
      for (const le of bounds) {
        const below = values.filter((value) => value <= le).length;
        add(`${name}_bucket`, { ...labels, le: `${le}` }, below);
      }
      add(`${name}_bucket`, { ...labels, le: '+Inf' }, values.length);
      add(`${name}_count`, labels, values.length);
      const sum = values.reduce((total, value) => total + value, 0);
      // Summed in another order, or as whole millionths.
      add(`${name}_sum`, labels, sum, 1e-9 * Math.max(1, sum));
    },
    buckets(name, labels, { bounds, counts, sum }) {
      const all = counts.reduce((total, count) => total + count, 0);
      for (const [i, le] of bounds.entries()) {
        const below = counts.slice(0, i + 1).reduce((total, count) => total + count, 0);
        add(`${name}_bucket`, { ...labels, le: `${le}` }, below);
      }
      add(`${name}_bucket`, { ...labels, le: '+Inf' }, all);
      add(`${name}_count`, labels, all);
      add(`${name}_sum`, labels, sum, 1e-9 * Math.max(1, sum));
    },
  };
}

export function sampleKey(name: string, labels: Labels): string {
  const names = Object.keys(labels).sort();
  // A million keys a minute: plain concatenation is the fastest.
  let key = `${name}{`;
  for (const label of names) key += `${label}="${labels[label]}",`;
  return `${key}}`;
}
