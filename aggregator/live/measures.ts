/**
 * What is measured per session and peer connection, and with which buckets. To add a measure of peers, add it to
 * {@link PEER_MEASURES}, say in store/peers/peer-values.ts what it is derived from, and name its families in
 * metrics/population-families.ts; tables, distributions and moves between cells follow from the list.
 */
import { type Numbered, numbered } from './numbered.ts';

/** A live distribution: each living contributor once, with its newest value. */
export type Measure = {
  readonly name: string;
  /** What its families are called, where that is not the name: `live_video_frames_per_second` has its unit's name in it. */
  readonly family?: string;
  /** Empty for a score, which has none. */
  readonly unit: 'seconds' | 'ratio' | 'operations_per_second' | 'frames_per_second' | '';
  /** Upper bounds of the exposed buckets; +Inf follows. Every objective of the measure is one of them. */
  readonly bounds: readonly number[];
  /** Whether small values are the bad ones, so that the quantiles of the lower end are shown too. */
  readonly isLowBad?: true;
};

export const QUANTILES = [0.5, 0.95, 0.99] as const;
const LOW_AND_HIGH_QUANTILES = [0.01, 0.05, ...QUANTILES] as const;

const RATIO_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5] as const;
const BUFFER_BOUNDS = [0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 2] as const;
const OPERATION_BOUNDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 25, 50] as const;

/** What each session contributes: its newest RTT. */
export const RTT = {
  name: 'rtt',
  unit: 'seconds',
  bounds: [0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.75, 1, 1.5, 2],
} as const satisfies Measure;

/** What each session contributes: the packet loss of what it sends. */
export const UPLINK_PACKET_LOSS = {
  name: 'uplink_packet_loss',
  unit: 'ratio',
  bounds: RATIO_BOUNDS,
} as const satisfies Measure;

const SESSION_MEASURES = [RTT, UPLINK_PACKET_LOSS] as const;

/** What each peer connection contributes. */
export const PEER_MEASURES = [
  { name: 'neteq_buffer', unit: 'seconds', bounds: BUFFER_BOUNDS },
  { name: 'concealment', unit: 'ratio', bounds: RATIO_BOUNDS },
  { name: 'expand', unit: 'operations_per_second', bounds: OPERATION_BOUNDS },
  { name: 'acceleration', unit: 'ratio', bounds: RATIO_BOUNDS },
  { name: 'accelerate', unit: 'operations_per_second', bounds: OPERATION_BOUNDS },
  { name: 'audio_packet_loss', unit: 'ratio', bounds: RATIO_BOUNDS },
  {
    name: 'audio_jitter',
    unit: 'seconds',
    bounds: [0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.5, 1],
  },
  { name: 'jitter_buffer_target', unit: 'seconds', bounds: BUFFER_BOUNDS },
  {
    name: 'audio_mos',
    unit: '',
    // Where G.107 Annex B parts how satisfied users are: 4.34 very, 4.03, 3.6 some are not, 3.1 many, 2.58 nearly all.
    bounds: [1, 1.5, 2, 2.58, 3.1, 3.35, 3.6, 3.8, 4.03, 4.2, 4.34, 4.4, 4.5],
    isLowBad: true,
  },
  { name: 'video_packet_loss', unit: 'ratio', bounds: RATIO_BOUNDS },
  { name: 'video_freeze', unit: 'ratio', bounds: RATIO_BOUNDS },
  {
    name: 'video_frame_rate',
    family: 'video',
    unit: 'frames_per_second',
    // 0 is a picture that stands still.
    bounds: [1, 2.5, 5, 7.5, 10, 12, 15, 20, 24, 25, 30, 45, 60],
    isLowBad: true,
  },
  { name: 'video_frames_dropped', unit: 'ratio', bounds: RATIO_BOUNDS },
] as const satisfies readonly Measure[];

export type PeerMeasureName = (typeof PEER_MEASURES)[number]['name'];
export type MeasureName = (typeof SESSION_MEASURES)[number]['name'] | PeerMeasureName;

/** All of them, by their number: those of sessions, then those of peers. */
export const MEASURES: readonly Measure[] = [...SESSION_MEASURES, ...PEER_MEASURES];
/** The number of a measure by its name. */
export const MEASURE = numbered(MEASURES.map(({ name }) => name)) as Numbered<MeasureName>;
/** Measures from this number on are of peers. */
export const FIRST_PEER_MEASURE = MEASURES.length - PEER_MEASURES.length;

/** What a figure of the measure is called, with its unit, as in the names of families: `audio_jitter_seconds`. */
export type FigureName<M extends Measure> = M extends Measure
  ? `${FamilyName<M>}${M['unit'] extends '' ? '' : `_${M['unit']}`}`
  : never;
type FamilyName<M extends Measure> = M extends { readonly family: infer Family extends string } ? Family : M['name'];

export function figureName<M extends Measure>({ name, family = name, unit }: M): FigureName<M> {
  return (unit === '' ? family : `${family}_${unit}`) as FigureName<M>;
}

/** The quantiles that are shown of a measure, ascending. */
export function quantilesOf({ isLowBad }: Measure): readonly number[] {
  return isLowBad ? LOW_AND_HIGH_QUANTILES : QUANTILES;
}

/** What cells count of what their sessions receive, since the start. */
export const MEDIA_COUNTS = [
  'audioSamples',
  'concealedSamples',
  'silentConcealedSamples',
  'acceleratedSamples',
  'deceleratedSamples',
  'videoFreezes',
] as const;
export type MediaCounts = { [Name in (typeof MEDIA_COUNTS)[number]]: number };

/** What cells count of their sessions' connections, since the start. */
export const CONNECTION_COUNTS = ['connectionFailures', 'iceRestarts'] as const;
export type ConnectionCounts = { [Name in (typeof CONNECTION_COUNTS)[number]]: number };
