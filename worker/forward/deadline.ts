/**
 * Waiting with a timeout. workerd considers a request that only awaits another request's promise hung, and kills it;
 * a timer of the waiting request keeps it alive.
 */

/** The promise's value, or `otherwise` once `milliseconds` have passed; rejects when the promise does. */
export function within<T, Otherwise>(
  promise: Promise<T>,
  milliseconds: number,
  otherwise: Otherwise,
): Promise<T | Otherwise> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise), milliseconds);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/**
 * All waits of one request on one timer, since timers are most of the cost of a waiting request. One wait at a time;
 * waits are rounded up to whole ticks and may last one tick longer.
 */
export type RequestTimer = {
  /** As {@link within}, on the request's timer. */
  within<T, Otherwise>(promise: Promise<T>, milliseconds: number, otherwise: Otherwise): Promise<T | Otherwise>;
  /** Calls `check` about four times a second until the request is over. */
  watch(check: () => void): void;
  /** Ends the timer with its request. */
  stop(): void;
};

const TIMER_TICK_MS = 250;

/** @param onSlow called once, when the request has lasted a tick: for work that only slow requests need */
export function createRequestTimer(onSlow: () => void = () => undefined): RequestTimer {
  let isSlow = false;
  let giveUp: (() => void) | undefined;
  let watching: (() => void) | undefined;
  let ticksLeft = 0;
  let timer = setTimeout(tick, TIMER_TICK_MS);

  function tick(): void {
    if (!isSlow) onSlow();
    isSlow = true;
    ticksLeft -= 1;
    if (ticksLeft < 0) giveUp?.();
    watching?.();
    timer = setTimeout(tick, TIMER_TICK_MS);
  }

  return {
    within(promise, milliseconds, otherwise) {
      ticksLeft = Math.ceil(milliseconds / TIMER_TICK_MS);
      return new Promise((resolve, reject) => {
        giveUp = () => resolve(otherwise);
        promise.then(resolve, reject);
      });
    },
    watch(check) {
      watching = check;
    },
    stop: () => clearTimeout(timer),
  };
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Keeps a piece of work alive after its request has been answered or has hung up (`ctx.waitUntil`). */
export type WaitUntil = (work: Promise<unknown>) => void;
