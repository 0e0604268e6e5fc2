import { expect, it } from 'vitest';
import { createEdgeSkew } from './edge-skew.ts';

it('is the skew of the Forwarder furthest off, by the promptest of its batches', () => {
  const skew = createEdgeSkew();
  expect(skew.observe(0, -15, 1_000)).toBeNaN();
  skew.observe(0, -5, 2_000);
  // A retry that took its time.
  skew.observe(1, -31_000, 3_000);
  skew.observe(1, -29_004, 4_000);
  expect(skew.observe(0, -9, 11_000)).toBe(-29_004);
  expect(skew.observe(0, -5, 12_000)).toBe(-29_004);
  expect(skew.observe(0, -5, 21_000)).toBe(-5);
});
