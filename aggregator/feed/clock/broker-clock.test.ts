import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createBrokerClock } from './broker-clock.ts';

const NOW = 1_800_000_000_000;

it('knows nothing before it has seen a timestamp', () => {
  expect(createBrokerClock().timeAt(5)).toBeNaN();
});

it('is carried on by the monotonic clock, and keeps the promptest timestamp', () => {
  const clock = createBrokerClock();
  clock.observe(NOW, 1_000, true);
  expect(clock.timeAt(3_500)).toBe(NOW + 2_500);
  // This one was 40 s on its way.
  clock.observe(NOW, 41_000, false);
  expect(clock.timeAt(41_000)).toBe(NOW + 40_000);
});

it('is never later than the broker, however long messages take', () => {
  const step = fc.record({ ms: fc.nat(60_000), delayMs: fc.nat(100_000), isPrompt: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const clock = createBrokerClock();
      let monotonicMs = 0;
      for (const { ms, delayMs, isPrompt } of steps) {
        monotonicMs += ms;
        clock.observe(NOW + monotonicMs - delayMs, monotonicMs, isPrompt);
        expect(clock.timeAt(monotonicMs)).toBeLessThanOrEqual(NOW + monotonicMs);
      }
    }),
  );
});

it('follows a broker whose clock goes slower or is set back, but not messages that waited', () => {
  const clock = createBrokerClock();
  clock.observe(NOW, 0, true);
  for (let ms = 1_000; ms <= 30_000; ms += 1_000) clock.observe(NOW + ms - 3_600_000, ms, false);
  expect(clock.timeAt(30_000)).toBe(NOW + 30_000);
  for (let ms = 31_000; ms <= 60_000; ms += 1_000) clock.observe(NOW + ms - 3_600_000, ms, true);
  expect(clock.timeAt(60_000)).toBe(NOW + 60_000 - 3_600_000);
});
