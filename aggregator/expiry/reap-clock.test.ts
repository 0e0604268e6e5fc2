import { describe, expect, it } from 'vitest';
import { createReapClock } from './reap-clock.ts';

const TTL_MS = 30_000;

describe('the reap clock', () => {
  it('claims nothing until it has run, and again after it stood still for a TTL', () => {
    const clock = createReapClock(TTL_MS);
    expect([clock.isRunning, clock.isWithdrawn(1_000)]).toEqual([false, true]);
    clock.start(1_000);
    expect([clock.isRunning, clock.isWithdrawn(900_000)]).toEqual([true, false]);
    clock.stop(2_000);
    clock.stop(9_000);
    expect([clock.isWithdrawn(31_999), clock.isWithdrawn(32_000)]).toEqual([false, true]);
  });

  it('stands still while it is stopped, and adds up its outages', () => {
    const clock = createReapClock(TTL_MS);
    clock.start(1_000);
    clock.stop(2_000);
    expect([clock.timeAt(2_000), clock.timeAt(7_000)]).toEqual([2_000, 2_000]);
    clock.start(7_000);
    clock.stop(8_000);
    clock.start(10_000);
    expect(clock.timeAt(11_000)).toBe(4_000);
  });

  it('sees nothing in the future, whatever the clock of the edge says', () => {
    const clock = createReapClock(TTL_MS);
    clock.start(0);
    expect([clock.seenAt(4_000, 5_000), clock.seenAt(900_000, 5_000)]).toEqual([4_000, 5_000]);
  });
});
