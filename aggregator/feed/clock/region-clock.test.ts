import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBrokerClock } from './broker-clock.ts';
import { createReadPosition } from './read-position.ts';
import { createRegionClock } from './region-clock.ts';

const NOW = 1_800_000_000_000;

describe('the position of a cursor', () => {
  it('stands at the message being handled while others wait', () => {
    const position = createReadPosition();
    expect(position.timeAt(0)).toBeNaN();
    position.waiting(3);
    position.handled(NOW, 0, 1_000);
    expect(position.timeAt(1_900)).toBe(NOW);
    position.waiting(0);
    position.handled(NOW + 10, 7, 2_000);
    expect(position.timeAt(2_900)).toBe(NOW + 10);
  });

  it('goes on for a second by itself, and as long as the broker answers that all has arrived', () => {
    const position = createReadPosition();
    position.handled(NOW, 0, 1_000);
    expect(position.timeAt(1_400)).toBe(NOW + 400);
    // The process was stopped for 40 s: what came meanwhile waits in the socket.
    expect(position.timeAt(41_000)).toBe(NOW + 1_000);
    position.arrivedUntil(NOW + 40_000, 41_000);
    expect(position.timeAt(41_250)).toBe(NOW + 40_250);
  });

  it('does not believe an answer while messages wait, here or at the broker', () => {
    const position = createReadPosition();
    position.handled(NOW, 1, 0);
    position.arrivedUntil(NOW + 9_000, 9_000);
    position.handled(NOW, 0, 9_000);
    position.waiting(1);
    position.arrivedUntil(NOW + 9_000, 9_000);
    expect(position.timeAt(9_000)).toBe(NOW);
    position.waiting(0);
    position.reopened();
    position.arrivedUntil(NOW + 9_000, 9_000);
    expect(position.timeAt(9_000)).toBe(NOW);
    position.idle();
    position.arrivedUntil(NOW + 9_000, 9_000);
    expect(position.timeAt(9_000)).toBe(NOW + 9_000);
  });

  it('is never ahead of a message that was not handled by more than a second', () => {
    // Messages are stored, and handled in order after whatever time; the broker answers in that order.
    const step = fc.record({ ms: fc.nat(3_000), store: fc.nat(4), handle: fc.nat(4), ask: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const position = createReadPosition();
        const stored: number[] = [];
        let arrived = 0;
        let handled = 0;
        let nowMs = 0;
        for (const { ms, store, handle, ask } of steps) {
          nowMs += ms;
          for (let i = 0; i < store; i++) stored.push(nowMs);
          if (ask) {
            arrived = stored.length;
            position.waiting(arrived - handled);
            position.arrivedUntil(NOW + nowMs, nowMs);
          }
          for (let i = 0; i < handle && handled < arrived; i++) {
            const timestampMs = stored[handled++] as number;
            position.waiting(arrived - handled);
            position.handled(NOW + timestampMs, 0, nowMs);
          }
          const unread = stored[handled];
          if (unread !== undefined && handled > 0) {
            expect(position.timeAt(nowMs)).toBeLessThanOrEqual(NOW + unread + 1_000);
          }
        }
      }),
    );
  });
});

describe('the clock of a region', () => {
  const setUp = (count: number) => {
    const broker = createBrokerClock();
    broker.observe(NOW, 0, true);
    const positions = Array.from({ length: count }, () => createReadPosition());
    return { positions, clock: createRegionClock(broker, positions) };
  };

  it('is the time of the cursor furthest behind, which a silent one is not', () => {
    const { positions, clock } = setUp(2);
    const [busy, silent] = positions;
    busy?.handled(NOW + 60_000, 0, 60_000);
    expect(clock.readMs(60_000)).toBeNaN();
    silent?.idle();
    silent?.arrivedUntil(NOW + 59_900, 60_000);
    expect(clock.readMs(60_000)).toBe(NOW + 59_900);
    busy?.handled(NOW + 59_000, 5, 60_000);
    expect(clock.readMs(60_000)).toBe(NOW + 59_000);
    expect(clock.lagMs(60_000)).toBe(1_000);
  });

  it('is behind from 5 s of lag on until it is less than 2 s', () => {
    const { positions, clock } = setUp(1);
    const lagging = (ms: number) => {
      positions[0]?.handled(NOW + 100_000 - ms, 1, 100_000);
      return clock.isBehind(100_000);
    };
    expect([0, 4_999, 5_001, 2_001, 1_999, 4_999].map(lagging)).toEqual([false, false, true, true, false, false]);
  });
});
