/**
 * Sessions that left, remembered for a TTL: a repeated or late beacon must not bring one
 * back. Bounded.
 */
import type { Report } from '../report/report.ts';
import type { Runs } from './runs.ts';

/** Times are by the broker's clock. */
export type Departure = Runs & { readonly leftAtMs: number; readonly forgetAtMs: number };

/** The session that a report is of. */
export type SessionIds = Pick<Report, 'meetingId' | 'sessionId'>;

export type Departed = {
  readonly size: number;
  find(session: SessionIds): Departure | undefined;
  /** Whether a beacon of the run that left, with a new number, came late, instead of going on with the session. */
  isLateBeacon(departure: Departure, receivedAtMs: number): boolean;
  /** At the bound, the session that left first is forgotten. */
  remember(session: SessionIds, departure: Departure): void;
  /** The session is alive again. */
  forget(session: SessionIds): void;
  /** Forgets at most `most` of those whose time is over. @returns how many */
  forgetDue(nowMs: number, most: number): number;
};

/**
 * A page that closes may fire one more event, and with it one more beacon, after its `leaving`. A page
 * that is restored from the back-forward cache continues later than that.
 */
const LATE_BEACON_MS = 2_000;

/** @param max how many are remembered at once */
export function createDeparted(max: number): Departed {
  /** In the order of leaving. */
  const byKey = new Map<string, Departure>();

  return {
    get size() {
      return byKey.size;
    },
    find: (session) => byKey.get(keyOf(session)),
    isLateBeacon: ({ leftAtMs }, receivedAtMs) => receivedAtMs - leftAtMs < LATE_BEACON_MS,
    remember(session, departure) {
      const key = keyOf(session);
      // Deleted first, so that it goes to the end.
      byKey.delete(key);
      byKey.set(flat(key), departure);
      if (byKey.size <= max) return;
      for (const [oldest] of byKey) {
        byKey.delete(oldest);
        break;
      }
    },
    forget(session) {
      byKey.delete(keyOf(session));
    },
    forgetDue(nowMs, most) {
      let forgotten = 0;
      for (const [key, { forgetAtMs }] of byKey) {
        if (forgetAtMs > nowMs || forgotten === most) break;
        byKey.delete(key);
        forgotten++;
      }
      return forgotten;
    },
  };
}

/** Ids cannot contain a space. */
function keyOf({ meetingId, sessionId }: SessionIds): string {
  return `${meetingId} ${sessionId}`;
}

/** The key was put together from two ids, which V8 does by keeping both: a text of its own takes 76 bytes less of each. */
function flat(key: string): string {
  return Buffer.from(key, 'latin1').toString('latin1');
}
