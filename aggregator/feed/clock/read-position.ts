/**
 * Up to what time of the broker's a cursor has been read. Sessions expire by it, so it must never run
 * ahead: what was not read yet may be the beacon of somebody who lives. Pure.
 */

export type ReadPosition = {
  /** A new consumer goes on from the position. What it will have to deliver is not known yet. */
  reopened(): void;
  /** How many deliveries have arrived and are not handled yet. */
  waiting(count: number): void;
  /** @param pending messages that the consumer had yet to deliver */
  handled(timestampMs: number, pending: number, monotonicMs: number): void;
  /** The consumer has nothing to deliver. */
  idle(): void;
  /** All that the broker had at `timeMs` has arrived, if nothing is pending. */
  arrivedUntil(timeMs: number, monotonicMs: number): void;
  /** ms since the epoch by the broker; NaN before anything was read. */
  timeAt(monotonicMs: number): number;
  /** When the newest message was stored that was handled; minus infinity before the first. */
  readonly handledMs: number;
};

/**
 * For how long the position goes on by itself after the last proof that all has been read. A process that
 * is stopped and continued therefore can't find itself ahead of the beacons that wait in its socket.
 */
const CARRIED_MS = 1_000;

export function createReadPosition(): ReadPosition {
  let readMs = Number.NaN;
  let readAtMs = 0;
  let handledMs = Number.NEGATIVE_INFINITY;
  let isPending = true;
  let waiting = 0;

  function timeAt(monotonicMs: number): number {
    if (isPending || waiting > 0) return readMs;
    return readMs + Math.min(Math.max(0, monotonicMs - readAtMs), CARRIED_MS);
  }

  return {
    reopened() {
      isPending = true;
      waiting = 0;
    },
    waiting(count) {
      waiting = count;
    },
    handled(timestampMs, pending, monotonicMs) {
      readMs = timestampMs;
      handledMs = timestampMs;
      readAtMs = monotonicMs;
      isPending = pending > 0;
    },
    idle() {
      isPending = false;
    },
    arrivedUntil(timeMs, monotonicMs) {
      if (isPending || waiting > 0 || Number.isNaN(timeMs) || timeMs < timeAt(monotonicMs)) return;
      readMs = timeMs;
      readAtMs = monotonicMs;
    },
    timeAt,
    get handledMs() {
      return handledMs;
    },
  };
}
