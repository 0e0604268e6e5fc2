/** The limit of detail series: exact accounting of who holds how many, and of what is left out. */

import type { Tally } from './tally.ts';

/** How much of the limit is used. */
export type SeriesUse = {
  readonly limit: number;
  readonly used: number;
  /** Series that were left out, each counted once for as long as it is left out. */
  readonly dropped: number;
};

export type SeriesBudget = SeriesUse & {
  /**
   * Changes what an owner holds to what it needs, all or nothing.
   * @param held what the last call returned to this owner, 0 at first
   * @returns what it holds now: `needed`, or {@link LEFT_OUT}
   */
  reserve(held: number, needed: number): number;
  /** Releases what a removed owner held. */
  release(held: number): void;
};

/** Held by an owner whose series did not fit the limit. */
export const LEFT_OUT = -1;

/** @param tally counts what is left out */
export function createSeriesBudget(limit: number, tally: Pick<Tally, 'process' | 'shownOfProcess'>): SeriesBudget {
  let used = 0;

  return {
    limit,
    get used() {
      return used;
    },
    get dropped() {
      return tally.shownOfProcess.seriesDropped;
    },
    reserve(held, needed) {
      if (held === needed) return held;
      const had = Math.max(0, held);
      if (needed <= had || used - had + needed <= limit) {
        used += needed - had;
        return needed;
      }
      used -= had;
      if (held !== LEFT_OUT) tally.process.seriesDropped += needed;
      return LEFT_OUT;
    },
    release(held) {
      used -= Math.max(0, held);
    },
  };
}
