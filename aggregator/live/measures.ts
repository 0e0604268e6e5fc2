/**
 * What is measured per session and peer connection, and with which buckets. To add a measure of peers, add it to
 * {@link PEER_MEASURES}, say in store/peer-values.ts what it is derived from, and name its families in
 * metrics/population-families.ts; tables, distributions and moves between cells follow from the list.
 */
import { type Numbered, numbered } from './numbered.ts';

/** A live distribution: each living contributor once, with its newest value. */
export type Measure = {
  readonly name: string;
  readonly unit: 'seconds' | 'ratio' | 'operations_per_second';
  /** Upper bounds of the exposed buckets; +Inf follows. */
  readonly bounds: readonly number[];
};

export const QUANTILES = [0.5, 0.95, 0.99] as const;

const RATIO_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5] as const;
const OPERATION_BOUNDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 25, 50] as const;

/** What each session contributes: its newest RTT. */
export const RTT = {
  name: 'rtt',
  unit: 'seconds',
  bounds: [0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.75, 1, 1.5, 2],
} as const satisfies Measure;

/** What each peer connection contributes. */
export const PEER_MEASURES = [
  {
    name: 'neteq_buffer',
    unit: 'seconds',
    bounds: [0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 2],
  },
  { name: 'concealment', unit: 'ratio', bounds: RATIO_BOUNDS },
  { name: 'expand', unit: 'operations_per_second', bounds: OPERATION_BOUNDS },
  { name: 'acceleration', unit: 'ratio', bounds: RATIO_BOUNDS },
  { name: 'accelerate', unit: 'operations_per_second', bounds: OPERATION_BOUNDS },
] as const satisfies readonly Measure[];

export type MeasureName = (typeof RTT)['name'] | (typeof PEER_MEASURES)[number]['name'];

/** All of them, by their number: RTT, then those of peers. */
export const MEASURES: readonly Measure[] = [RTT, ...PEER_MEASURES];
/** The number of a measure by its name. */
export const MEASURE = numbered(MEASURES.map(({ name }) => name)) as Numbered<MeasureName>;
/** Measures from this number on are of peers. */
export const FIRST_PEER_MEASURE = MEASURES.length - PEER_MEASURES.length;

/** What cells count of the samples of received audio, since the start. */
export const SAMPLE_COUNTS = [
  'audioSamples',
  'concealedSamples',
  'silentConcealedSamples',
  'acceleratedSamples',
  'deceleratedSamples',
] as const;
export type SampleCounts = { [Name in (typeof SAMPLE_COUNTS)[number]]: number };
