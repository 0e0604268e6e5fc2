import { describe, expect, it } from 'vitest';
import { NOW } from '../testing.ts';
import { pathOf } from './sparkline.js';

describe('the line of a sparkline', () => {
  const points = (...values: (number | undefined)[]) => values.map((value, i) => ({ atMs: NOW + i * 5_000, value }));

  it.each([
    ['is empty without points', points(), ''],
    ['is a dot for one point', points(0.3), 'M120.0 1.0h0.1'],
    ['joins points that follow each other', points(0, 0.3), 'M119.3 23.0h0.1L120.0 1.0'],
    ['has a gap where the value was not known', points(0.3, undefined, 0.3), 'M118.7 1.0h0.1M120.0 1.0h0.1'],
    [
      'has a gap where nothing was heard',
      [
        { atMs: NOW - 450_000, value: 0.3 },
        { atMs: NOW, value: 0.3 },
      ],
      'M60.0 1.0h0.1M120.0 1.0h0.1',
    ],
  ])('%s', (_, given, path) => {
    expect(pathOf(given, given.at(-1)?.atMs ?? NOW, 0.3)).toBe(path);
  });
});
