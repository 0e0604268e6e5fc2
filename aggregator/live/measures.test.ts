import { expect, it } from 'vitest';
import { OBJECTIVES, type Objective, objectiveOf } from '../../shared/objectives.ts';
import { MEASURES } from './measures.ts';

const judged = MEASURES.flatMap(({ name, bounds }): [string, readonly number[], Objective][] => {
  const objective = objectiveOf(name);
  return objective ? [[name, bounds, objective]] : [];
});

it('every objective is of a measure', () => {
  expect(judged.map(([name]) => name)).toEqual(Object.keys(OBJECTIVES));
});

it.each(judged)(
  'the objectives of %s are bounds of its buckets, so that what is over them is counted',
  (_, bounds, objective) => {
    expect(bounds).toContain(objective.warn);
    expect(bounds).toContain(objective.bad);
  },
);
