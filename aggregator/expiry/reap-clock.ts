/**
 * The clock by which sessions expire: it stands still while the feed is down, because
 * silence then says nothing about the sessions. One per region, since each region has its own feed.
 */
export type ReapClock = {
  /** Whether the feed is up, and the clock runs. Down at first. */
  readonly isRunning: boolean;
  /** When the feed went down; undefined while it is up, and before it is up for the first time. */
  readonly stoppedSinceMs: number | undefined;
  /** The feed is down since then. */
  stop(nowMs: number): void;
  /** The feed is up again. */
  start(nowMs: number): void;
  /** The reap time now. It does not move while the clock is stopped. */
  timeAt(nowMs: number): number;
  /**
   * The reap time at which something was last seen that the edge received at `receivedAtMs`. Never
   * in the future: an edge whose clock runs ahead must not make its sessions outlive the others.
   */
  seenAt(receivedAtMs: number, nowMs: number): number;
  /** Whether the state is too old to expose: the feed has been down for a whole TTL, or was never up. */
  isWithdrawn(nowMs: number): boolean;
};

export function createReapClock(ttlMs: number): ReapClock {
  let isRunning = false;
  /** Nothing is known before the feed is up for the first time. */
  let hasRun = false;
  let stoppedAtMs = 0;
  /** How long the clock has stood still in all, ended outages only. */
  let stoodStillMs = 0;

  function stoodStillUntil(nowMs: number): number {
    return stoodStillMs + (!isRunning && hasRun ? Math.max(0, nowMs - stoppedAtMs) : 0);
  }

  return {
    get isRunning() {
      return isRunning;
    },
    get stoppedSinceMs() {
      return isRunning || !hasRun ? undefined : stoppedAtMs;
    },
    stop(nowMs) {
      if (!isRunning) return;
      isRunning = false;
      stoppedAtMs = nowMs;
    },
    start(nowMs) {
      if (isRunning) return;
      stoodStillMs = stoodStillUntil(nowMs);
      isRunning = true;
      hasRun = true;
    },
    timeAt: (nowMs) => nowMs - stoodStillUntil(nowMs),
    seenAt: (receivedAtMs, nowMs) => Math.min(receivedAtMs, nowMs) - stoodStillUntil(nowMs),
    isWithdrawn: (nowMs) => !isRunning && (!hasRun || nowMs - stoppedAtMs >= ttlMs),
  };
}
