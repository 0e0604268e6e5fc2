/**
 * A row of the table of metrics: the family's name, type, unit, labels and help, and where its values come from.
 * The rows are in population-, detail-, edge- and self-families.ts, all of them in families.ts.
 */
import type { HistogramReading } from '../live/histogram.ts';
import type { Cell } from '../live/population.ts';
import type { SourceReading } from '../store/feeds.ts';
import type { Impairment } from '../store/impaired.ts';
import type { Session } from '../store/session.ts';
import type { Attendance, PeerFigure, ProcessReading, RegionReading } from './store-reader.ts';

/** The groups of a scrape without `collect[]`. */
export const DEFAULT_GROUPS = ['population', 'sessions', 'process'] as const;
/** The groups that `collect[]` chooses from. */
export const GROUPS = [...DEFAULT_GROUPS, 'operations'] as const;
export type CollectGroup = (typeof GROUPS)[number];

export type Labels = { readonly [name: string]: string };

export type Family = Description & Source;

export type Description = {
  /** As it is queried: with `edgepulse_`, the unit and, of counters, `_total`. */
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Empty when the family has none. Written in OpenMetrics when the name ends with it. */
  readonly unit: string;
  readonly help: string;
  readonly collect: CollectGroup;
  /** In the order that they are written; `shard` comes on top where there are several shards. */
  readonly labels: readonly string[];
};

/** One of the closed set of series that a family has in each region. */
export type RegionSeries = { readonly labels: Labels; readonly value: (reading: RegionReading) => number };

/** One of the closed set of histograms that a family has in each region. */
export type RegionHistogram = {
  readonly labels: Labels;
  readonly histogram: (reading: RegionReading) => HistogramReading;
};

/** One of the closed set of series that a family has in each cell. */
export type ImpairmentSeries = { readonly labels: Labels; readonly value: (impairment: Impairment) => number };

/** One of the closed set of series that a family has in the process. */
export type ProcessSeries = { readonly labels: Labels; readonly value: (reading: ProcessReading) => number };

/** What the series of a family are, and their values. */
export type Source =
  /** Non-empty cells of regions whose feed is up; `value` of a cell. */
  | { readonly of: 'living cell'; readonly value: (cell: Cell) => number }
  /** The same cells, with all series of the closed set. */
  | { readonly of: 'impairment'; readonly series: readonly ImpairmentSeries[] }
  /** Every cell that has ever counted anything. */
  | { readonly of: 'cell'; readonly value: (cell: Cell) => number }
  | {
      readonly of: 'cell histogram';
      readonly bounds: readonly number[];
      readonly histogram: (cell: Cell) => HistogramReading;
    }
  /** The live distribution of a measure (an index into MEASURES): its buckets, or its quantiles. */
  | { readonly of: 'live distribution'; readonly measure: number }
  | { readonly of: 'live quantiles'; readonly measure: number }
  /** Regions whose feed is up. */
  | { readonly of: 'heard region'; readonly value: (reading: RegionReading) => number }
  /** The same with a closed set of series; a value that is NaN has no series. */
  | { readonly of: 'heard region set'; readonly series: readonly RegionSeries[] }
  /** Every region, with all series of the closed set from the start; a value that is NaN has no series. */
  | { readonly of: 'region'; readonly series: readonly RegionSeries[] }
  /** Every stream of a region that is read from several. */
  | { readonly of: 'region source'; readonly value: (source: SourceReading) => number }
  | {
      readonly of: 'region histogram';
      readonly bounds: readonly number[];
      readonly histogram: (reading: RegionReading) => HistogramReading;
    }
  /** A closed set of histograms in every region, each from the first observation on. */
  | {
      readonly of: 'region histogram set';
      readonly bounds: readonly number[];
      readonly series: readonly RegionHistogram[];
    }
  /** A closed set of series that the process has; a value that is NaN has no series. */
  | { readonly of: 'process set'; readonly set: readonly ProcessSeries[] }
  | {
      readonly of: 'process';
      readonly value: (reading: ProcessReading) => number;
      readonly extraLabels?: (reading: ProcessReading) => Labels;
    }
  /** Detail, within the limit of MAX_SESSION_SERIES; a value that is NaN has no series. */
  | { readonly of: 'session'; readonly value: (session: Session) => number }
  | { readonly of: 'peer'; readonly value: PeerFigure }
  /** NetEQ operations (indices of NETEQ_OPERATIONS) by group: not all are in the family's own group. */
  | { readonly of: 'peer operation'; readonly operations: { readonly [Group in CollectGroup]?: readonly number[] } }
  | { readonly of: 'meeting'; readonly value: (presence: Attendance) => number };

export const CELL_LABELS = ['region', 'server_url', 'server_type'] as const;

/** The groups that any series of the family is in. */
export function groupsOf(family: Family): readonly CollectGroup[] {
  return family.of === 'peer operation' ? GROUPS.filter((group) => family.operations[group]) : [family.collect];
}
