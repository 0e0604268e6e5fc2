/**
 * The live population: for each region, server and server type, how many sessions and peer
 * connections live there and how their newest values are distributed. Sessions add and subtract
 * their contributions, so that a cell nobody lives in shows nothing. The cumulative counterparts stay.
 */

import { add, createDistribution, createScale, type Distribution, type Scale, subtract } from './distribution.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import { MEASURES, RTT } from './measures.ts';

const SCALES: readonly Scale[] = MEASURES.map(({ bounds }) => createScale(bounds));

/** What a cell has counted since the start; never expires, never resets. */
export type Cumulative = {
  readonly rtt: Histogram;
  audioSamples: number;
  concealedSamples: number;
  silentConcealedSamples: number;
  acceleratedSamples: number;
  deceleratedSamples: number;
};

export type Cell = {
  readonly region: string;
  readonly serverUrl: string;
  readonly serverType: string;
  sessions: number;
  peers: number;
  /** By measure; undefined while nothing has contributed. */
  readonly live: (Distribution | undefined)[];
  readonly cumulative: Cumulative;
};

/** Every cell that ever counted something. Bounded, since all three labels are closed sets. */
export type Population = Map<string, Cell>;

/** @param serverUrl, serverType from closed sets, as the region is: the caller has mapped them */
export function cellOf(population: Population, region: string, serverUrl: string, serverType: string): Cell {
  const key = `${region} ${serverType} ${serverUrl}`;
  let cell = population.get(key);
  if (!cell) {
    const cumulative = createCumulative();
    cell = { region, serverUrl, serverType, sessions: 0, peers: 0, live: [], cumulative };
    population.set(key, cell);
  }
  return cell;
}

export function enter(cell: Cell): void {
  cell.sessions++;
}

/** A session stops living in the cell, after its contributions were changed to NaN. */
export function leave(cell: Cell): void {
  cell.sessions--;
  // The distributions of an empty cell are empty, and cells outnumber those in use.
  if (cell.sessions === 0) cell.live.length = 0;
}

/** Changes one contribution; NaN stands for none. Constant time. */
export function contribute(cell: Cell, measure: number, before: number, after: number): void {
  if (before === after) return;
  const hadValue = !Number.isNaN(before);
  const hasValue = !Number.isNaN(after);
  if (!hadValue && !hasValue) return;
  let distribution = cell.live[measure];
  if (!distribution) {
    distribution = createDistribution(SCALES[measure] as Scale);
    cell.live[measure] = distribution;
  }
  if (hadValue) subtract(distribution, before);
  if (hasValue) add(distribution, after);
}

function createCumulative(): Cumulative {
  return {
    rtt: createHistogram(RTT.bounds),
    audioSamples: 0,
    concealedSamples: 0,
    silentConcealedSamples: 0,
    acceleratedSamples: 0,
    deceleratedSamples: 0,
  };
}
