/**
 * Where the store counts. A restarted process reads the last TTLs again, which an earlier one has counted: such history
 * changes the sessions as always, but its counts go into records that nobody reads. A new counter can't be forgotten: it
 * is a member of one of these records, or does not compile.
 */
import { type Cell, type Cumulative, createCumulative, cumulativeOf } from '../live/population.ts';
import { createTotals, type RegionTotals } from './totals.ts';

/** What the process counts as a whole. */
export type ProcessTotals = {
  /** Detail series that were left out. */
  seriesDropped: number;
};

/** The records to count in now: the ones that are shown, or in history those that nobody reads. */
export type Tally = {
  /** What happens now was counted by an earlier process. */
  isHistory: boolean;
  totals(region: string): RegionTotals;
  cumulative(cell: Cell): Cumulative;
  readonly process: ProcessTotals;

  /** {@link Tally.totals} of a message: what it says is history, or is not. */
  totalsFor(region: string, isHistory: boolean): RegionTotals;
  /** The region's totals that are shown. @throws RangeError when there is no such region */
  shown(region: string): RegionTotals;
  readonly shownOfProcess: Readonly<ProcessTotals>;
};

export function createTally(regions: readonly string[]): Tally {
  const shown = new Map(regions.map((region) => [region, createTotals()]));
  const shownOfProcess: ProcessTotals = { seriesDropped: 0 };
  const unread = { totals: createTotals(), cumulative: createCumulative(), process: { seriesDropped: 0 } };

  function totalsOf(region: string): RegionTotals {
    const totals = shown.get(region);
    if (!totals) throw new RangeError(`no such region: ${region}`);
    return totals;
  }

  const tally: Tally = {
    isHistory: false,
    totals: (region) => tally.totalsFor(region, tally.isHistory),
    totalsFor: (region, isHistory) => (isHistory ? unread.totals : totalsOf(region)),
    cumulative: (cell) => (tally.isHistory ? unread.cumulative : cumulativeOf(cell)),
    get process() {
      return tally.isHistory ? unread.process : shownOfProcess;
    },
    shown: totalsOf,
    shownOfProcess,
  };
  return tally;
}
