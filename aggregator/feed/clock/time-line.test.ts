import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBrokerClock } from './broker-clock.ts';
import { createTimeLine } from './time-line.ts';

const NOW = 1_800_000_000_000;

it('is the clock of the only broker, digit by digit', () => {
  const clock = createBrokerClock();
  const line = createTimeLine();
  const place = line.add(clock);
  expect(line.timeAt(7)).toBeNaN();
  clock.observe(NOW + 0.1234, 1_000.3, true);
  expect(line.timeAt(3_500.1)).toBe(clock.timeAt(3_500.1));
  expect(place(NOW - 0.7)).toBe(NOW - 0.7);
});

it('goes by the first broker that is known, and keeps to it when an earlier one follows', () => {
  const [home, away] = [createBrokerClock(), createBrokerClock()];
  const line = createTimeLine();
  const [placeHome, placeAway] = [line.add(home), line.add(away)];
  away.observe(NOW, 0, true);
  expect(placeHome(NOW)).toBeNaN();
  expect(line.timeAt(500)).toBe(NOW + 500);
  home.observe(NOW + 5_000, 0, true);
  expect([line.timeAt(500), placeHome(NOW + 5_000), placeAway(NOW)]).toEqual([NOW + 500, NOW, NOW]);
});

it('puts what was stored at one moment at one time, and what is older before it, however far apart the clocks are', () => {
  const offset = fc.integer({ min: -3_600_000, max: 3_600_000 });
  const stored = fc.array(fc.record({ atMs: fc.nat(60_000), broker: fc.nat(2) }), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(fc.tuple(offset, offset, offset), stored, (offsets, messages) => {
      const clocks = offsets.map(() => createBrokerClock());
      const line = createTimeLine();
      const places = clocks.map((clock) => line.add(clock));
      for (const [i, clock] of clocks.entries()) clock.observe(NOW + (offsets[i] as number), 0, true);
      const now = line.timeAt(60_000);
      for (const { atMs, broker } of messages) {
        // Read at 60 s: its age is what is left, whoever stored it.
        const placed = places[broker]?.(NOW + (offsets[broker] as number) + atMs) as number;
        expect(now - placed).toBe(60_000 - atMs);
      }
    }),
  );
});
