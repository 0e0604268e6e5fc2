/**
 * The feed of one region: what its sources hold, as one. All of them are always read and all of their messages passed on,
 * since the store can't be confused by a repeat; what they are together decides whether the region can be heard, and up to
 * when it has been read.
 */
import type { Logger } from 'pino';
import { createRegionClock } from '../clock/region-clock.ts';
import type { TimeLine } from '../clock/time-line.ts';
import type { FeedMessage as SourceMessage } from '../source/ordered-consumer.ts';
import type { Lane, Source } from '../source/source.ts';
import type { FeedState, Loss } from '../source/source-status.ts';
import { createEvidence, type Evidence } from './evidence.ts';
import { type HeardSource, type Hearing, isRead, judgeHearing } from './hearing.ts';

/** One message of a region, whichever of its sources had it. Times are on the one line, ms since the epoch. */
export type FeedMessage = SourceMessage & {
  /**
   * Up to when the region had been read when it came, through whichever source: what is from more than a TTL before is
   * late. Undefined where there is one source, which is read in order.
   */
  readonly passedMs?: number;
};

/** How far a region will have been read. */
export type Passing = {
  /** No message before this time is still to be handled; NaN while a lane has not been read at all. */
  readonly untilMs: number;
  /** When the newest message was stored that has been handled, of whichever lane. */
  readonly handledMs: number;
};

/** What is known of a source now. */
export type SourceReading = {
  /** The region whose NATS it is. */
  readonly name: string;
  readonly isHome: boolean;
  /** It is read, and nothing waits that was missed. */
  readonly isUp: boolean;
  /** Messages of the region that were read since the process started, without the history. */
  readonly messages: number;
};

export type RegionFeed = {
  readonly region: string;
  readonly sources: readonly Source[];
  /** `replaying` also when more than a few seconds of messages wait to be read. */
  readonly state: FeedState;
  /** The fallback that the region is heard through; undefined while that is home, or none. */
  readonly through: string | undefined;
  readings(): readonly SourceReading[];
  /** Up to when it has been read, which is never ahead of a message that waits. */
  readMs(): number;
  readFromMs(): number;
  /** How far {@link RegionFeed.readMs} is behind the time now. */
  lagMs(): number;
  /** To be called a few times a second: silence sends no message. */
  check(): void;
};

export type RegionFeedOptions = {
  readonly region: string;
  readonly line: TimeLine;
  readonly ttlMs: number;
  readonly log: Logger;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
  /** Creates the sources, home first. */
  readonly createSources: (listener: SourceListener) => readonly Source[];
  onMessage(message: FeedMessage): void;
  onPassing(region: string, passing: Passing): void;
  onUp(region: string): void;
  onDown(region: string, sinceMs: number): void;
};

/** What a source reports to its region. @param place which of the region's sources it is, from 0 */
export type SourceListener = {
  onMessage(place: number, message: SourceMessage, lane: Lane | undefined): void;
  onUp(place: number): void;
  onLost(place: number, loss: Loss): void;
};

type LostSource = { readonly source: Source; readonly loss: Loss };

/** Sources that can't be reached are waited for so long when the process starts: it takes one attempt to connect. */
const START_MS = 5_000;
const MS_PER_SECOND = 1000;

export function createRegionFeed(options: RegionFeedOptions): RegionFeed {
  const { region, line, ttlMs, log, monotonic } = options;
  const startedMs = monotonic();
  const sources = options.createSources({ onMessage: take, onUp: () => update(), onLost: lost });
  const isOneOfSeveral = sources.length > 1;
  const evidence = sources.map(createEvidence);
  let hearing: Hearing = { state: 'connecting', through: undefined };
  let hasBeenUp = false;
  let behind = false;
  /** Those that are read, or were when one was. */
  let counted = sources.slice(0, 1);
  let passedMs = Number.NEGATIVE_INFINITY;
  const clock = createRegionClock(line, [{ timeAt: readMs }]);

  function evidenceOf(place: number): Evidence {
    return evidence[place] as Evidence;
  }

  function countedNow(): readonly Source[] {
    // Who is silent in one of them may be in another that was not read yet.
    if (!isOneOfSeveral || !hasBeenUp) return sources;
    const read = sources.filter(isRead);
    if (read.length > 0) counted = read;
    return counted;
  }

  function readMs(): number {
    // Math.min gives NaN when one of them is NaN.
    return Math.min(...countedNow().map((source) => source.readMs()));
  }

  function now(): number {
    return line.timeAt(monotonic());
  }

  function heardSources(): readonly HeardSource[] {
    return sources.map(({ state }, place) => {
      const { newestMs, forwarders, mediaMs, lostMs } = evidenceOf(place);
      return { state, newestMs, forwarders, mediaMs, lostMs };
    });
  }

  function judge(): Hearing {
    return judgeHearing(heardSources(), {
      nowMs: now(),
      ttlMs,
      before: hearing,
      hasBeenUp,
      isStartOver: monotonic() - startedMs > START_MS,
    });
  }

  /** @param lost one of its sources; without one, the region is down since it was last heard */
  function update(lost?: LostSource): void {
    const before = hearing;
    hearing = judge();
    if (hearing.state === 'up' && before.state !== 'up') up();
    else if (hearing.state !== 'up' && before.state === 'up') down(lost);
    else if (hearing.through !== before.through && hearing.state === 'up') logThrough();
  }

  function up(): void {
    hasBeenUp = true;
    if (hearing.through === 0) log.info({ region }, 'feed up');
    else logThrough();
    options.onPassing(region, passing(now()));
    options.onUp(region);
  }

  function logThrough(): void {
    const { through = 0 } = hearing;
    const source = sources[through]?.name;
    if (through === 0) log.info({ region, source }, 'feed up again through the region itself');
    else log.warn({ region, source, hint: THROUGH_HINT }, 'feed up through a fallback region');
  }

  function down(lost: LostSource | undefined): void {
    if (options.signal.aborted) return;
    if (lost) log.warn({ region, filter: lost.loss.filter, reason: lost.loss.reason }, 'feed down');
    else log.warn({ region, reason: 'nothing is heard of the region at its fallbacks' }, 'feed down');
    // A time that was not read yet may hold beacons.
    const sinceMs = lost ? earlier(line.timeAt(lost.loss.sinceMs), lost.source.readMs()) : newestMs();
    options.onDown(region, earlier(sinceMs, readMs()));
  }

  function newestMs(): number {
    return Math.max(...evidence.map((one) => one.newestMs));
  }

  function lost(place: number, loss: Loss): void {
    evidenceOf(place).lost(line.timeAt(loss.sinceMs));
    const before = hearing.state;
    update({ source: sources[place] as Source, loss });
    if (isOneOfSeveral && !options.signal.aborted && hearing.state === before) {
      const source = sources[place]?.name;
      log.warn({ region, source, filter: loss.filter, reason: loss.reason }, 'a source of the feed is down');
    }
  }

  function state(): FeedState {
    const heard = isOneOfSeveral ? hearing.state : (sources[0]?.state ?? 'down');
    return heard === 'up' && behind ? 'replaying' : heard;
  }

  /** @param untilMs up to when the lane will have been read, or all of them without one */
  function passing(untilMs: number, from?: { readonly source: Source; readonly lane: Lane }): Passing {
    let earliestMs = untilMs;
    let handledMs = Number.NEGATIVE_INFINITY;
    for (const source of countedNow()) {
      if (from)
        earliestMs = Math.min(
          earliestMs,
          source === from.source ? source.readMsBut(from.lane, untilMs) : source.readMs(),
        );
      handledMs = Math.max(handledMs, source.handledMs());
    }
    // What a source that is back still has from before was passed through another: what was recorded of it stays.
    return { untilMs: isOneOfSeveral ? Math.max(earliestMs, passedMs) : earliestMs, handledMs };
  }

  function take(place: number, message: SourceMessage, lane: Lane | undefined): void {
    const source = sources[place] as Source;
    const timestampMs = source.place(message.timestampMs);
    if (lane && state() !== 'up') options.onPassing(region, passing(timestampMs, { source, lane }));
    if (isOneOfSeveral) {
      evidenceOf(place).note(message, timestampMs);
      options.onMessage({ ...message, timestampMs, passedMs });
    } else {
      options.onMessage(message);
    }
  }

  function check(): void {
    if (isOneOfSeveral) {
      for (const one of evidence) one.clockIs(now());
      update();
      // A clock that was set back is believed, as that of a single broker is.
      if (hearing.state === 'up') passedMs = Math.min(Math.max(passedMs, readMs() || passedMs), now());
    }
    watchLag();
  }

  function watchLag(): void {
    const isBehind = clock.isBehind(monotonic());
    if (isBehind === behind) return;
    behind = isBehind;
    if ((isOneOfSeveral ? hearing : sources[0])?.state !== 'up') return;
    const lagSeconds = clock.lagMs(monotonic()) / MS_PER_SECOND;
    if (isBehind)
      log.warn(
        { region, lagSeconds, hint: BEHIND_HINT },
        'feed is behind: beacons arrive faster than they are handled',
      );
    else log.info({ region, lagSeconds }, 'feed has caught up');
  }

  return {
    region,
    sources,
    get state() {
      return state();
    },
    get through() {
      return hearing.through ? sources[hearing.through]?.name : undefined;
    },
    readings: () =>
      sources.map((source, place) => ({
        name: source.name,
        isHome: place === 0,
        isUp: source.state === 'up',
        messages: evidenceOf(place).messages,
      })),
    readMs,
    readFromMs: () => Math.max(...countedNow().map((source) => source.readFromMs())),
    lagMs: () => clock.lagMs(monotonic()),
    check,
  };
}

const THROUGH_HINT = "the region's own NATS is lost: see whether it is up, and can be reached from here";
const BEHIND_HINT = 'give the aggregator more CPU, or share the lanes among more shards';

/** The earlier of two times, or the one that is known. */
function earlier(one: number, other: number): number {
  return Number.isNaN(other) || one < other ? one : other;
}
