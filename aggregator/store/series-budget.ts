/** The leash on detail series: who may show how many, counted exactly; what is held back is counted too. */

export type SeriesBudget = {
  readonly limit: number;
  used: number;
  /** Series that were held back, each counted once for as long as it is held back. */
  dropped: number;
};

/** What an owner of detail series holds; `HELD_BACK` when it wanted more than there was. */
export const HELD_BACK = -1;

export function createSeriesBudget(limit: number): SeriesBudget {
  return { limit, used: 0, dropped: 0 };
}

/** Changes what an owner holds to what it needs, all or nothing. @returns what it holds now */
export function reserve(budget: SeriesBudget, held: number, needed: number): number {
  if (held === needed) return held;
  const had = Math.max(0, held);
  const used = budget.used - had + needed;
  if (needed <= had || used <= budget.limit) {
    budget.used = used;
    return needed;
  }
  budget.used -= had;
  if (held !== HELD_BACK) budget.dropped += needed;
  return HELD_BACK;
}

export function give(budget: SeriesBudget, held: number): void {
  budget.used -= Math.max(0, held);
}
