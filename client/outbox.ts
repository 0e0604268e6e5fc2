/**
 * Which beacon goes next, and when: numbers beacons, sends one at a time, and backs off while they fail. It keeps at most
 * one that failed and one that is due; a newer one replaces both, since it contains everything that they would have said.
 * Pure: clock and randomness are arguments.
 */

/** A beacon on its way. */
export type Draft<Content> = {
  readonly seq: number;
  /** Composed when it is first sent, and kept for retries: a repeat is recognised by its `seq`. */
  content?: Content | undefined;
};

export type Outcome = {
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** What an answer of 429 or 503 asks for; NaN for what is no number. */
  readonly retryAfterMs?: number;
};

export type OutboxOptions<Content> = {
  /** From 0 up to 1. */
  readonly random: () => number;
  /** A composed beacon is given up; it may have arrived nevertheless. */
  readonly onDropped: (content: Content) => void;
};

export type Outbox<Content> = {
  /** Beacons that were due or sent and then given up, cumulative. Each leaves a gap in `seq`. */
  readonly dropped: number;
  /** A beacon is due. One that was due before and has not been sent is dropped. */
  offer(): void;
  /** What to send now: undefined while one is in flight, during backoff, or when nothing is due. */
  take(nowMs: number): Draft<Content> | undefined;
  /** The outcome of the beacon in flight. */
  settle(outcome: Outcome, nowMs: number): void;
  /** The beacon in flight was not sent after all; its number is reused. */
  withdraw(): void;
  /** A number for a beacon that is sent while the page closes, whatever else is in flight. */
  takeLast(): Draft<Content>;
  /** Gives it up. */
  drop(draft: Draft<Content>): void;
};

const BACKOFF_MS = 1_000;
/**
 * As often as a client in trouble reports. The silence of an outage and the wait after it add up: with longer waits, people
 * were reaped as stale whose endpoint had been away for 20 s of a TTL of 30. What is overloaded says so by Retry-After.
 */
const BACKOFF_MAX_MS = 5_000;
const RETRY_AFTER_MAX_MS = 600_000;

export function createOutbox<Content>({ random, onDropped }: OutboxOptions<Content>): Outbox<Content> {
  let seq = 0;
  let dropped = 0;
  let isDue = false;
  let inFlight: Draft<Content> | undefined;
  let failed: Draft<Content> | undefined;
  let failures = 0;
  let blockedUntilMs = 0;

  function drop({ content }: Draft<Content>): void {
    dropped++;
    if (content) onDropped(content);
  }

  function next(): Draft<Content> {
    if (failed) drop(failed);
    failed = undefined;
    isDue = false;
    return { seq: seq++ };
  }

  return {
    get dropped() {
      return dropped;
    },
    offer() {
      if (isDue) {
        seq++;
        dropped++;
      }
      isDue = true;
    },
    take(nowMs) {
      if (inFlight || nowMs < blockedUntilMs) return undefined;
      inFlight = isDue ? next() : failed;
      failed = undefined;
      return inFlight;
    },
    settle({ status, retryAfterMs = 0 }, nowMs) {
      const draft = inFlight as Draft<Content>;
      inFlight = undefined;
      if (status >= 200 && status < 300) {
        failures = 0;
        return;
      }
      if (mayPass(status)) failed = draft;
      else drop(draft);
      const backoff = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** failures++) / 2;
      // Never before Retry-After, and not all clients at once.
      blockedUntilMs = nowMs + Math.max(Math.min(RETRY_AFTER_MAX_MS, retryAfterMs || 0), backoff) + random() * backoff;
    },
    withdraw() {
      // Only the page's last beacon can have taken a number meanwhile, and then reuse doesn't matter.
      if (inFlight?.seq === seq - 1) seq--;
      inFlight = undefined;
    },
    takeLast: next,
    drop,
  };
}

/** No answer, a timeout, rate limits, or a server error may pass; anything else would be rejected again. */
function mayPass(status: number): boolean {
  return !status || status === 408 || status === 429 || status >= 500;
}
