import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTally } from '../tally.ts';
import { createSeriesBudget, holdsNoSeries, type SeriesBudget, type SeriesHolder } from './series-budget.ts';

const WELL = false;
const IMPAIRED = true;

function budgetOf(limit: number): SeriesBudget {
  return createSeriesBudget(limit, createTally([]));
}

/** Holders that asked one after another. */
function holders(budget: SeriesBudget, ...asked: readonly (readonly [needed: number, isFirst: boolean])[]) {
  return asked.map(([needed, isFirst]) => {
    const holder = holdsNoSeries();
    budget.reserve(holder, needed, isFirst);
    return holder;
  });
}

function seriesOf(all: readonly SeriesHolder[]): number[] {
  return all.map(({ series }) => series);
}

describe('the series budget', () => {
  it('gives a holder all that it needs or nothing', () => {
    const budget = budgetOf(10);
    const [a, b] = holders(budget, [8, WELL], [3, WELL]) as [SeriesHolder, SeriesHolder];
    expect(seriesOf([a, b])).toEqual([8, -3]);
    budget.reserve(a, 7, WELL);
    budget.reserve(b, 3, WELL);
    expect(seriesOf([a, b])).toEqual([7, 3]);
    expect(budget).toMatchObject({ used: 10, dropped: 3 });
  });

  it('counts a series that is left out once for as long as it is left out', () => {
    const budget = budgetOf(1);
    const [a, b] = holders(budget, [1, WELL], [2, WELL]) as [SeriesHolder, SeriesHolder];
    for (const needed of [2, 2, 3]) budget.reserve(b, needed, WELL);
    expect(budget.dropped).toBe(3);
    // That of the one who gives way, too.
    for (const _ of [1, 2, 3]) budget.reserve(b, 1, IMPAIRED);
    for (const _ of [1, 2, 3]) budget.reserve(a, 1, WELL);
    expect(seriesOf([a, b])).toEqual([-1, 1]);
    expect(budget.dropped).toBe(4);
  });

  it('shows the impaired in the place of the others, the newest of which give way', () => {
    const budget = budgetOf(10);
    const all = holders(budget, [4, WELL], [3, WELL], [3, WELL], [4, IMPAIRED]);
    expect(seriesOf(all)).toEqual([4, -3, -3, 4]);
  });

  it('keeps those who recovered in their place until it is needed, and then longer than the others', () => {
    const budget = budgetOf(3);
    const all = holders(budget, [1, WELL], [1, WELL], [1, IMPAIRED]);
    const [, , recovered] = all as [SeriesHolder, SeriesHolder, SeriesHolder];
    budget.reserve(recovered, 1, WELL);
    expect(seriesOf(all)).toEqual([1, 1, 1]);
    all.push(...holders(budget, [2, IMPAIRED]));
    expect(seriesOf(all)).toEqual([-1, -1, 1, 2]);
    // Its place is needed by somebody who waits.
    all.push(...holders(budget, [1, IMPAIRED]));
    expect(seriesOf(all)).toEqual([-1, -1, -1, 2, 1]);
  });

  it('shows who waits as soon as there is room, before anybody who is well', () => {
    const budget = budgetOf(2);
    const all = holders(budget, [2, IMPAIRED], [2, IMPAIRED], [1, WELL]);
    const [shown, waiting] = all as [SeriesHolder, SeriesHolder];
    expect(seriesOf(all)).toEqual([2, -2, -1]);
    budget.release(shown);
    expect(seriesOf(all)).toEqual([0, 2, -1]);
    budget.reserve(waiting, 2, WELL);
    expect(seriesOf(all)).toEqual([0, 2, -1]);
  });

  it('lets nobody give way to somebody who needs more than there can be', () => {
    const budget = budgetOf(3);
    expect(seriesOf(holders(budget, [2, WELL], [4, IMPAIRED], [1, WELL]))).toEqual([2, -4, 1]);
  });

  it('is never over the limit, shows nobody who is well while an impaired one is left out, and takes bounded work', () => {
    const step = fc.record({
      owner: fc.nat(7),
      needed: fc.nat(6),
      isFirst: fc.boolean(),
      leaves: fc.nat(5).map((n) => n === 0),
    });
    fc.assert(
      fc.property(fc.nat(20), fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const budget = budgetOf(limit);
        const owners = Array.from({ length: 8 }, holdsNoSeries);
        let dropped = 0;
        for (const { owner, needed, isFirst, leaves } of steps) {
          const one = owners[owner] as SeriesHolder;
          const before = seriesOf(owners);
          if (leaves) budget.release(one);
          else budget.reserve(one, needed, isFirst);
          const after = seriesOf(owners);
          const leftOut = (all: readonly number[], i: number) => Math.max(0, -(all[i] as number));
          const more = owners.map((_, i) => Math.max(0, leftOut(after, i) - leftOut(before, i)));
          dropped += more.reduce((sum, series) => sum + series, 0);
          expect(budget.dropped).toBe(dropped);
          expect(more.filter((series) => series > 0).length).toBeLessThanOrEqual(1 + needed);
          expect(Math.abs(one.series)).toBe(leaves ? 0 : needed);
          expect(budget.used).toBe(after.reduce((sum, series) => sum + Math.max(0, series), 0));
          expect(budget.used).toBeLessThanOrEqual(limit);
          const isWaiting = owners.some(({ series, isFirst: first }) => first && series < 0 && -series <= limit);
          expect(isWaiting && owners.some(({ series, isFirst: first }) => !first && series > 0)).toBe(false);
        }
        for (const one of owners) budget.release(one);
        expect(budget.used).toBe(0);
        expect(owners).toEqual(owners.map(({ isFirst }) => ({ ...holdsNoSeries(), isFirst })));
      }),
    );
  });
});
