import { expect, it } from 'vitest';
import { createChangeFilter } from './change-filter.ts';

it('lets a value through when it begins, changes or comes back', () => {
  const { isNew } = createChangeFilter();
  const values = ['timeout', 'timeout', 'refused', 'timeout', 'timeout'];
  expect(values.map((value) => isNew('apac', value))).toEqual([true, false, true, true, false]);
});

it('keeps topics apart', () => {
  const { isNew } = createChangeFilter();
  expect([isNew('apac', 'timeout'), isNew('us-east', 'timeout')]).toEqual([true, true]);
});

it('lets the same value through again after the condition has ended', () => {
  const { isNew, forget } = createChangeFilter();
  isNew('apac', 'timeout');
  forget('apac');
  expect(isNew('apac', 'timeout')).toBe(true);
});
