import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Levels } from './figures.ts';
import { createSchedule } from './schedule.ts';

const TTL_SECONDS = 30;
/** The middle: no interval is stretched or shortened. */
const HALF = () => 0.5;

/**
 * Asks every 100 ms for a minute, as a reporter that sends whenever something is due.
 * @returns when beacons went, in ms
 */
function sentIn(levelsAt: (ms: number) => Levels, { random = HALF, ttlSeconds = TTL_SECONDS } = {}): number[] {
  const schedule = createSchedule(random);
  const sent: number[] = [];
  for (let ms = 0; ms < 60_000; ms += 100) {
    schedule.note(levelsAt(ms), ms);
    if (!schedule.isDue(ms, ttlSeconds, false)) continue;
    schedule.sent(ms);
    sent.push(ms);
  }
  return sent;
}

function intervals(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] as number));
}

describe('createSchedule', () => {
  it('begins at once', () => {
    expect(sentIn(() => ({}))[0]).toBe(0);
  });

  it('sends every quarter of the TTL while the call is fine', () => {
    expect(new Set(intervals(sentIn(() => ({}))))).toEqual(new Set([7_500]));
  });

  it('sends every 5 s while something is wrong', () => {
    expect(new Set(intervals(sentIn(() => ({ rtt: 1 }))))).toEqual(new Set([5_000]));
  });

  it('sends every 5 s while the TTL is unknown, and never more rarely than a short TTL requires', () => {
    expect(intervals(sentIn(() => ({}), { ttlSeconds: 0 }))[0]).toBe(5_000);
    expect(intervals(sentIn(() => ({ rtt: 2 }), { ttlSeconds: 8 })).at(-1)).toBe(2_000);
  });

  it('sends at once when a figure gets worse, and again when it gets bad', () => {
    const times = sentIn((ms) => ({ rtt: ms < 10_000 ? 0 : ms < 12_000 ? 1 : 2 }));
    expect(times.slice(0, 5)).toEqual([0, 7_500, 10_000, 12_000, 17_000]);
  });

  it('sends at most once a second, and at once only the first time that a figure oscillates past an objective', () => {
    expect(Math.min(...intervals(sentIn((ms) => ({ [`figure ${ms}`]: 2 }))))).toBe(1_000);
    expect(new Set(intervals(sentIn((ms) => ({ rtt: ms % 400 === 0 ? 2 : 0 }))))).toEqual(new Set([5_000]));
  });

  it('slows down when all has been fine for 5 s, and is urgent again when a figure then gets bad', () => {
    const times = sentIn((ms) => ({ rtt: ms === 10_000 || ms === 20_000 ? 2 : 0 }));
    expect(times.slice(0, 4)).toEqual([0, 7_500, 10_000, 17_500]);
    expect(times).toContain(20_000);
  });

  it('sends within 5 s what changed, and within a second what is urgent', () => {
    const schedule = createSchedule(HALF);
    schedule.sent(0);
    expect([schedule.isDue(4_900, TTL_SECONDS, true), schedule.isDue(5_000, TTL_SECONDS, true)]).toEqual([false, true]);
    schedule.hurry();
    expect([schedule.isDue(900, TTL_SECONDS, false), schedule.isDue(1_000, TTL_SECONDS, false)]).toEqual([false, true]);
  });

  it('varies intervals by a fifth at most, so that a TTL always holds three beacons', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999, noNaN: true }), (luck) => {
        const [interval = 0] = intervals(sentIn(() => ({}), { random: () => luck }));
        expect(interval).toBeGreaterThanOrEqual(6_000);
        expect(interval).toBeLessThanOrEqual(9_000);
      }),
    );
  });
});
