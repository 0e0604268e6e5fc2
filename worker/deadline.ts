/**
 * Waiting with an end. In workerd a request that only awaits another request's promise counts as hung
 * and is killed; the timer here is the waiting request's own, and keeps it alive.
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

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** Keeps a piece of work alive after its request has been answered or has hung up (`ctx.waitUntil`). */
export type Hold = (work: Promise<unknown>) => void;
