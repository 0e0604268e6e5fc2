/**
 * A value as the live population keeps it: a whole number of millionths in 32 bits. A value takes four bytes, a sum is
 * exact in any order, and subtracting takes away exactly what was added.
 */

/** How many millionths one is. */
export const RESOLUTION = 1e6;

/** In the place of a value that is not known. */
export const UNKNOWN = 2 ** 32 - 1;

/** The largest value that can be kept, over an hour in seconds; larger ones become it. */
export const VALUE_MAX = (UNKNOWN - 1) / RESOLUTION;

/**
 * Rounded; sixty times a beacon, so that it is written for speed: the shift cuts off what is behind the point.
 * @param value not negative, or NaN when it is not known
 */
export function millionthsOf(value: number): number {
  if (value < VALUE_MAX) return (value * RESOLUTION + 0.5) >>> 0;
  return Number.isNaN(value) ? UNKNOWN : UNKNOWN - 1;
}

/** @returns NaN when it is not known */
export function fromMillionths(millionths: number): number {
  return millionths === UNKNOWN ? Number.NaN : millionths / RESOLUTION;
}
