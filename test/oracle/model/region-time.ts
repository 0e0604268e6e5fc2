/**
 * The time in a region, by docs/adr/0006 and 0010: how far its feed was read, whether the feed is up, and the reap clock,
 * which stands still while it is down.
 */

/** One moment by three clocks, in ms. The monotonic and the wall clock are those of the aggregator's host. */
export type Moment = { readonly brokerMs: number; readonly monotonicMs: number; readonly hostMs: number };

/** Without a proof that everything has been read, time advances for at most this long. */
const CARRIED_MS = 1_000;
const BEHIND_SECONDS = 5;
const CAUGHT_UP_SECONDS = 2;

export type RegionTime = {
  /** A message was handled. @param left how many wait behind it */
  handled(storedAtMs: number, left: number, at: Moment): void;
  /** A message arrived and waits. */
  waits(): void;
  /** A consumer was opened. @param backlog what it has to deliver */
  opened(backlog: number): void;
  /** Nothing waits, neither here nor at the broker. */
  provedIdle(at: Moment): void;
  /** The feed was lost. @param heardMs when it was last heard, by the broker's clock */
  down(heardMs: number, at: Moment): void;
  up(at: Moment): void;
  /** Measures lag and skew, for {@link isUp}, {@link lagSeconds} and {@link hostSkewSeconds}. */
  measure(at: Moment): void;

  /** Up to when the region was read; NaN before anything was. */
  readMs(at: Moment): number;
  /** The reap clock, when the broker's is `ms`. */
  reapMs(ms: number): number;
  /** The feed can be heard, whether or not it is behind. */
  readonly isRunning: boolean;
  /** The feed can be heard and is not behind. */
  readonly isUp: boolean;
  readonly lagSeconds: number;
  readonly hostSkewSeconds: number;
  isWithdrawn(nowMs: number): boolean;
};

export function createRegionTime(ttlMs: number): RegionTime {
  let read = { ms: Number.NaN, monotonicMs: 0, isHeld: true };
  /** Outages, each from the time that it began; the last may have no end. */
  const outages: { fromMs: number; forMs?: number }[] = [];
  let wasEverUp = false;
  let isRunning = false;
  let isBehind = false;
  let lagSeconds = Number.NaN;
  let hostSkewSeconds = Number.NaN;

  function readMs({ monotonicMs }: Moment): number {
    return read.isHeld ? read.ms : read.ms + Math.min(CARRIED_MS, Math.max(0, monotonicMs - read.monotonicMs));
  }

  /** How long the reap clock has stood still, when the broker's clock is `ms`. */
  function stoodStillMs(ms: number): number {
    return outages.reduce((sum, { fromMs, forMs }) => sum + (forMs ?? Math.max(0, ms - fromMs)), 0);
  }

  return {
    handled(storedAtMs, left, at) {
      read = { ms: storedAtMs, monotonicMs: at.monotonicMs, isHeld: left > 0 };
    },
    waits() {
      read.isHeld = true;
    },
    opened(backlog) {
      read.isHeld = backlog > 0;
    },
    provedIdle(at) {
      if (!(at.brokerMs < readMs(at))) read = { ms: at.brokerMs, monotonicMs: at.monotonicMs, isHeld: false };
    },
    down(heardMs, at) {
      if (!isRunning) return;
      isRunning = false;
      const ms = readMs(at);
      outages.push({ fromMs: Number.isNaN(ms) ? heardMs : Math.min(ms, heardMs) });
    },
    up({ brokerMs }) {
      const last = outages.at(-1);
      if (last && last.forMs === undefined) last.forMs = Math.max(0, brokerMs - last.fromMs);
      isRunning = true;
      wasEverUp = true;
    },
    measure(at) {
      lagSeconds = Math.max(0, at.brokerMs - readMs(at)) / 1000;
      hostSkewSeconds = (at.hostMs - at.brokerMs) / 1000;
      isBehind = lagSeconds > (isBehind ? CAUGHT_UP_SECONDS : BEHIND_SECONDS);
    },
    readMs,
    reapMs: (ms) => ms - stoodStillMs(ms),
    get isRunning() {
      return isRunning;
    },
    get isUp() {
      return isRunning && !isBehind;
    },
    get lagSeconds() {
      return lagSeconds;
    },
    get hostSkewSeconds() {
      return hostSkewSeconds;
    },
    isWithdrawn(nowMs) {
      if (isRunning) return false;
      return !wasEverUp || nowMs - (outages.at(-1)?.fromMs ?? 0) >= ttlMs;
    },
  };
}
