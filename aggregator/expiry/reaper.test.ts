import { expect, it } from 'vitest';
import { createReaper, TICK_MS } from './reaper.ts';

function setUp(due = 0) {
  const calls: string[] = [];
  const turns: (() => void)[] = [];
  let nowMs = 1_000_000;
  let left = due;
  const tick = createReaper({
    expire: (at) => {
      calls.push(`expire ${at - 1_000_000}`);
      return --left > 0;
    },
    watch: () => calls.push('watch'),
    interrupted: (since) => calls.push(`interrupted ${since - 1_000_000}`),
    now: () => nowMs,
    defer: (turn) => turns.push(turn),
  });
  return {
    calls,
    turns,
    tickAfter(ms: number) {
      nowMs += ms;
      tick();
    },
  };
}

it('looks for silent feeds and for silent sessions', () => {
  const { calls, tickAfter } = setUp();
  tickAfter(TICK_MS);
  tickAfter(TICK_MS + 900);
  expect(calls).toEqual(['watch', 'expire 250', 'watch', 'expire 1400']);
});

it('distrusts the feed before it reaps anybody when the process stood still', () => {
  const { calls, tickAfter } = setUp();
  tickAfter(TICK_MS);
  tickAfter(40_000);
  tickAfter(TICK_MS);
  expect(calls.slice(2, 5)).toEqual(['interrupted 250', 'watch', 'expire 40250']);
  expect(calls.slice(5)).toEqual(['watch', 'expire 40500']);
});

it('lets the loop turn between the portions of a large reaping', () => {
  const { calls, turns, tickAfter } = setUp(3);
  tickAfter(TICK_MS);
  tickAfter(TICK_MS);
  expect(calls.filter((call) => call !== 'watch')).toEqual(['expire 250']);
  turns.shift()?.();
  turns.shift()?.();
  expect(turns).toEqual([]);
  expect(calls.filter((call) => call !== 'watch')).toEqual(['expire 250', 'expire 500', 'expire 500']);
});
