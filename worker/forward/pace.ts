/**
 * When an isolate sends its next call to a region. A call is billed and costs many times what a beacon does, so a
 * busy isolate gathers beacons first; a quiet one never waits.
 */

/** Calls of a region start at least this far apart. */
export const REST_MS = 10;
/** With calls in flight the next one gathers longer: {@link REST_MS} times this for each call in flight. */
const REST_FACTOR = 3;
/** After a burst of {@link SILENCE_BEACONS}, this long without a beacon means that no more are coming. */
export const SILENCE_MS = 3;
/** With fewer beacons a pause means nothing: they arrive one by one, and each one gathered saves a call. */
export const SILENCE_BEACONS = 16;
/** Enough for a call: an isolate that gathers this many within {@link REST_MS} would only be throttled by waiting. */
export const ENOUGH_BEACONS = 48;

/** The longest that a call waits once it is its turn. */
export const PACE_MAX_MS = 100;

export type Pace = {
  /** Since the last call started. */
  readonly sinceStartMs: number;
  /** Since the last beacon came. */
  readonly sinceBeaconMs: number;
  /** In the call. */
  readonly beacons: number;
  readonly underWay: number;
  /** The call can take no more. */
  readonly isFull: boolean;
};

/** Ms that the next call should wait; zero or less when it should leave. Clocks that step never make it wait long. */
export function msBeforeCall(pace: Pace): number {
  const { sinceStartMs, underWay, isFull } = pace;
  if (isFull || sinceStartMs < 0) return 0;
  const restMs = REST_MS - sinceStartMs;
  if (restMs > 0 || underWay === 0) return restMs;
  if (pace.beacons >= ENOUGH_BEACONS) return 0;
  const gatherMs = REST_MS * REST_FACTOR ** underWay - sinceStartMs;
  return pace.beacons < SILENCE_BEACONS ? gatherMs : Math.min(gatherMs, SILENCE_MS - pace.sinceBeaconMs);
}

/** Whether the isolate has nothing more to send for now: it gathered enough, or no more beacons are coming. */
export function isGatheringDone({ beacons, sinceBeaconMs, isFull }: Pace): boolean {
  if (isFull) return false;
  return beacons >= ENOUGH_BEACONS || (beacons >= SILENCE_BEACONS && sinceBeaconMs >= SILENCE_MS);
}
