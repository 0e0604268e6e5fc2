/** The largest number of series that a configuration can ever expose: the limit of detail and the closed label sets. */
import { SERVER_TYPES } from '../../shared/beacon.ts';
import { OTHER_SERVER } from '../../shared/servers.ts';
import { MEASURES, type Measure, quantilesOf } from '../live/measures.ts';
import { OTHER_OPERATIONS } from '../store/detail/detail.ts';
import { FAMILIES } from './families.ts';
import { type CollectGroup, DEFAULT_GROUPS, type Family } from './family.ts';

export type SeriesBoundOptions = {
  readonly regions: readonly string[];
  readonly servers: readonly string[];
  readonly maxSessionSeries: number;
  /** Streams of the regions that are read from several; by default none is. */
  readonly sources?: number;
};

/**
 * Of the table's families; the process metrics come on top.
 * @param collect the groups of the scrape
 */
export function seriesBound(
  { regions, servers, maxSessionSeries, sources = 0 }: SeriesBoundOptions,
  collect: readonly CollectGroup[] = DEFAULT_GROUPS,
): number {
  // Configured servers and `other` with each type, and no server at all.
  const cells = regions.length * (new Set([...servers, OTHER_SERVER]).size * SERVER_TYPES.length + 1);
  const detail = detailFactor(collect) * maxSessionSeries;
  return FAMILIES.filter((family) => collect.includes(family.collect)).reduce(
    (sum, family) => sum + boundOf(family, { cells, regions: regions.length, sources }),
    detail,
  );
}

/** The limit covers the default series. A peer whose other operations are written has at least one default series. */
function detailFactor(collect: readonly CollectGroup[]): number {
  return (collect.includes('sessions') ? 1 : 0) + (collect.includes('operations') ? OTHER_OPERATIONS.length : 0);
}

type Counts = { readonly cells: number; readonly regions: number; readonly sources: number };

function boundOf(family: Family, { cells, regions, sources }: Counts): number {
  switch (family.of) {
    case 'living cell':
    case 'cell':
      return cells;
    case 'impairment':
      return cells * family.series.length;
    case 'cell histogram':
      return cells * histogramSeries(family.bounds);
    case 'live distribution':
      return cells * histogramSeries((MEASURES[family.measure] as Measure).bounds);
    case 'live quantiles':
      return cells * quantilesOf(MEASURES[family.measure] as Measure).length;
    case 'heard region':
      return regions;
    case 'region':
    case 'heard region set':
      return regions * family.series.length;
    case 'region histogram set':
      return regions * family.series.length * histogramSeries(family.bounds);
    case 'region histogram':
      return regions * histogramSeries(family.bounds);
    case 'region source':
      return sources;
    case 'process set':
      return family.set.length;
    case 'process':
      return 1;
    case 'session':
    case 'peer':
    case 'peer operation':
    case 'meeting':
      // Together at most what detailFactor says.
      return 0;
  }
}

/** Its buckets, the unbounded one, sum and count. */
function histogramSeries(bounds: readonly number[]): number {
  return bounds.length + 3;
}
