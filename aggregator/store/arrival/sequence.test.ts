import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sequences } from './sequence.ts';

/** Feeds numbers in, a millisecond apart. @returns how many were lost at the end, repeats left out */
function lostOf(numbers: readonly number[]): number {
  const [first = 0, ...rest] = numbers;
  const sequence = sequences.begin({ seq: first, receivedAtMs: 0 }, Number.NaN);
  let lost = 0;
  rest.forEach((seq, i) => {
    if (sequences.classify(sequence, seq) !== 'repeated') {
      lost += sequences.markSeen(sequence, { seq, receivedAtMs: i + 1 });
    }
  });
  return lost + sequences.countOpenHolesAsLost(sequence);
}

describe('sequence numbers', () => {
  it('lose exactly what is missing, in whatever order the rest comes', () => {
    const numbers = fc.shuffledSubarray(Array.from({ length: 31 }, (_, i) => i + 1));
    fc.assert(
      fc.property(numbers, (seen) => {
        expect(lostOf([0, ...seen])).toBe(Math.max(0, ...seen) - seen.length);
      }),
    );
  });

  it('lose the same over the edge of the window as within it', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 100, size: 'max' });
    fc.assert(
      fc.property(gaps, (steps) => {
        let seq = 0;
        const numbers = [0, ...steps.map((step) => (seq += step))];
        expect(lostOf(numbers)).toBe(seq - steps.length);
      }),
    );
  });

  it('never lose or accept a number twice', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40)), (numbers) => {
        const sequence = sequences.begin({ seq: 0, receivedAtMs: 0 }, Number.NaN);
        const taken = new Set([0]);
        for (const [i, seq] of numbers.entries()) {
          if (sequences.classify(sequence, seq) === 'repeated') continue;
          expect(taken.has(seq)).toBe(false);
          sequences.markSeen(sequence, { seq, receivedAtMs: i });
          taken.add(seq);
        }
      }),
    );
  });

  it('lose a number when it has been missing for 10 s, and none with it that was missed later', () => {
    const sequence = sequences.begin({ seq: 0, receivedAtMs: 0 }, Number.NaN);
    const lostAt = (receivedAtMs: number, seq: number) => sequences.markSeen(sequence, { seq, receivedAtMs });
    expect([lostAt(0, 2), lostAt(9_000, 4), lostAt(9_999, 5)]).toEqual([0, 0, 0]);
    expect(lostAt(10_000, 6)).toBe(1);
    // 3 was only late.
    expect([lostAt(10_500, 3), lostAt(11_000, 9), lostAt(20_999, 10)]).toEqual([0, 0, 0]);
    expect([lostAt(21_000, 11), sequences.countOpenHolesAsLost(sequence)]).toEqual([2, 0]);
  });

  it('tell a repeat also after a number that was skipped to', () => {
    const sequence = sequences.begin({ seq: 0, receivedAtMs: 0 }, Number.NaN);
    sequences.skipTo(sequence, { seq: 2, receivedAtMs: 1 });
    expect([0, 1, 2].map((seq) => sequences.classify(sequence, seq))).toEqual(['repeated', 'filling', 'repeated']);
    expect(sequences.markSeen(sequence, { seq: 40, receivedAtMs: 2 })).toBe(6);
  });

  it.each([
    ['one that was seen', 49, 'repeated'],
    ['one out of the window', 18, 'repeated'],
    ['the newest again', 50, 'repeated'],
    ['one within the window that was not seen', 19, 'filling'],
    ['the next', 51, 'fresh'],
  ] as const)('tell %s', (_, seq, outcome) => {
    const sequence = sequences.begin({ seq: 0, receivedAtMs: 0 }, Number.NaN);
    for (const seen of [1, 49, 50]) sequences.markSeen(sequence, { seq: seen, receivedAtMs: 0 });
    expect(sequences.classify(sequence, seq)).toBe(outcome);
  });
});
