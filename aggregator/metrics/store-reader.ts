/**
 * What the metrics and the overview read of the store, and the only place in here that knows how
 * the store keeps it.
 */
import type { Cell } from '../live/population.ts';
import { BUFFER, CONCEALMENT, chunkOf, OPERATIONS_COLUMN, offsetOf, type PeerTable } from '../store/peer-table.ts';
import type { Headcount, Presence } from '../store/roster.ts';
import type { SeriesBudget } from '../store/series-budget.ts';
import type { Session } from '../store/session.ts';
import type { Sessions } from '../store/sessions.ts';
import type { RegionTotals } from '../store/totals.ts';

/** A meeting as one region sees it. */
export type Attendance = Presence<Session>;

export type RegionReading = {
  readonly region: string;
  readonly totals: RegionTotals;
  readonly headcount: Headcount;
  readonly isFeedUp: boolean;
};

export type ProcessReading = {
  readonly budget: SeriesBudget;
  readonly version: string;
  /** The most series that the configuration can ever expose. */
  readonly seriesBound: number;
};

/** Whether the peer's series are within the limit. */
export function hasSeries(table: PeerTable, row: number): boolean {
  return (table.series[row] as number) > 0;
}

export function peerId(table: PeerTable, row: number): string {
  return table.ids[row] as string;
}

/** A figure of one row of the peer table; NaN when it is not known. */
export type PeerFigure = (table: PeerTable, row: number) => number;

export const neteqBuffer: PeerFigure = (table, row) => chunkOf(table, row)[offsetOf(row) + BUFFER] as number;
export const concealment: PeerFigure = (table, row) => chunkOf(table, row)[offsetOf(row) + CONCEALMENT] as number;

/** @param operation index into NETEQ_OPERATIONS @returns NaN when it is not known */
export function operationRate(table: PeerTable, row: number, operation: number): number {
  return chunkOf(table, row)[offsetOf(row) + OPERATIONS_COLUMN + operation] as number;
}

export function readRegion(sessions: Sessions, region: string): RegionReading {
  const headcount = sessions.roster.headcounts.get(region);
  if (!headcount) throw new RangeError(`no such region: ${region}`);
  return { region, totals: sessions.totals(region), headcount, isFeedUp: sessions.isFeedUp(region) };
}

/** Regions whose living may be shown: all but those whose feed has been down for a whole TTL. */
export function heardRegions(sessions: Sessions, nowMs: number): ReadonlySet<string> {
  return new Set(sessions.regions.filter((region) => !sessions.isWithdrawn(region, nowMs)));
}

/** Cells of those regions that somebody lives in. */
export function livingCells(sessions: Sessions, heard: ReadonlySet<string>): Cell[] {
  return [...sessions.population.values()].filter((cell) => cell.sessions > 0 && heard.has(cell.region));
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

/** What `write` says of each session that lived when the scrape began, in slices. */
export function* eachSession(
  { sessions, heard, before, linesAtOnce }: DetailScope,
  write: (session: Session) => string,
): Generator<string, void, void> {
  let text = '';
  let steps = 0;
  for (const meeting of sessions.roster.meetings.values()) {
    for (const session of meeting.sessions.values()) {
      if (session.born >= before || !heard.has(session.presence.region)) continue;
      text += write(session);
      steps += 1 + session.peers.length;
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
  for (const { presences } of sessions.roster.meetings.values()) {
    for (const presence of presences) {
      if (presence.series < 1 || presence.born >= before || !heard.has(presence.region)) continue;
      text += write(presence);
      if (++steps < linesAtOnce) continue;
      yield text;
      text = '';
      steps = 0;
    }
  }
  if (text !== '') yield text;
}
