/**
 * The live population: for each region, server and server type, how many sessions and peer
 * connections live there and how their newest values are distributed. Sessions add and subtract
 * their contributions, so that an empty cell exposes nothing. The cumulative counterparts stay.
 */
import { createDistribution, type Distribution } from './distribution.ts';
import { createHistogram, type Histogram, type HistogramReading } from './histogram.ts';
import { CONNECTION_COUNTS, type ConnectionCounts, MEASURES, MEDIA_COUNTS, type MediaCounts, RTT } from './measures.ts';
import { millionthsOf } from './millionths.ts';
import { createScale, type Scale } from './scale.ts';

/** What a cell has counted since the start; never expires, never resets. */
export type Cumulative = MediaCounts & ConnectionCounts & { readonly rtt: Histogram };

/** The same to be read. Whoever counts does so by {@link cumulativeOf}. */
export type CumulativeReading = Readonly<MediaCounts & ConnectionCounts> & { readonly rtt: HistogramReading };

export type Cell = {
  readonly region: string;
  readonly serverUrl: string;
  readonly serverType: string;
  sessions: number;
  peers: number;
  /** Peers that its sessions receive and leave out of their beacons. */
  omittedPeers: number;
  /** By the measure's number; undefined while nothing has contributed. */
  readonly live: (Distribution | undefined)[];
  /** What those of its sessions contribute that have gone quiet: a part of all that. */
  readonly quiet: QuietShare;
  readonly cumulative: CumulativeReading;
};

/** A copy of the cell's distributions without these ({@link Distribution.exclude}) is of those who are heard. */
export type QuietShare = { sessions: number; readonly live: (Distribution | undefined)[] };

export type Population = {
  /** Every cell that ever counted something. Bounded, since all three labels are closed sets. */
  cells(): Iterable<Cell>;
  /** The cell of these labels, all of them from closed sets: the caller has mapped them. */
  cell(region: string, serverUrl: string, serverType: string): Cell;
  /** Adds a session to the cell. */
  addSession(cell: Cell): void;
  /** Removes a session, after its values were replaced by NaN. */
  removeSession(cell: Cell): void;
  /** Changes the number of peers. @param change negative for fewer */
  addPeers(cell: Cell, change: number): void;
  /** Changes the number of those that are left out. @param change negative for fewer */
  addOmittedPeers(cell: Cell, change: number): void;
  /** Replaces what one contributor contributes to a measure. NaN stands for nothing. Constant time. */
  replace(cell: Cell, measure: number, before: number, after: number): void;
  /** The same with whole millionths, where UNKNOWN stands for nothing. */
  replaceMillionths(cell: Cell, measure: number, before: number, after: number): void;
  /** A session of the cell has gone quiet; what it contributes follows by {@link replaceQuiet}. */
  addQuiet(cell: Cell): void;
  /** A quiet session is heard again, or goes, after its values were replaced by UNKNOWN. */
  removeQuiet(cell: Cell): void;
  /** Replaces what a quiet contributor has in its cell's {@link Cell.quiet}, in whole millionths. */
  replaceQuiet(cell: Cell, measure: number, before: number, after: number): void;
};

export function createPopulation(): Population {
  const cells = new Map<string, Cell>();

  function replaceMillionths(cell: Cell, measure: number, before: number, after: number): void {
    if (before === after) return;
    const distribution = cell.live[measure] ?? beginDistribution(cell.live, measure);
    distribution.replace(before, after);
  }

  return {
    cells: () => cells.values(),
    cell(region, serverUrl, serverType) {
      const key = `${region} ${serverType} ${serverUrl}`;
      let cell = cells.get(key);
      if (!cell) {
        const cumulative = createCumulative();
        const quiet = { sessions: 0, live: [] };
        cell = { region, serverUrl, serverType, sessions: 0, peers: 0, omittedPeers: 0, live: [], quiet, cumulative };
        cells.set(key, cell);
      }
      return cell;
    },
    addSession(cell) {
      cell.sessions++;
    },
    removeSession(cell) {
      cell.sessions--;
      // The distributions of an empty cell are empty, and cells outnumber those in use.
      if (cell.sessions === 0) cell.live.length = 0;
    },
    addPeers(cell, change) {
      cell.peers += change;
    },
    addOmittedPeers(cell, change) {
      cell.omittedPeers += change;
    },
    replace(cell, measure, before, after) {
      replaceMillionths(cell, measure, millionthsOf(before), millionthsOf(after));
    },
    replaceMillionths,
    addQuiet(cell) {
      cell.quiet.sessions++;
    },
    removeQuiet({ quiet }) {
      quiet.sessions--;
      if (quiet.sessions === 0) quiet.live.length = 0;
    },
    replaceQuiet({ quiet }, measure, before, after) {
      if (before === after) return;
      const distribution = quiet.live[measure] ?? beginDistribution(quiet.live, measure);
      distribution.replace(before, after);
    },
  };
}

/** What the cell counts in, unless it is not to be counted: only the tally of the store asks. */
export function cumulativeOf(cell: Cell): Cumulative {
  return cell.cumulative as Cumulative;
}

/** By the measure's number. */
export const SCALES: readonly Scale[] = MEASURES.map(({ bounds }) => createScale(bounds));

function beginDistribution(live: (Distribution | undefined)[], measure: number): Distribution {
  const distribution = createDistribution(SCALES[measure] as Scale);
  live[measure] = distribution;
  return distribution;
}

export function createCumulative(): Cumulative {
  const names = [...MEDIA_COUNTS, ...CONNECTION_COUNTS];
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as MediaCounts & ConnectionCounts;
  return { ...counts, rtt: createHistogram(RTT.bounds) };
}
