import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecentJoins } from './recent-joins.ts';

const NOW = 1_800_000_000_000;
const [OK, , ICE] = [0, 1, 2];

describe('recent joins', () => {
  it('are those of the last minute, by result', () => {
    const recent = createRecentJoins(['apac', 'oc']);
    recent.note('apac', OK, NOW);
    recent.note('apac', ICE, NOW + 30_000);
    recent.note('apac', ICE, NOW + 55_000);
    expect(recent.count('apac')).toEqual([1, 0, 2, 0, 0]);
    recent.advance('apac', NOW + 60_000);
    expect(recent.count('apac')).toEqual([0, 0, 2, 0, 0]);
    recent.advance('apac', NOW + 90_000);
    expect(recent.count('apac')).toEqual([0, 0, 1, 0, 0]);
    recent.advance('apac', NOW + 1e9);
    expect(recent.count('apac')).toEqual([0, 0, 0, 0, 0]);
    expect(recent.count('oc')).toEqual([0, 0, 0, 0, 0]);
  });

  it('leave out one that comes late, and count one out of order', () => {
    const recent = createRecentJoins(['apac']);
    recent.advance('apac', NOW);
    recent.note('apac', OK, NOW - 10_000);
    recent.note('apac', OK, NOW - 60_000);
    expect(recent.count('apac')).toEqual([1, 0, 0, 0, 0]);
  });

  it('are not moved by a time that is not known, or by an earlier one', () => {
    const recent = createRecentJoins(['apac']);
    recent.note('apac', OK, NOW);
    recent.advance('apac', Number.NaN);
    recent.advance('apac', NOW - 1e9);
    expect(recent.count('apac')).toEqual([1, 0, 0, 0, 0]);
  });

  it('are as many as a recount finds, whatever comes when', () => {
    const events = fc.array(
      fc.record({ place: fc.integer({ min: 0, max: 4 }), atMs: fc.integer({ min: 0, max: 200_000 }) }),
    );
    fc.assert(
      fc.property(events, (joins) => {
        const recent = createRecentJoins(['apac']);
        for (const { place, atMs } of joins) recent.note('apac', place, NOW + atMs);
        const stepOf = (ms: number) => Math.floor((NOW + ms) / 5_000);
        const newest = Math.max(...joins.map(({ atMs }) => stepOf(atMs)));
        const expected = [0, 1, 2, 3, 4].map(
          (place) => joins.filter((join) => join.place === place && stepOf(join.atMs) > newest - 12).length,
        );
        expect(recent.count('apac')).toEqual(expected);
      }),
    );
  });

  it('are of known regions', () => {
    expect(() => createRecentJoins([]).count('apac')).toThrow(RangeError);
  });
});
