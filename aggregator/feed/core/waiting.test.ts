import { expect, it } from 'vitest';
import { createWaiting } from './waiting.ts';

it('handles in order what may wait, drops what is too much, and takes again when there is room', () => {
  const jobs: (() => void)[] = [];
  const handled: string[] = [];
  const waiting = createWaiting({ offer: (job) => void jobs.push(job) }, 2);
  const offer = (name: string) => waiting.offer(() => void handled.push(name));
  expect(['a', 'b', 'c', 'd'].map(offer)).toEqual([true, true, false, false]);
  jobs.shift()?.();
  expect(['e', 'f'].map(offer)).toEqual([true, false]);
  for (const job of jobs) job();
  expect(handled).toEqual(['a', 'b', 'e']);
});

it('has room again after a message that could not be handled', () => {
  const jobs: (() => void)[] = [];
  const waiting = createWaiting({ offer: (job) => void jobs.push(job) }, 1);
  waiting.offer(() => {
    throw new Error('a bug');
  });
  expect(() => jobs.shift()?.()).toThrow('a bug');
  expect(waiting.offer(() => {})).toBe(true);
});
