import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeriesBudget, LEFT_OUT } from './series-budget.ts';
import { createTally } from './tally.ts';

describe('the series budget', () => {
  it('gives an owner all that it needs or nothing', () => {
    const budget = createSeriesBudget(10, createTally([]));
    expect(budget.reserve(0, 8)).toBe(8);
    expect(budget.reserve(0, 3)).toBe(LEFT_OUT);
    expect(budget.reserve(8, 7)).toBe(7);
    expect(budget.reserve(LEFT_OUT, 3)).toBe(3);
    expect(budget).toMatchObject({ used: 10, dropped: 3 });
  });

  it('counts a series that is left out once for as long as it is left out', () => {
    const budget = createSeriesBudget(1, createTally([]));
    budget.reserve(0, 1);
    let held = 0;
    for (const _ of [1, 2, 3]) held = budget.reserve(held, 2);
    expect(budget.dropped).toBe(2);
  });

  it('uses what its owners hold, never over the limit, and nothing when all of them are gone', () => {
    const changes = fc.array(fc.record({ owner: fc.nat(5), needed: fc.nat(6) }));
    fc.assert(
      fc.property(fc.nat(20), changes, (limit, steps) => {
        const budget = createSeriesBudget(limit, createTally([]));
        const held = [0, 0, 0, 0, 0, 0];
        for (const { owner, needed } of steps) {
          held[owner] = budget.reserve(held[owner] ?? 0, needed);
          expect(budget.used).toBe(held.reduce((sum, one) => sum + Math.max(0, one), 0));
          expect(budget.used).toBeLessThanOrEqual(limit);
        }
        for (const one of held) budget.release(one);
        expect(budget.used).toBe(0);
      }),
    );
  });
});
