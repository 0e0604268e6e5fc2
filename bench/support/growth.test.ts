import { expect, it } from 'vitest';
import { exponentOf } from './growth.ts';

it.each([
  ['none', 0],
  ['in proportion', 1],
  ['n log n, between 8,000 and 512,000', 1.1],
  ['quadratic', 2],
])('finds the exponent of a cost that grows: %s', (what, exponent) => {
  const sizes = [8_000, 64_000, 512_000];
  const cost = (size: number) => (what.startsWith('n log n') ? size * Math.log(size) : 3 * size ** exponent);
  expect(exponentOf(sizes.map((size) => [size, cost(size)]))).toBeCloseTo(exponent, 1);
});

it.each([
  [[]],
  [[[1, 1]]],
  [
    [
      [1, 1],
      [2, 0],
    ],
  ],
] as [number, number][][][])('refuses what has no exponent: %j', (points) => {
  expect(() => exponentOf(points)).toThrow(RangeError);
});
