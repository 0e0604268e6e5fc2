/**
 * When an isolate's next call to a region leaves. A call is paid for and costs many times what a beacon does, so
 * a busy isolate lets company gather; a quiet one never waits.
 */

/** Calls of a region start at least this far apart. */
export const REST_MS = 10;
/** With a call under way the next one waits for more company, and thrice as long with each call under way. */
const REST_FACTOR = 3;
/** When no beacon has come for so long after many had, no more are coming, and there is nothing to wait for. */
export const SILENCE_MS = 3;
/** Fewer than these say nothing: they come one by one anyway, and each that finds company saves a call. */
export const SILENCE_BEACONS = 16;
/** So many are company enough: an isolate that gathers them within {@link REST_MS} is throttled by any further wait. */
export const ENOUGH_BEACONS = 48;

/** No call that has its turn waits longer. */
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

/** Whether waiting for more company of this isolate is in vain: much has come already, or no more comes. */
export function isGatheringDone({ beacons, sinceBeaconMs, isFull }: Pace): boolean {
  if (isFull) return false;
  return beacons >= ENOUGH_BEACONS || (beacons >= SILENCE_BEACONS && sinceBeaconMs >= SILENCE_MS);
}
