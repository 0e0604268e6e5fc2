import { expect, it } from 'vitest';
import { consultOracle } from './oracle.ts';

/** The same steps each time; `npm run bench -- oracle` plays others. */
const SEED = 1;
const STEPS = 400;

it('says after each step exactly what an independent recount of everything that happened says', () => {
  const { failure, steps, lines } = consultOracle({ seed: SEED, steps: STEPS });
  expect(failure).toBeUndefined();
  expect(steps).toBeGreaterThanOrEqual(STEPS);
  expect(lines / steps).toBeGreaterThan(300);
});
