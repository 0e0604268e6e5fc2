/**
 * When the time of each session comes, by the reap clock of its region: first it has gone quiet, later it is to go. Each waits
 * in one timing wheel for the next of the two, so that a beacon costs no more than one of them would.
 */
import { createReapClock, type ReapClock } from '../expiry/reap-clock.ts';
import { createWheel, isDue, slotAt, type Wheel } from '../expiry/wheel.ts';
import type { Quietness } from './quiet.ts';
import type { Session } from './session.ts';

export type Schedule = {
  /** @throws RangeError when there is no such region */
  clockOf(region: string): ReapClock;
  /** Of a session that is not scheduled: it was heard, and where it is now. Times are the broker's, ms since the epoch. */
  add(session: Session, receivedAtMs: number, nowMs: number): void;
  remove(session: Session): void;
  /**
   * Reports the region's sessions whose time has come, at most so many.
   * @param readMs up to when the region has been read
   * @returns how many more it could have reported; below zero when more are due
   */
  reportDue(region: string, readMs: number, most: number): number;
};

export type ScheduleOptions = {
  readonly regions: readonly string[];
  readonly ttlMs: number;
  readonly quietness: Quietness;
  readonly onQuiet: (session: Session) => void;
  /** It has been silent for a TTL. It is to be removed. @param readMs up to when its region has been read */
  readonly onExpired: (session: Session, readMs: number) => void;
};

type Timing = { readonly clock: ReapClock; readonly wheel: Wheel<Session> };

export function createSchedule({ regions, ttlMs, quietness, onQuiet, onExpired }: ScheduleOptions): Schedule {
  const timings = new Map(
    regions.map((region): [string, Timing] => [
      region,
      { clock: createReapClock(ttlMs), wheel: createWheel<Session>(ttlMs) },
    ]),
  );

  function timingOf(region: string): Timing {
    const timing = timings.get(region);
    if (!timing) throw new RangeError(`no such region: ${region}`);
    return timing;
  }

  return {
    clockOf: (region) => timingOf(region).clock,
    add(session, receivedAtMs, nowMs) {
      const { clock, wheel } = timingOf(session.presence.region);
      const seenMs = clock.seenAt(receivedAtMs, nowMs);
      session.expires = slotAt(seenMs + ttlMs);
      wheel.schedule(session, seenMs + Math.min(ttlMs, quietness.quietAfterMs(session.intervalMs)));
    },
    remove: (session) => timingOf(session.presence.region).wheel.unschedule(session),
    reportDue(region, readMs, most) {
      const { clock, wheel } = timingOf(region);
      const reapMs = clock.timeAt(readMs);
      let left = most;
      for (let session = wheel.nextDue(reapMs); session; session = wheel.nextDue(reapMs)) {
        if (left-- === 0) return -1;
        if (isDue(session.expires, reapMs)) {
          onExpired(session, readMs);
        } else {
          wheel.unschedule(session);
          onQuiet(session);
          wheel.scheduleIn(session, session.expires);
        }
      }
      return left;
    },
  };
}
