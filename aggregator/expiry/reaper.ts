/**
 * What happens a few times a second without anybody asking: silent feeds are noticed, and sessions
 * that have been silent for a TTL are removed. Before that, it makes sure that the process itself
 * was awake: after a stop (a suspended machine, a debugger, a frozen container) everybody looks
 * silent, while their beacons wait unread.
 */

export type ReaperOptions = {
  /** @returns whether more are due */
  readonly expire: (nowMs: number) => boolean;
  /** Looks for consumers that have gone silent. */
  readonly watch: () => void;
  /** The process stood still since then: nothing is believed until what was missed has been read. */
  readonly interrupted: (sinceMs: number) => void;
  readonly now: () => number;
  /** Calls back once in the next turn of the event loop. */
  readonly defer: (turn: () => void) => void;
};

export const TICK_MS = 250;
/** A tick that comes this late is a stop, not a busy moment: work is done in slices of milliseconds. */
const STOPPED_MS = 1_000;

/** @returns the tick, to be called every {@link TICK_MS} */
export function createReaper({ expire, watch, interrupted, now, defer }: ReaperOptions): () => void {
  let lastMs = now();
  let reaping = false;

  function reap(): void {
    reaping = expire(now());
    if (reaping) defer(reap);
  }

  return () => {
    const nowMs = now();
    if (nowMs - lastMs > TICK_MS + STOPPED_MS) interrupted(lastMs);
    lastMs = nowMs;
    watch();
    if (!reaping) reap();
  };
}
