/**
 * Who has detail series under MAX_SESSION_SERIES: the impaired first, and among the others whoever came first; all of an
 * owner's or none.
 */

export type SeriesLimit = {
  /** What is left out now, an earlier process has counted. */
  isHistory: boolean;
  readonly used: number;
  readonly dropped: number;
  /** The owner needs so many from now on. One that was left out asks again each time. */
  need(owner: string, count: number, isImpaired?: boolean): void;
  release(owner: string): void;
  isShown(owner: string): boolean;
};

type Owner = { count: number; readonly isImpaired: boolean; isShown: boolean };

export function createSeriesLimit(limit: number): SeriesLimit {
  const owners = new Map<string, Owner>();
  /** Shown and not impaired: the last one gives way before the others. */
  let healthy: string[] = [];
  /** Impaired and left out: the last one is shown before the others. */
  let waiting: string[] = [];
  let dropped = 0;

  function used(): number {
    return [...owners.values()].reduce((sum, { count, isShown }) => sum + (isShown ? count : 0), 0);
  }

  function drop(count: number): void {
    if (!limitOf.isHistory) dropped += count;
  }

  function take(owner: string): void {
    owners.delete(owner);
    healthy = healthy.filter((other) => other !== owner);
    waiting = waiting.filter((other) => other !== owner);
  }

  function makeRoom(count: number): void {
    while (count <= limit && used() + count > limit && healthy.length > 0) {
      const last = owners.get(healthy.pop() as string) as Owner;
      last.isShown = false;
      drop(last.count);
    }
  }

  function showWaiting(): void {
    for (let last = waiting.at(-1); last !== undefined; last = waiting.at(-1)) {
      const one = owners.get(last) as Owner;
      if (used() + one.count > limit) return;
      one.isShown = true;
      waiting.pop();
    }
  }

  function place(owner: string, count: number, isImpaired: boolean): void {
    const before = owners.get(owner);
    take(owner);
    if (isImpaired) makeRoom(count);
    const isShown = count > 0 && used() + count <= limit && (isImpaired || waiting.length === 0);
    owners.set(owner, { count, isImpaired, isShown });
    if (count === 0) return;
    if (!isShown) {
      // Counted once for as long as it is left out.
      drop(Math.max(0, count - (before && !before.isShown ? before.count : 0)));
      if (isImpaired && count <= limit) waiting.push(owner);
    } else if (!isImpaired) {
      // Who has just recovered gives way last.
      healthy = before?.isImpaired ? [owner, ...healthy] : [...healthy, owner];
    }
  }

  const limitOf: SeriesLimit = {
    isHistory: false,
    get used() {
      return used();
    },
    get dropped() {
      return dropped;
    },
    need(owner, count, isImpaired = false) {
      const before = owners.get(owner);
      const keepsPlace =
        before?.isShown && before.isImpaired === isImpaired && count > 0 && used() - before.count + count <= limit;
      if (keepsPlace) before.count = count;
      else place(owner, count, isImpaired);
      showWaiting();
    },
    release(owner) {
      take(owner);
      showWaiting();
    },
    isShown: (owner) => owners.get(owner)?.isShown === true,
  };
  return limitOf;
}
