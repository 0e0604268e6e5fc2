import { expect, it } from 'vitest';
import { INCIDENT, OBJECTIVES, objectiveOf } from './objectives.ts';

it.each(Object.entries(OBJECTIVES))('of %s are worse the later', (_, { warn, bad }) => {
  expect(warn).toBeGreaterThan(0);
  expect(bad).toBeGreaterThan(warn);
});

it('are found by name, and no other name has one', () => {
  expect(objectiveOf('rtt')).toBe(OBJECTIVES.rtt);
  expect(objectiveOf('neteq_buffer')).toBeUndefined();
  expect(objectiveOf('constructor')).toBeUndefined();
});

it('make an incident of some people, and never of one', () => {
  expect(INCIDENT.people).toBeGreaterThan(1);
  expect(INCIDENT.share).toBeGreaterThan(0);
  expect(INCIDENT.share).toBeLessThan(1);
});
