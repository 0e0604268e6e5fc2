import { expect, it } from 'vitest';
import { createRateLimit } from './rate-limit.js';

function limitOf(limit: number, keysMax = 10) {
  const clock = { nowMs: 1_000 };
  const binding = createRateLimit({ limit, period: 60, now: () => clock.nowMs, keysMax });
  const allowed = async (key: string) => (await binding.limit({ key })).success;
  return { clock, allowed };
}

it('lets as many calls through for each key in a period, and then again', async () => {
  const { clock, allowed } = limitOf(2);
  expect([await allowed('a'), await allowed('a'), await allowed('a'), await allowed('b')]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  clock.nowMs += 59_999;
  expect(await allowed('a')).toBe(false);
  clock.nowMs += 1;
  expect(await allowed('a')).toBe(true);
});

it('counts no more keys than that in a period, and lets further ones through', async () => {
  const { allowed } = limitOf(1, 2);
  for (const key of ['a', 'b', 'c', 'c']) expect(await allowed(key)).toBe(true);
  expect(await allowed('a')).toBe(false);
});

it('blocks nobody for longer because the clock was set back', async () => {
  const { clock, allowed } = limitOf(1);
  clock.nowMs = 10_000_000;
  expect(await allowed('a')).toBe(true);
  clock.nowMs = 1_000;
  expect(await allowed('a')).toBe(true);
});
