/** A time that another process says, as the board can show it. */
import * as v from 'valibot';

/** The last one that JavaScript has a date for: formatting a later one throws. */
const LATEST_MS = 8.64e15;

/** ms since the epoch. */
export const Time = v.pipe(v.number(), v.minValue(0), v.maxValue(LATEST_MS));
