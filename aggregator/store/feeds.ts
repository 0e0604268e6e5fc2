/** What the store knows of the feed of each region: what was measured of it, and up to when it only repeated history. */

/** A stream that a region is read from, where there are several. */
export type SourceReading = {
  /** The region whose NATS it is. */
  readonly name: string;
  /** It is the region's own. */
  readonly isHome: boolean;
  /** It is read, and nothing waits that was missed. */
  readonly isUp: boolean;
  /** Messages of the region that were read since the process started, without the history. */
  readonly messages: number;
};

/** NaN is not known. */
export type FeedReading = {
  /** More than a few seconds of messages wait to be read. */
  readonly isBehind: boolean;
  /** How far what was read is behind the broker's time now. */
  readonly lagSeconds: number;
  /** How far this host's wall clock is ahead of the broker's. */
  readonly hostSkewSeconds: number;
  /** Up to when it was read, by the broker's clock; ms since the epoch. */
  readonly readMs?: number;
  /** The region whose NATS it is heard through; undefined while that is its own, or none. */
  readonly through?: string | undefined;
  /** Empty, or absent, for a region that is read from one stream. */
  readonly sources?: readonly SourceReading[];
};

/** Each throws a RangeError when there is no such region. Times are the broker's, ms since the epoch. */
export type Feeds = {
  note(region: string, reading: FeedReading): void;
  readingOf(region: string): FeedReading;
  /** A message of the history was read. */
  noteHistory(region: string, nowMs: number): void;
  /** Whether it was over before the last of the history was read: what was due by then is not ours to count. */
  isHistory(region: string, timeMs: number): boolean;
};

type FeedState = { reading: FeedReading; historyUntilMs: number };

export function createFeeds(regions: readonly string[]): Feeds {
  const states = new Map(regions.map((region) => [region, createFeedState()]));

  function stateOf(region: string): FeedState {
    const state = states.get(region);
    if (!state) throw new RangeError(`no such region: ${region}`);
    return state;
  }

  return {
    note(region, reading) {
      stateOf(region).reading = reading;
    },
    readingOf: (region) => stateOf(region).reading,
    noteHistory(region, nowMs) {
      stateOf(region).historyUntilMs = nowMs;
    },
    isHistory: (region, timeMs) => timeMs <= stateOf(region).historyUntilMs,
  };
}

function createFeedState(): FeedState {
  return {
    reading: { isBehind: false, lagSeconds: Number.NaN, hostSkewSeconds: Number.NaN },
    historyUntilMs: Number.NEGATIVE_INFINITY,
  };
}
