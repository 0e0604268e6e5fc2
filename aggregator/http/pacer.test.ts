import { expect, it } from 'vitest';
import { createPacer } from './pacer.ts';

/** A clock that a source moves, and a count of the turns of the loop that were taken. */
function setUp() {
  let nowMs = 0;
  let turns = 0;
  const pacer = createPacer({
    sliceMs: 4,
    clock: () => nowMs,
    defer: (turn) => {
      turns++;
      queueMicrotask(turn);
    },
  });
  function* source(steps: number, costMs: number, ended?: () => void): Generator<string, void, void> {
    try {
      for (let i = 0; i < steps; i++) {
        nowMs += costMs;
        yield `${i} `;
      }
    } finally {
      ended?.();
    }
  }
  return { pacer, source, turns: () => turns };
}

it('gives the source no more than a slice in a turn', async () => {
  const { pacer, source, turns } = setUp();
  const chunks: string[] = [];
  for await (const chunk of pacer.text(source(10, 1))) chunks.push(chunk);
  expect(chunks).toEqual(['0 1 2 3 ', '4 5 6 7 ', '8 9 ']);
  expect(turns()).toBe(3);
});

it('lets several take turns, one slice in each', async () => {
  const { pacer, source, turns } = setUp();
  const order: string[] = [];
  const read = async (name: string) => {
    for await (const chunk of pacer.text(source(3, 4))) order.push(name + chunk);
  };
  await Promise.all([read('a'), read('b')]);
  expect(order).toEqual(['a0 ', 'b0 ', 'a1 ', 'b1 ', 'a2 ', 'b2 ']);
  // Two more to find that each has ended.
  expect(turns()).toBe(8);
});

it('ends the source when its reader stops early', async () => {
  const { pacer, source } = setUp();
  let ended = false;
  for await (const _ of pacer.text(
    source(1_000, 4, () => {
      ended = true;
    }),
  )) {
    break;
  }
  expect(ended).toBe(true);
});

it('runs a query to its result', async () => {
  const { pacer, source, turns } = setUp();
  function* query(): Generator<void, string, void> {
    for (const _ of source(8, 1)) yield;
    return 'result';
  }
  expect(await pacer.run(query())).toBe('result');
  expect(turns()).toBe(3);
});
