import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createWheel, type Expiring, SLOT_MS } from './wheel.ts';

interface Item extends Expiring<Item> {
  readonly name: number;
}

function itemNamed(name: number): Item {
  return { name, due: 0, previous: undefined, next: undefined };
}

describe('the timing wheel', () => {
  it('does not give an item before its time, and gives it at most a tick after', () => {
    const wheel = createWheel<Item>(30_000);
    const item = itemNamed(1);
    wheel.schedule(item, 30_001);
    expect(wheel.nextDue(30_000)).toBeUndefined();
    expect(wheel.nextDue(30_001 + SLOT_MS)).toBe(item);
  });

  it('starts at any time of day', () => {
    const wheel = createWheel<Item>(30_000);
    const now = 1_800_000_000_123;
    const item = itemNamed(1);
    wheel.schedule(item, now + 30_000);
    expect(wheel.nextDue(now)).toBeUndefined();
    expect(wheel.nextDue(now + 29_000)).toBeUndefined();
    expect(wheel.nextDue(now + 30_250)).toBe(item);
  });

  it('agrees with a plain list of deadlines, whatever is scheduled, moved, removed and however time jumps', () => {
    const step = fc.record({
      item: fc.nat(9),
      action: fc.constantFrom('schedule', 'remove'),
      ahead: fc.nat(30_000),
      elapsed: fc.oneof(fc.nat(600), fc.nat(100_000)),
    });
    // Just before the low 32 bits of a slot's number change their sign, too.
    const start = fc.constantFrom(1_800_000_000_000, 5 * 2 ** 31 * SLOT_MS - 60_000);
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 60 }), (startMs, steps) => {
        const wheel = createWheel<Item>(30_000);
        const items = Array.from({ length: 10 }, (_, name) => itemNamed(name));
        const deadlines = new Map<number, number>();
        let now = startMs;
        for (const { item: name, action, ahead, elapsed } of steps) {
          const item = items[name] as Item;
          if (deadlines.delete(name)) wheel.unschedule(item);
          if (action === 'schedule') {
            wheel.schedule(item, now + ahead);
            deadlines.set(name, now + ahead);
          }
          now += elapsed;
          for (let due = wheel.nextDue(now); due; due = wheel.nextDue(now)) {
            expect(deadlines.get(due.name)).toBeLessThanOrEqual(now);
            deadlines.delete(due.name);
            wheel.unschedule(due);
          }
          for (const deadline of deadlines.values()) expect(deadline).toBeGreaterThan(now - SLOT_MS);
        }
      }),
    );
  });
});
