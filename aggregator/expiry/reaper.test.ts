import { expect, it } from 'vitest';
import { createReaper, REAP_INTERVAL_MS } from './reaper.ts';

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
    checkHeartbeats: () => calls.push('heartbeats'),
    onPaused: (since) => calls.push(`paused ${since - 1_000_000}`),
    now: () => nowMs,
    defer: (turn) => turns.push(turn),
  });
  return {
    calls,
    turns,
    stop(ms: number) {
      nowMs += ms;
    },
    tickAfter(ms: number) {
      nowMs += ms;
      tick();
    },
  };
}

it('checks heartbeats and expires sessions at each tick', () => {
  const { calls, tickAfter } = setUp();
  tickAfter(REAP_INTERVAL_MS);
  tickAfter(REAP_INTERVAL_MS + 900);
  expect(calls).toEqual(['heartbeats', 'expire 250', 'heartbeats', 'expire 1400']);
});

it('reports that the process was paused before it reaps anybody', () => {
  const { calls, tickAfter } = setUp();
  tickAfter(REAP_INTERVAL_MS);
  tickAfter(40_000);
  tickAfter(REAP_INTERVAL_MS);
  expect(calls.slice(2, 5)).toEqual(['paused 250', 'heartbeats', 'expire 40250']);
  expect(calls.slice(5)).toEqual(['heartbeats', 'expire 40500']);
});

it('lets the loop turn between the portions of a large reaping', () => {
  const { calls, turns, tickAfter } = setUp(3);
  tickAfter(REAP_INTERVAL_MS);
  tickAfter(REAP_INTERVAL_MS);
  expect(calls.filter((call) => call !== 'heartbeats')).toEqual(['expire 250']);
  turns.shift()?.();
  turns.shift()?.();
  expect(turns).toEqual([]);
  expect(calls.filter((call) => call !== 'heartbeats')).toEqual(['expire 250', 'expire 500', 'expire 500']);
});

it('reaps nobody when the process was paused between two portions, until the pause was reported', () => {
  const { calls, turns, tickAfter, stop } = setUp(5);
  tickAfter(REAP_INTERVAL_MS);
  stop(40_000);
  turns.shift()?.();
  expect(calls).toEqual(['heartbeats', 'expire 250']);
  expect(turns).toEqual([]);
  tickAfter(0);
  expect(calls.slice(2)).toEqual(['paused 250', 'heartbeats', 'expire 40250']);
  while (turns.length > 0) turns.shift()?.();
  expect(calls.filter((call) => call.startsWith('expire'))).toHaveLength(5);
});
