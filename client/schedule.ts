/**
 * When a beacon is due: at once when a figure got worse, every 5 s while something is wrong or has changed, else every
 * quarter of the TTL. Pure: clock and randomness are arguments.
 */
import type { Levels } from './figures.ts';

export type Schedule = {
  /** Takes in how the call is. */
  note(levels: Levels, nowMs: number): void;
  /** Something should be known soon, for example that the join failed. */
  hurry(): void;
  /**
   * @param ttlSeconds 0 until it is known, which is paced as if something were wrong
   * @param hasChanged whether anything that is no figure differs from what the last beacon said
   */
  isDue(nowMs: number, ttlSeconds: number, hasChanged: boolean): boolean;
  /** A beacon goes out with what is known now. */
  sent(nowMs: number): void;
};

const AT_ONCE_MS = 1_000;
const IN_TROUBLE_MS = 5_000;

/** @param random from 0 up to 1: intervals differ by up to a fifth, so that an incident does not march its clients in step */
export function createSchedule(random: () => number): Schedule {
  /** The worst of each figure since all was well: one that swings about an objective is not news each time. */
  let worst: Levels = {};
  let inTroubleUntilMs = 0;
  let isUrgent = true;
  let sentAtMs = Number.NEGATIVE_INFINITY;
  let stretch = 1;

  return {
    note(levels, nowMs) {
      if (nowMs >= inTroubleUntilMs) worst = {};
      for (const figure in levels) {
        const level = levels[figure] ?? 0;
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
