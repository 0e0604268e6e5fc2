/**
 * Which region's NATS a Forwarder publishes through now: that of its own region, the home, or of a fallback region. Pure:
 * the clock and the state of the connections are arguments.
 *
 * A route is left when it is not connected for {@link CONNECT_MS} although it is wanted, or when nothing was acknowledged
 * for {@link SILENT_MS} although something waits: a broker without a quorum, without the stream or without the
 * permission is no better than none. After the last fallback comes the home again, until one works. From a fallback, the
 * home is probed with a message that it has to acknowledge; one that fails again soon after the return is left alone for
 * longer each time, since every change costs a few seconds of spooling.
 */
export const CONNECT_MS = 2_000;
export const SILENT_MS = 5_000;
/** The home is probed this long after it was left, and after a probe that failed. */
export const RETURN_MS = 5_000;
/** The longest that a home which fails again and again is left alone. */
export const RETURN_MAX_MS = 60_000;
/** A home that fails later than this after the return begins again with {@link RETURN_MS}. */
export const STEADY_MS = 60_000;

/** The home among the routes; the fallbacks follow in their order. */
export const HOME = 0;

export type LeaveReason = 'not connected' | 'nothing acknowledged';

/** `now` is in ms, of a clock that may be set. */
export type Route = {
  /** The index of the route in use. */
  current(): number;
  /** The route is needed, and it is not connected. */
  want(nowMs: number): void;
  /** A publish begins on the current route. */
  began(nowMs: number): void;
  /** A publish on the current route has ended. @param isStored undefined when that says nothing of the route */
  ended(isStored: boolean | undefined, nowMs: number): void;
  /** Leaves the current route if it has failed. @returns why, or undefined when it stays */
  check(nowMs: number, isUp: boolean): LeaveReason | undefined;
  /** Whether the home should be sent a message now, to find out if it works; call {@link Route.probed} with the outcome. */
  isProbeDue(nowMs: number): boolean;
  probed(isStored: boolean, nowMs: number): void;
};

/** @param routes how many there are, the home included */
export function createRoute(routes: number): Route {
  let current = HOME;
  let notUpSinceMs: number | undefined;
  let wantedAtMs = Number.NEGATIVE_INFINITY;
  let waitingSinceMs: number | undefined;
  let endedAtMs = Number.NEGATIVE_INFINITY;
  let underWay = 0;
  let returnedAtMs = Number.NEGATIVE_INFINITY;
  let leftAtMs = Number.NEGATIVE_INFINITY;
  let returnMs = RETURN_MS;

  function take(index: number): void {
    current = index;
    notUpSinceMs = undefined;
    waitingSinceMs = undefined;
    underWay = 0;
  }

  function leave(nowMs: number): void {
    if (current === HOME) {
      returnMs = hasPassed(STEADY_MS, returnedAtMs, nowMs) ? RETURN_MS : Math.min(RETURN_MAX_MS, 2 * returnMs);
      leftAtMs = nowMs;
    }
    take((current + 1) % routes);
    notUpSinceMs = nowMs;
  }

  function failureOf(nowMs: number): LeaveReason | undefined {
    if (notUpSinceMs !== undefined) return hasPassed(CONNECT_MS, notUpSinceMs, nowMs) ? 'not connected' : undefined;
    const isSilent = waitingSinceMs !== undefined && hasPassed(SILENT_MS, waitingSinceMs, nowMs);
    return isSilent ? 'nothing acknowledged' : undefined;
  }

  return {
    current: () => current,
    want(nowMs) {
      // Wanted again after a rest: the time in between says nothing of the route.
      if (hasPassed(CONNECT_MS, wantedAtMs, nowMs)) notUpSinceMs = undefined;
      wantedAtMs = nowMs;
      notUpSinceMs ??= nowMs;
    },
    began(nowMs) {
      // After a rest: what failed before it is not what this one waits for.
      if (underWay === 0 && hasPassed(SILENT_MS, endedAtMs, nowMs)) waitingSinceMs = undefined;
      underWay += 1;
      waitingSinceMs ??= nowMs;
    },
    ended(isStored, nowMs) {
      underWay = Math.max(0, underWay - 1);
      endedAtMs = nowMs;
      if (isStored === false) return;
      if (underWay === 0) waitingSinceMs = undefined;
      else if (isStored) waitingSinceMs = nowMs;
    },
    check(nowMs, isUp) {
      if (isUp) notUpSinceMs = undefined;
      const failure = routes > 1 ? failureOf(nowMs) : undefined;
      if (failure) leave(nowMs);
      return failure;
    },
    isProbeDue: (nowMs) => current !== HOME && hasPassed(returnMs, leftAtMs, nowMs),
    probed(isStored, nowMs) {
      if (current === HOME) return;
      if (!isStored) {
        leftAtMs = nowMs;
        return;
      }
      returnedAtMs = nowMs;
      take(HOME);
    },
  };
}

/** Whether `milliseconds` have passed since then, or the clock was set by as much. */
function hasPassed(milliseconds: number, sinceMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - sinceMs) >= milliseconds;
}
