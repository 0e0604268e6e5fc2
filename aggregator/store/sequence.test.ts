import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sequences } from './sequence.ts';

/** Feeds numbers in, a millisecond apart. @returns how many were lost at the end, repeats left out */
function lostOf(numbers: readonly number[]): number {
  const [first = 0, ...rest] = numbers;
  const sequence = sequences.begin(first, 0);
  let lost = 0;
  rest.forEach((seq, i) => {
    const arrival = sequences.classify(sequence, seq, i + 1);
    if (arrival === 'fresh' || arrival === 'filling') lost += sequences.markSeen(sequence, seq, i + 1);
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
        const sequence = sequences.begin(0, 0);
        const taken = new Set([0]);
        for (const [i, seq] of numbers.entries()) {
          const arrival = sequences.classify(sequence, seq, i);
          if (arrival !== 'repeated') expect(taken.has(seq)).toBe(false);
          if (arrival === 'fresh' || arrival === 'filling') {
            sequences.markSeen(sequence, seq, i);
            taken.add(seq);
          }
        }
      }),
    );
  });

  it.each([
    ['0 right after, which is a repeat', 0, 999, 'repeated'],
    ['0 well after, which is a new start', 0, 1_000, 'restarted'],
    ['a low number well after, out of the window', 3, 1_000, 'restarted'],
    ['a number out of the window at once', 3, 0, 'repeated'],
    ['the newest again, however late', 50, 60_000, 'repeated'],
    ['one within the window that was not seen', 48, 60_000, 'filling'],
    ['the next', 51, 5_000, 'fresh'],
  ] as const)('tell %s', (_, seq, atMs, arrival) => {
    const sequence = sequences.begin(0, -1);
    for (const seen of [1, 49, 50]) sequences.markSeen(sequence, seen, 0);
    expect(sequences.classify(sequence, seq, atMs)).toBe(arrival);
  });
});
