/**
 * Runs a few times a second: replaces consumers that missed their heartbeats, and removes sessions
 * that have been silent for a TTL.
 *
 * First it makes sure that the process itself was running. A suspended machine, a debugger or a
 * frozen container stops it while beacons wait unread in NATS: the feed is then read anew from where
 * it was, and reported down until it has caught up.
 */

export type ReaperOptions = {
  /** Removes some of the sessions that are due. @returns whether more are due */
  readonly expire: (nowMs: number) => boolean;
  /** Replaces consumers that have gone silent. */
  readonly checkHeartbeats: () => void;
  /** The process did not run since then: no session may expire until what was missed has been read. */
  readonly onPaused: (sinceMs: number) => void;
  /** A clock in milliseconds that never goes back. */
  readonly now: () => number;
  /** Calls back once in the next turn of the event loop. */
  readonly defer: (turn: () => void) => void;
};

export const REAP_INTERVAL_MS = 250;
/**
 * A tick that is later than this was held up by a pause. Shorter ones need nothing: the reap clock never runs ahead of
 * what was read, and a process that is given 2 % of a core would do nothing but open consumers.
 */
const PAUSED_MS = 4_000;

/** @returns the reaper, to be called every {@link REAP_INTERVAL_MS} */
export function createReaper({ expire, checkHeartbeats, onPaused, now, defer }: ReaperOptions): () => void {
  let lastMs = now();
  let reaping = false;

  function isPaused(nowMs: number): boolean {
    return nowMs - lastMs > REAP_INTERVAL_MS + PAUSED_MS;
  }

  function reap(): void {
    const nowMs = now();
    // Stopped between two portions: the rest is for the next tick, which first has the feed read what was missed.
    reaping = !isPaused(nowMs) && expire(nowMs);
    if (reaping) defer(reap);
  }

  return () => {
    const nowMs = now();
    if (isPaused(nowMs)) onPaused(lastMs);
    lastMs = nowMs;
    checkHeartbeats();
    if (!reaping) reap();
  };
}
