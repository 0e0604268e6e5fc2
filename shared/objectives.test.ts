import { expect, it } from 'vitest';
import { OBJECTIVES, objectiveOf } from './objectives.ts';

it.each(Object.entries(OBJECTIVES))('of %s are worse the later', (_, { warn, bad }) => {
  expect(warn).toBeGreaterThan(0);
  expect(bad).toBeGreaterThan(warn);
});

it('are found by name, and no other name has one', () => {
  expect(objectiveOf('rtt')).toBe(OBJECTIVES.rtt);
  expect(objectiveOf('neteq_buffer')).toBeUndefined();
  expect(objectiveOf('constructor')).toBeUndefined();
});
