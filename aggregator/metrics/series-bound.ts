/** The largest number of series that a configuration can ever expose: what the limit of detail series and the closed label sets add up to. */
import { SERVER_TYPES } from '../../shared/beacon.ts';
import { PUBLISH_SECONDS_BUCKETS } from '../../shared/envelope.ts';
import { OTHER_SERVER } from '../../shared/servers.ts';
import { MEASURES, QUANTILES, RTT } from '../live/measures.ts';
import { INGEST_DELAY_SECONDS_BUCKETS } from '../store/totals.ts';
import { CUMULATIVE } from './families.ts';

export type SeriesBoundOptions = {
  readonly regions: readonly string[];
  readonly servers: readonly string[];
  readonly maxSessionSeries: number;
};

/** Labels are closed sets: configured servers and `other` with each type, and no server at all. */
export function seriesBound({ regions, servers, maxSessionSeries }: SeriesBoundOptions): number {
  const labels = new Set([...servers, OTHER_SERVER]).size * SERVER_TYPES.length + 1;
  const histograms = [INGEST_DELAY_SECONDS_BUCKETS, PUBLISH_SECONDS_BUCKETS];
  const own = histograms.reduce((sum, bounds) => sum + bounds.length + 3, 0);
  return populationBound(regions.length * labels, regions.length) + regions.length * own + maxSessionSeries;
}

/** Most series that the population of so many cells and regions can expose, with its cumulative counterparts. */
function populationBound(cells: number, regions: number): number {
  const live = MEASURES.reduce((sum, { bounds }) => sum + bounds.length + 3 + QUANTILES.length, 0);
  const cumulative = RTT.bounds.length + 3 + (Object.keys(CUMULATIVE).length - 1);
  return cells * (2 + live + cumulative) + regions * 2;
}
