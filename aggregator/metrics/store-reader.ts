/**
 * What the metrics and the overview read of the store, and the only place in here that knows how
 * the store keeps it.
 */
import type { FeedErrorCounts } from '../feed/feed-errors.ts';
import type { StreamReading } from '../feed/stream/stream-watch.ts';
import type { BreakdownReadings } from '../live/breakdown.ts';
import { MEASURE } from '../live/measures.ts';
import type { Cell } from '../live/population.ts';
import { DETAIL_MEASURES, DETAIL_OPERATIONS } from '../store/detail/detail.ts';
import type { SeriesUse } from '../store/detail/series-budget.ts';
import type { EndedReadings } from '../store/ended/ended.ts';
import type { FeedReading } from '../store/feeds.ts';
import type { PeerReadings } from '../store/peers/peer-table.ts';
import type { Headcount, Presence } from '../store/roster.ts';
import type { Session } from '../store/session.ts';
import type { Sessions } from '../store/sessions.ts';
import type { RegionTotals } from '../store/totals.ts';

/** A meeting as one region sees it. */
export type Attendance = Presence<Session>;

export type RegionReading = {
  readonly region: string;
  readonly totals: RegionTotals;
  readonly headcount: Headcount;
  readonly breakdown: BreakdownReadings;
  readonly isFeedUp: boolean;
  /** Absent where nobody asks for it, as the next one. */
  readonly stream?: StreamReading;
  /** How many lanes a region has, and how many of them this process reads. */
  readonly lanes?: { readonly all: number; readonly owned: number };
  readonly feed: FeedReading;
};

export type ProcessReading = {
  readonly budget: SeriesUse;
  readonly ended: Pick<EndedReadings, 'count' | 'dropped'>;
  readonly version: string;
  /** The most series that the configuration can ever expose. */
  readonly seriesBound: number;
  readonly stream: StreamReading;
  /** Absent where nobody asks for it. */
  readonly feedErrors?: FeedErrorCounts | undefined;
};

/** A figure of one peer; NaN when it is not known. */
export type PeerFigure = (peers: PeerReadings, row: number) => number;

export const neteqBuffer: PeerFigure = (peers, row) => peers.value(row, MEASURE.neteq_buffer);
export const concealment: PeerFigure = (peers, row) => peers.value(row, MEASURE.concealment);
export const audioPacketLoss: PeerFigure = (peers, row) => peers.value(row, MEASURE.audio_packet_loss);

/** Whether any of the peer's series that the limit counts is known. */
export function hasDetail(peers: PeerReadings, row: number): boolean {
  return (
    DETAIL_MEASURES.some((measure) => !Number.isNaN(peers.value(row, measure))) ||
    DETAIL_OPERATIONS.some((operation) => !Number.isNaN(peers.operation(row, operation)))
  );
}

export function readRegion(sessions: Sessions, region: string): RegionReading {
  return {
    region,
    totals: sessions.totals(region),
    headcount: sessions.headcount(region),
    breakdown: sessions.breakdown,
    isFeedUp: sessions.isFeedUp(region),
    feed: sessions.feedOf(region),
  };
}

/** Regions whose living may be shown: all but those whose feed has been down for a whole TTL. */
export function heardRegions(sessions: Sessions, nowMs: number): ReadonlySet<string> {
  return new Set(sessions.regions.filter((region) => !sessions.isWithdrawn(region, nowMs)));
}

/** Cells of those regions that somebody lives in. */
export function livingCells(sessions: Sessions, heard: ReadonlySet<string>): Cell[] {
  return [...sessions.cells()].filter((cell) => cell.sessions > 0 && heard.has(cell.region));
}

/** What a scrape of details goes through. */
export type DetailScope = {
  readonly sessions: Sessions;
  readonly heard: ReadonlySet<string>;
  /** The first record that the scrape leaves to the next one, since it began after it. */
  readonly before: number;
  /** About how many lines one slice may have. */
  readonly linesAtOnce: number;
};

/** The output of `write`, in slices, for each session within the limit of detail that was alive when the scrape began. */
export function* eachSession(
  { sessions, heard, before, linesAtOnce }: DetailScope,
  write: (session: Session) => string,
): Generator<string, void, void> {
  let text = '';
  let steps = 0;
  for (const meeting of sessions.meetings()) {
    for (const session of meeting.sessions.values()) {
      // What is skipped is work, too: a hundred thousand sessions of a region that is not heard took 10 ms in one step.
      steps++;
      if (session.series > 0 && session.born < before && heard.has(session.presence.region)) {
        text += write(session);
        steps += session.peers.length;
      }
      if (steps < linesAtOnce) continue;
      yield text;
      text = '';
      steps = 0;
    }
  }
  if (text !== '') yield text;
}

/** The same for each meeting and region whose series is within the limit. */
export function* eachAttendance(
  { sessions, heard, before, linesAtOnce }: DetailScope,
  write: (presence: Attendance) => string,
): Generator<string, void, void> {
  let text = '';
  let steps = 0;
  for (const { presences } of sessions.meetings()) {
    for (const presence of presences) {
      const isShown = presence.series > 0 && presence.born < before && heard.has(presence.region);
      if (isShown) text += write(presence);
      if (++steps < linesAtOnce) continue;
      yield text;
      text = '';
      steps = 0;
    }
  }
  if (text !== '') yield text;
}
