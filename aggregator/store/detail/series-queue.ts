/** An ordered queue of holders of series: a linked list through the holders, so that removing any of them is cheap. */

export type Queued = {
  /** Neighbours in the queue that it is in; only the queue writes these. */
  queuedBefore: Queued | undefined;
  queuedAfter: Queued | undefined;
};

export type SeriesQueue<T extends Queued> = {
  readonly last: T | undefined;
  append(item: T): void;
  prepend(item: T): void;
  /** @param item is in the queue */
  remove(item: T): void;
};

export function createSeriesQueue<T extends Queued>(): SeriesQueue<T> {
  let first: Queued | undefined;
  let last: Queued | undefined;
  return {
    get last() {
      return last as T | undefined;
    },
    append(item) {
      item.queuedBefore = last;
      if (last) last.queuedAfter = item;
      else first = item;
      last = item;
    },
    prepend(item) {
      item.queuedAfter = first;
      if (first) first.queuedBefore = item;
      else last = item;
      first = item;
    },
    remove(item) {
      const { queuedBefore: before, queuedAfter: after } = item;
      if (before) before.queuedAfter = after;
      else first = after;
      if (after) after.queuedBefore = before;
      else last = before;
      item.queuedBefore = undefined;
      item.queuedAfter = undefined;
    },
  };
}
