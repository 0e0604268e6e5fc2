/** Random numbers from a seed, so that a simulation gives the same meetings every time and everywhere. */
export type Random = {
  /** From 0 up to, but not including, 1. */
  next(): number;
  between(low: number, high: number): number;
  integer(low: number, high: number): number;
  /** True with that probability. */
  chance(probability: number): boolean;
  /** How many of `count` happen, each with that probability. */
  binomial(count: number, probability: number): number;
};

/** Mulberry32, which is small and good enough for drawing meetings. @param seed a 32-bit integer */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + next() * (high - low);
  return {
    next,
    between,
    integer: (low, high) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability) => next() < probability,
    binomial(count, probability) {
      let happened = 0;
      for (let i = 0; i < count; i++) if (next() < probability) happened++;
      return happened;
    },
  };
}
