/**
 * Whether a region can be heard, from what is known of its sources: the one at home, and those at its fallbacks, to which
 * its Forwarders turn when they can't reach home. Not hearing somebody must never look like their leaving, so that in
 * doubt a region is down. Pure.
 */
import type { FeedState } from '../source/source-status.ts';

/** What is known of one source. Times are on the one line, ms since the epoch. */
export type HeardSource = {
  /** Of the source alone. */
  readonly state: FeedState;
  /** When the newest message of the region was stored there, beacons or counters; minus infinity before the first. */
  readonly newestMs: number;
  /** The same of the counters of each Forwarder, by its slot. */
  readonly forwarders: ReadonlyMap<number, number>;
  /** The same of the packets of media servers. */
  readonly mediaMs: number;
  /** When it was lost; only while its state is `down`. */
  readonly lostMs: number;
};

export type Hearing = {
  readonly state: FeedState;
  /** The place of the source that the region is heard through; undefined unless it is `up`. */
  readonly through: number | undefined;
};

export type HearingOptions = {
  readonly nowMs: number;
  readonly ttlMs: number;
  /** What it was a moment ago. */
  readonly before: Hearing;
  /** Whether the region has been up since the process started. */
  readonly hasBeenUp: boolean;
  /** Sources that could not be reached are not waited for any longer. */
  readonly isStartOver: boolean;
};

/**
 * A Forwarder that is awake publishes its counters at least every 10 s, wherever it publishes: one that was not heard for
 * longer sleeps, or is not heard.
 */
const AWAKE_MS = 15_000;

/** For how long something of the region, stored at a fallback, shows that its Forwarders are there. */
export function heardLatelyMs(ttlMs: number): number {
  return Math.min(AWAKE_MS, ttlMs / 2);
}

/** @param sources home first. A region with one source is what its source is. */
export function judgeHearing(sources: readonly HeardSource[], options: HearingOptions): Hearing {
  const [home] = sources;
  if (!home) throw new RangeError('a region has a source at least');
  if (sources.length === 1) return { state: home.state, through: home.state === 'up' ? 0 : undefined };
  const { hasBeenUp, isStartOver, before } = options;
  const silent = silence(sources, hasBeenUp);
  // What waits at a fallback is of people who live as much as what waits at home: ready is when all of it has been read.
  if (!hasBeenUp && !sources.every(({ state }) => state === 'up' || (state !== 'replaying' && isStartOver)))
    return silent;
  if (sources.some((source) => isMissed(source, sources, options))) return silent;
  if (home.state === 'up') return { state: 'up', through: 0 };
  // While it goes on elsewhere, home catches up beside it; else it will be heard as soon as home has.
  if (home.state === 'replaying' && before.state !== 'up') return silent;
  const through = heardThrough(sources, options);
  return through === undefined ? silent : { state: 'up', through };
}

function silence(sources: readonly HeardSource[], hasBeenUp: boolean): Hearing {
  if (sources.some(({ state }) => state === 'replaying')) return { state: 'replaying', through: undefined };
  return { state: hasBeenUp ? 'down' : 'connecting', through: undefined };
}

export function isRead({ state }: Pick<HeardSource, 'state'>): boolean {
  return state === 'up' || state === 'replaying';
}

/** The fallback with the newest message, if that is new enough. */
function heardThrough(sources: readonly HeardSource[], { nowMs, ttlMs }: HearingOptions): number | undefined {
  let through: number | undefined;
  let newestMs = nowMs - heardLatelyMs(ttlMs);
  for (const [i, source] of sources.entries()) {
    if (i === 0 || source.state !== 'up' || !(source.newestMs >= newestMs)) continue;
    through = i;
    newestMs = source.newestMs;
  }
  return through;
}

/**
 * Whether somebody may still publish to a source that was lost: a Forwarder that was awake there, or media servers, and was
 * not heard elsewhere since. At a fallback it goes home as soon as it can, so that after a TTL it is taken for asleep; at home it
 * stays, whoever else can't read it.
 */
function isMissed(
  source: HeardSource,
  sources: readonly HeardSource[],
  { nowMs, ttlMs }: Pick<HearingOptions, 'nowMs' | 'ttlMs'>,
): boolean {
  if (source.state !== 'down') return false;
  const isHome = source === sources[0];
  if (!isHome && !(nowMs - source.newestMs < ttlMs)) return false;
  const awakeSinceMs = source.lostMs - AWAKE_MS;
  const read = sources.filter(isRead);
  // Media servers have no fallback of their own: what their clients report is heard there, or not at all.
  if (source.mediaMs >= awakeSinceMs && !read.some(({ mediaMs }) => mediaMs > source.mediaMs)) return true;
  const awake = [...source.forwarders].filter(([, heardMs]) => heardMs >= awakeSinceMs);
  if (awake.length > 0) {
    return awake.some(([slot, heardMs]) => !read.some(({ forwarders }) => (forwarders.get(slot) ?? 0) > heardMs));
  }
  return source.newestMs >= awakeSinceMs && !read.some(({ newestMs }) => newestMs > source.newestMs);
}
