/**
 * The clock by which sessions expire: it stands still while the feed is down, because nobody
 * left then; we just couldn't hear. One for each region, since each has a feed of its own.
 */

export type ReapClock = {
  up: boolean;
  /** The feed has been up before: until then nothing is known, and nothing is claimed. */
  everUp: boolean;
  downSinceMs: number;
  /** How long the clock has stood still in all, ended outages only. */
  stoppedMs: number;
};

export function createReapClock(): ReapClock {
  return { up: false, everUp: false, downSinceMs: 0, stoppedMs: 0 };
}

export function stop(clock: ReapClock, nowMs: number): void {
  if (!clock.up) return;
  clock.up = false;
  clock.downSinceMs = nowMs;
}

export function start(clock: ReapClock, nowMs: number): void {
  if (clock.up) return;
  clock.stoppedMs = stoppedFor(clock, nowMs);
  clock.up = true;
  clock.everUp = true;
}

/**
 * The reap time at which something was last seen that the edge received at `receivedAtMs`. Never
 * in the future: an edge whose clock runs ahead must not make its sessions outlive the others.
 */
export function seenAt(clock: ReapClock, receivedAtMs: number, nowMs: number): number {
  return Math.min(receivedAtMs, nowMs) - stoppedFor(clock, nowMs);
}

/** The reap time now. It does not move while the clock is stopped. */
export function read(clock: ReapClock, nowMs: number): number {
  return nowMs - stoppedFor(clock, nowMs);
}

/** Whether what we remember is too old to be claimed: the feed has been down for a whole TTL, or never up. */
export function isWithdrawn(clock: ReapClock, ttlMs: number, nowMs: number): boolean {
  return !clock.up && (!clock.everUp || nowMs - clock.downSinceMs >= ttlMs);
}

/** When the feed went down; undefined while it is up, and when it has not been up yet. */
export function downSince(clock: ReapClock): number | undefined {
  return clock.up || !clock.everUp ? undefined : clock.downSinceMs;
}

function stoppedFor(clock: ReapClock, nowMs: number): number {
  const standing = !clock.up && clock.everUp ? Math.max(0, nowMs - clock.downSinceMs) : 0;
  return clock.stoppedMs + standing;
}
