/**
 * When a beacon is due: at once when a figure got worse, every 5 s while something is wrong or has changed, else every
 * quarter of the TTL. Pure: clock and randomness are arguments.
 */
import type { Levels } from './figures.ts';

export type Schedule = {
  /** Notes how the call is going. */
  note(levels: Levels, nowMs: number): void;
  /** Something should be known soon, for example that the join failed. */
  hurry(): void;
  /**
   * @param ttlSeconds 0 while it is unknown: then beacons are paced as if something were wrong
   * @param hasChanged whether anything but figures differs from the last beacon
   */
  isDue(nowMs: number, ttlSeconds: number, hasChanged: boolean): boolean;
  /** A beacon goes out with what is known now. */
  sent(nowMs: number): void;
};

const AT_ONCE_MS = 1_000;
const IN_TROUBLE_MS = 5_000;

/** @param random from 0 up to 1: intervals differ by up to a fifth, so that clients don't send in lockstep after an incident */
export function createSchedule(random: () => number): Schedule {
  /** The worst level of each figure since the last trouble ended: a figure that oscillates around an objective is urgent once. */
  let worst: Levels = {};
  let inTroubleUntilMs = 0;
  let isUrgent = true;
  let sentAtMs = Number.NEGATIVE_INFINITY;
  let stretch = 1;

  return {
    note(levels, nowMs) {
      if (nowMs >= inTroubleUntilMs) worst = {};
      for (const figure in levels) {
        const level = levels[figure] as number;
        if (level) inTroubleUntilMs = nowMs + IN_TROUBLE_MS;
        if (level > (worst[figure] ?? 0)) {
          worst[figure] = level;
          isUrgent = true;
        }
      }
    },
    hurry() {
      isUrgent = true;
    },
    isDue(nowMs, ttlSeconds, hasChanged) {
      const wellMs = ttlSeconds * 250 || IN_TROUBLE_MS;
      const isWell = nowMs >= inTroubleUntilMs && !hasChanged;
      const intervalMs = isWell ? wellMs : Math.min(wellMs, IN_TROUBLE_MS);
      return nowMs - sentAtMs >= (isUrgent ? AT_ONCE_MS : intervalMs * stretch);
    },
    sent(nowMs) {
      isUrgent = false;
      sentAtMs = nowMs;
      stretch = 0.8 + 0.4 * random();
    },
  };
}
