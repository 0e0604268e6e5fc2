/**
 * The limit of detail series: exact accounting of who holds how many, of what is left out, and of who gives way to whom.
 * Those who are impaired come first: while one of them is left out, nobody else is shown. Otherwise who came first stays,
 * also when it has recovered, so that series do not come and go with every beacon.
 */

import type { Tally } from '../tally.ts';
import { createSeriesQueue, type Queued, type SeriesQueue } from './series-queue.ts';

/** How much of the limit is used. */
export type SeriesUse = {
  readonly limit: number;
  readonly used: number;
  /** Series that were left out, each counted once for as long as it is left out. */
  readonly dropped: number;
};

/** What has series within the limit: all that it needs, or none. Only the budget writes these. */
export type SeriesHolder = Queued & {
  /** How many are shown; below zero, so many are left out. */
  series: number;
  /** It comes before those that do not. */
  isFirst: boolean;
};

export type SeriesBudget = SeriesUse & {
  /**
   * Changes what a holder needs. Others may lose theirs to it, at most as many as it needs, or be shown in its place.
   * @param isFirst whether it comes before those that do not
   */
  reserve(holder: SeriesHolder, needed: number, isFirst: boolean): void;
  /** Releases what a removed holder had. */
  release(holder: SeriesHolder): void;
};

/** Of something that has asked for nothing yet. */
export function holdsNoSeries(): SeriesHolder {
  return { series: 0, isFirst: false, queuedBefore: undefined, queuedAfter: undefined };
}

/** @param tally counts what is left out */
export function createSeriesBudget(limit: number, tally: Pick<Tally, 'process' | 'shownOfProcess'>): SeriesBudget {
  let used = 0;
  /** Holders that give way to the first, the last one in the queue before the others. */
  const yielding = createSeriesQueue<SeriesHolder>();
  /** The first that are left out. While there is one, nobody is in {@link yielding}. */
  const waiting = createSeriesQueue<SeriesHolder>();

  function isWithin(needed: number): boolean {
    return used + needed <= limit;
  }

  function queueOf({ series, isFirst }: SeriesHolder): SeriesQueue<SeriesHolder> | undefined {
    if (series > 0 && !isFirst) return yielding;
    // What could never be shown keeps nobody else from it.
    return series < 0 && isFirst && -series <= limit ? waiting : undefined;
  }

  function show(holder: SeriesHolder, needed: number): void {
    holder.series = needed;
    used += needed;
  }

  function leaveOut(holder: SeriesHolder, needed: number): void {
    holder.series = -needed;
    queueOf(holder)?.append(holder);
  }

  /** Leaves the holder with nothing, shown or asked for. */
  function takeOut(holder: SeriesHolder): void {
    queueOf(holder)?.remove(holder);
    if (holder.series > 0) used -= holder.series;
    holder.series = 0;
  }

  function giveWay(holder: SeriesHolder): void {
    const { series } = holder;
    takeOut(holder);
    leaveOut(holder, series);
    tally.process.seriesDropped += series;
  }

  /** Shows those who wait, as far as there is room for the next of them. */
  function serveWaiting(): void {
    for (let next = waiting.last; next && isWithin(-next.series); next = waiting.last) {
      const needed = -next.series;
      takeOut(next);
      show(next, needed);
    }
  }

  function placeFirst(holder: SeriesHolder, needed: number): void {
    if (needed <= limit) {
      // Each has one series at least, so that no more of them give way than series are needed.
      for (let last = yielding.last; last && !isWithin(needed); last = yielding.last) giveWay(last);
    }
    if (isWithin(needed)) show(holder, needed);
    else leaveOut(holder, needed);
  }

  function placeBehind(holder: SeriesHolder, needed: number, wasFirst: boolean): void {
    if (waiting.last || !isWithin(needed)) {
      leaveOut(holder, needed);
      return;
    }
    show(holder, needed);
    // Who has just recovered may fall ill again: it gives way last.
    if (wasFirst) yielding.prepend(holder);
    else yielding.append(holder);
  }

  function place(holder: SeriesHolder, needed: number, isFirst: boolean): void {
    const leftOutBefore = Math.max(0, -holder.series);
    const { isFirst: wasFirst } = holder;
    takeOut(holder);
    holder.isFirst = isFirst;
    if (needed === 0) return;
    if (isFirst) placeFirst(holder, needed);
    else placeBehind(holder, needed, wasFirst);
    if (holder.series < 0) tally.process.seriesDropped += Math.max(0, needed - leftOutBefore);
  }

  return {
    limit,
    get used() {
      return used;
    },
    get dropped() {
      return tally.shownOfProcess.seriesDropped;
    },
    reserve(holder, needed, isFirst) {
      const { series } = holder;
      if (holder.isFirst === isFirst && series >= 0) {
        if (series === needed) return;
        if (series > 0 && needed > 0 && isWithin(needed - series)) {
          used += needed - series;
          holder.series = needed;
          serveWaiting();
          return;
        }
      }
      place(holder, needed, isFirst);
      serveWaiting();
    },
    release(holder) {
      takeOut(holder);
      serveWaiting();
    },
  };
}
