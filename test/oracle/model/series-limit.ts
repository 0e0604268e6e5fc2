/** Who has detail series under MAX_SESSION_SERIES: whoever came first; all of an owner's or none. */

export type SeriesLimit = {
  /** What is left out now, an earlier process has counted. */
  isHistory: boolean;
  readonly used: number;
  readonly dropped: number;
  /** The owner needs so many from now on. One that was left out asks again each time. */
  need(owner: string, count: number): void;
  release(owner: string): void;
  isShown(owner: string): boolean;
};

export function createSeriesLimit(limit: number): SeriesLimit {
  const held = new Map<string, number>();
  const leftOut = new Set<string>();
  let dropped = 0;

  function usedByOthers(owner: string): number {
    let sum = 0;
    for (const [other, count] of held) if (other !== owner) sum += count;
    return sum;
  }

  const limitOf: SeriesLimit = {
    isHistory: false,
    get used() {
      return usedByOthers('');
    },
    get dropped() {
      return dropped;
    },
    need(owner, count) {
      const fits = count <= (held.get(owner) ?? 0) || usedByOthers(owner) + count <= limit;
      if (fits) {
        held.set(owner, count);
        leftOut.delete(owner);
        return;
      }
      held.delete(owner);
      // Counted once for as long as it is left out.
      if (!leftOut.has(owner) && !limitOf.isHistory) dropped += count;
      leftOut.add(owner);
    },
    release(owner) {
      held.delete(owner);
      leftOut.delete(owner);
    },
    isShown: (owner) => (held.get(owner) ?? 0) > 0,
  };
  return limitOf;
}
