import { expect, it } from 'vitest';
import { createWorkQueue } from './work-queue.ts';

/** An event loop and a clock that move only on demand. */
function createLoop() {
  const turns: (() => void)[] = [];
  let nowMs = 0;
  return {
    clock: () => nowMs,
    defer: (turn: () => void) => {
      turns.push(turn);
    },
    spend: (ms: number) => {
      nowMs += ms;
    },
    /** The end of a turn. */
    turn: () => turns.shift()?.(),
    pending: () => turns.length,
  };
}

function setUp(onError: (error: unknown) => void = () => undefined) {
  const loop = createLoop();
  const done: number[] = [];
  const queue = createWorkQueue({ onError, budgetMs: 4, clock: loop.clock, defer: loop.defer });
  const offer = (number: number, costMs: number) =>
    queue.offer(() => {
      done.push(number);
      loop.spend(costMs);
    });
  return { loop, done, queue, offer };
}

it('does work at once while the turn has budget left', () => {
  const { done, offer } = setUp();
  offer(1, 1);
  offer(2, 1);
  expect(done).toEqual([1, 2]);
});

it('keeps the order and the budget when there is more than a turn can do', () => {
  const { loop, done, offer } = setUp();
  for (let i = 1; i <= 10; i++) offer(i, 2);
  expect(done).toEqual([1, 2]);
  loop.turn();
  expect(done).toEqual([1, 2]);
  // What comes now must not overtake what waits.
  offer(11, 0);
  loop.turn();
  expect(done).toEqual([1, 2, 3, 4]);
  while (loop.pending() > 0) loop.turn();
  expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

it('leaves the loop alone when there is nothing to do', () => {
  const { loop, offer } = setUp();
  offer(1, 0);
  expect(loop.pending()).toBe(1);
  loop.turn();
  expect(loop.pending()).toBe(0);
});

it('goes on after a job that throws, and says what it threw', () => {
  const errors: unknown[] = [];
  const { done, offer, queue } = setUp((error) => errors.push(error));
  const bug = new Error('bug');
  queue.offer(() => {
    throw bug;
  });
  offer(1, 0);
  expect(errors).toEqual([bug]);
  expect(done).toEqual([1]);
});
