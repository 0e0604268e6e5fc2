/**
 * The store: the sessions that are alive, from beacons in whatever order they come. Pure: the
 * clock is an argument. This file decides what happens to a beacon; living.ts applies it.
 */
import { LIMITS } from '../../shared/beacon.ts';
import { NO_SERVER, serverLabeler } from '../../shared/servers.ts';
import { type BreakdownReadings, createBreakdown } from '../live/breakdown.ts';
import { type Cell, type Cumulative, createPopulation } from '../live/population.ts';
import { createArrivals } from './arrival/arrivals.ts';
import { createDeparted } from './arrival/departed.ts';
import { countJoin, hasFailedToJoin, type JoiningRun, NO_MARKS } from './arrival/joins.ts';
import { packetTrails } from './arrival/packet-trail.ts';
import { createPlausibility } from './arrival/plausibility.ts';
import { createRecentJoins, type RecentJoins } from './arrival/recent-joins.ts';
import type { Runs } from './arrival/runs.ts';
import { NO_BEACON, sequences } from './arrival/sequence.ts';
import { createSeriesBudget, type SeriesUse } from './detail/series-budget.ts';
import { type Diagnosis, diagnose } from './diagnosis.ts';
import { createEnded, type EndedReadings } from './ended/ended.ts';
import { createFeeds, type FeedReading } from './feeds.ts';
import type { ImpairmentReading, ImpairmentScope } from './impaired.ts';
import { createLiving } from './living.ts';
import type { PeerReadings } from './peers/peer-table.ts';
import { createQuietness } from './quiet.ts';
import type { Incoming, Report, Reports } from './report/report.ts';
import type { Headcount, Meeting } from './roster.ts';
import { createSchedule } from './schedule.ts';
import type { Session } from './session.ts';
import { createTally } from './tally.ts';
import type { RegionTotals } from './totals.ts';
import { unboxed } from './unboxed.ts';

export type SessionsOptions = {
  readonly regions: readonly string[];
  /** Origins that `server_url` may be; every other becomes `other`. */
  readonly servers: readonly string[];
  readonly ttlSeconds: number;
  readonly maxSessions: number;
  readonly maxSessionSeries: number;
};

/** Regions are of those of the options; any other is a RangeError. Times are the broker's, ms since the epoch. */
export type Sessions = {
  /**
   * Takes in the beacons of a message, which were placed. Their outcomes are counted in the region's totals.
   * @param nowMs the broker's time now, however long ago it stored the message
   */
  apply(region: string, reports: Reports, nowMs: number): void;
  /**
   * Removes sessions that have been silent for a TTL, and notes those that have gone quiet: at most a thousand a call.
   * @param nowMs up to when the feed has been read: for each region, or one time for all
   * @returns whether more are due
   */
  expire(nowMs: number | ((region: string) => number)): boolean;
  /** The same for one region, all that are due. @param readMs up to when it has been read */
  advance(region: string, readMs: number): void;
  feedUp(region: string, nowMs: number): void;
  /** The feed is down: no session expires meanwhile. Every region starts this way. */
  feedDown(region: string, nowMs: number): void;

  readonly regions: readonly string[];
  /** Heard, and not behind. */
  isFeedUp(region: string): boolean;
  /** What was measured of the feed. To be called a few times a second. */
  noteFeed(region: string, feed: FeedReading): void;
  readonly feedOf: (region: string) => FeedReading;
  /** When the feed went down; undefined while it is up, and before it is up for the first time. */
  feedDownSince(region: string): number | undefined;
  /** Whether the region's live families are withdrawn: its feed has been down for a whole TTL, or was never up. */
  isWithdrawn(region: string, nowMs: number): boolean;
  /** What was counted since the start. */
  totals(region: string): RegionTotals;
  /** The record in which to count what a message says: {@link Sessions.totals}, or for history one that nobody reads. */
  tally(region: string, isHistory: boolean): RegionTotals;
  /** How many sessions live. */
  living(): number;
  /** Meetings and participants in the region now. */
  headcount(region: string): Headcount;
  /** The living by what they say of themselves. */
  readonly breakdown: BreakdownReadings;
  /** How joining went within the last minute. */
  readonly recentJoins: Pick<RecentJoins, 'count'>;
  /** How many of the detail series are used. */
  readonly budget: SeriesUse;
  /** Every cell of the population that ever counted something. */
  cells(): Iterable<Cell>;
  /** Meetings with a living session, with their sessions and presences. May be gone through in slices, while sessions come and go. */
  meetings(): Iterable<Meeting<Session>>;
  meeting(id: string): Meeting<Session> | undefined;
  /** The peers of a session, by the rows in `session.peers`. */
  readonly peers: PeerReadings;
  /**
   * Who is past an objective and whose fault it is, by cell; in steps of bounded work. Each session counts as it is when
   * the reading comes to it, and once.
   */
  readImpairment(scope?: ImpairmentScope): Generator<void, ImpairmentReading, void>;
  /** The same of one session. */
  diagnose(session: Session): Diagnosis;
  /** Those that ended within the last quarter of an hour. */
  readonly ended: EndedReadings;
  /** Forgets some of the ended ones whose time is over. To be called as often as {@link Sessions.expire}, also while no feed is up. */
  forgetEnded(nowMs: number): void;
  /** Number that the next record will have: what is read in slices must pass over records from it on. */
  nextBorn(): number;
};

/** A beacon on its way, and the cell that it puts its session in. */
type PlacedBeacon = { readonly cell: Cell; readonly beacon: Incoming; readonly nowMs: number };

/** The most sessions that one call of `expire` removes or finds quiet, so that it never blocks the event loop. */
const REAP_AT_ONCE = 1_000;

/** How many runs of a session are noted as ended by the next one, within a TTL. */
const RESTARTS_NOTED = 4;

/** Less work each than one that is reaped, and as many of them in the end. */
const FORGET_AT_ONCE = 4_000;

/** How much is remembered of ended sessions at the most: of half as many as may live, and four peers for each of them. */
function endedBounds(maxSessions: number): { readonly maxSessions: number; readonly maxPeers: number } {
  const most = Math.ceil(maxSessions / 2);
  return { maxSessions: most, maxPeers: Math.max(LIMITS.peers, 4 * most) };
}

/**
 * @example
 * const sessions = createSessions({ regions: ['apac'], servers: [], ttlSeconds: 30, maxSessions: 100, maxSessionSeries: 100 });
 * sessions.feedUp('apac', Date.now());
 * reports.addBeacon(receivedAtMs, beacon);
 * sessions.apply('apac', reports, Date.now());
 */
export function createSessions(options: SessionsOptions): Sessions {
  const { regions, servers, maxSessions, maxSessionSeries } = options;
  const ttlMs = options.ttlSeconds * 1000;
  const feeds = createFeeds(regions);
  const serverLabel = serverLabeler(servers);
  const population = createPopulation();
  const tally = createTally(regions);
  const budget = createSeriesBudget(maxSessionSeries, tally);
  const plausibility = createPlausibility({
    slackMs: ttlMs,
    onImplausible: (region, field) => {
      tally.totals(region).implausible[field]++;
    },
  });
  const breakdown = createBreakdown(regions);
  const quietness = createQuietness(ttlMs);
  const living = createLiving({ regions, population, breakdown, budget, tally, plausibility, quietness });
  const ended = createEnded({
    ...endedBounds(maxSessions),
    peers: living.peers,
    isServerAtFault: living.impaired.wasServerAtFault,
  });
  const departed = createDeparted(maxSessions);
  const arrivals = createArrivals({ ttlMs, departed, plausibility, quietAfterMs: quietness.quietAfterMs });
  const recentJoins = createRecentJoins(regions);
  const schedule = createSchedule({ regions, ttlMs, quietness, onQuiet: living.quieten, onExpired: expireSession });

  function applyBeacon(region: string, beacon: Incoming, nowMs: number): void {
    const { report } = beacon;
    const totals = tally.totals(region);
    const session = living.roster.session(report.meetingId, report.sessionId);
    const departure = session ? undefined : departed.find(report);
    const outcome = arrivals.outcomeOf(beacon, session, departure);
    const counts = packetTrails.isPacket(report) ? totals.packets : totals;
    if (outcome === 'repeated') {
      counts.duplicate++;
      return;
    }
    if (outcome === 'superseded') {
      totals.packets.superseded++;
      return;
    }
    const cell = cellFor(region, report, session?.cell);
    countRtt(tally.cumulative(cell), beacon);
    if (counts === totals) totals.ingestDelay.observe(Math.max(0, nowMs - report.receivedAtMs) / 1000);
    if (outcome === 'late') {
      counts.late++;
      const known = session ?? departure;
      if (known) totals.lost += arrivals.takeLate(region, beacon, known);
      const run: JoiningRun | undefined = known && arrivals.runOf(beacon, known);
      noteJoin(region, beacon, run ?? { joinMarks: NO_MARKS });
      return;
    }
    counts.applied++;
    if (!session) {
      const runs = arrivals.runsOf(beacon, outcome, departure);
      noteJoin(region, beacon, runs.sequence);
      begin({ cell, beacon, nowMs }, runs);
      return;
    }
    plausibility.open(region, session.accountedUntilMs, report.receivedAtMs);
    if (outcome === 'begun') {
      tally.totals(session.presence.region).lost += sequences.countOpenHolesAsLost(session.sequence);
      // A client that begins again with every beacon must not drive everybody else out of the record. One that had packets
      // only is the same that now sends beacons.
      if (session.sequence.newest !== NO_BEACON && (session.ended?.length ?? 0) < RESTARTS_NOTED) {
        ended.note(session, { reason: 'restarted', atMs: report.receivedAtMs });
      }
      living.restart(session, report, arrivals.runsOf(beacon, outcome, session));
    } else {
      totals.lost += arrivals.take(session, report);
    }
    noteJoin(region, beacon, session.sequence);
    if (outcome !== 'filling') refresh(session, { cell, beacon, nowMs });
  }

  function noteJoin(region: string, beacon: Incoming, run: JoiningRun): void {
    const place = countJoin(tally.totals(region).joins, beacon, run);
    if (place >= 0) recentJoins.note(region, place, beacon.report.receivedAtMs);
  }

  function begin({ cell, beacon, nowMs }: PlacedBeacon, runs: Runs): void {
    const { report } = beacon;
    if (report.leaving || hasFailedToJoin(beacon)) {
      // Leaving overtook beacons still in flight, which must not start the session again after its end. Who failed to join
      // was never in a call; what is remembered is that it was counted.
      rememberDeparture(runs, report, nowMs);
    } else if (living.size >= maxSessions) {
      tally.totals(cell.region).refused++;
    } else {
      if (departed.size > 0) departed.forget(report);
      schedule.add(living.begin(cell, beacon, runs), report.receivedAtMs, nowMs);
    }
  }

  function refresh(session: Session, { cell, beacon, nowMs }: PlacedBeacon): void {
    const { report } = beacon;
    if (session.ended) arrivals.forgetDue(session, beacon.reports.storedAtMs);
    schedule.remove(session);
    // Before its values are replaced: a goodbye mostly follows the beacon before it so soon that its differences say nothing.
    if (report.leaving) ended.note(session, { reason: 'left', atMs: report.receivedAtMs });
    living.refresh(session, cell, beacon);
    const totals = tally.totals(cell.region);
    const dropped = newlyDropped(session, report.dropped);
    if (plausibility.allows('dropped', dropped)) totals.clientDropped += dropped;
    session.accountedUntilMs = plausibility.close();
    schedule.add(session, report.receivedAtMs, nowMs);
    if (!report.leaving) return;
    rememberDeparture(session, report, nowMs);
    remove(session);
    totals.left++;
  }

  /** @param readMs up to when its region was read */
  function expireSession(session: Session, readMs: number): void {
    const { region } = session.presence;
    // An earlier process has removed it, or none has: a beacon that waited at the edge may bring such a one back.
    tally.isHistory = feeds.isHistory(region, session.receivedAtMs + ttlMs);
    ended.note(session, { reason: 'stale', atMs: readMs });
    remove(session);
    tally.totals(region).stale++;
    tally.isHistory = false;
  }

  function remove(session: Session): void {
    const { region } = session.presence;
    schedule.remove(session);
    tally.totals(region).lost += sequences.countOpenHolesAsLost(session.sequence);
    living.remove(session);
  }

  function rememberDeparture(
    { sequence, ended, accountedUntilMs, packets }: Runs,
    report: Report,
    nowMs: number,
  ): void {
    // Whoever did not leave may join at the next try, however soon.
    const leftAtMs = report.leaving ? report.receivedAtMs : Number.NEGATIVE_INFINITY;
    const times = { leftAtMs, forgetAtMs: nowMs + ttlMs };
    departed.remember(report, { sequence, ended, accountedUntilMs, packets, ...times });
  }

  /** @param current the session's cell, which it mostly still is */
  function cellFor(region: string, { serverUrl, serverType }: Report, current: Cell | undefined): Cell {
    const type = serverType === '' ? NO_SERVER : serverType;
    const url = serverType === '' ? NO_SERVER : serverLabel(serverUrl);
    if (current?.serverUrl === url && current.serverType === type && current.region === region) return current;
    return population.cell(region, url, type);
  }

  return {
    apply(region, reports, nowMs) {
      tally.isHistory = reports.isHistory;
      if (reports.isHistory) feeds.noteHistory(region, nowMs);
      for (let i = 0; i < reports.count; i++) {
        applyBeacon(region, { reports, report: reports.list[i] as Report }, nowMs);
      }
      tally.isHistory = false;
    },
    expire(nowMs) {
      let left = REAP_AT_ONCE;
      // A departure counts in every region, and so is remembered as long as the one furthest behind needs it.
      let earliestMs = Number.POSITIVE_INFINITY;
      for (const region of regions) {
        const readMs = typeof nowMs === 'number' ? nowMs : nowMs(region);
        if (Number.isNaN(readMs)) continue;
        recentJoins.advance(region, readMs);
        if (schedule.clockOf(region).isRunning) earliestMs = Math.min(earliestMs, readMs);
        left = schedule.reportDue(region, readMs, left);
        if (left < 0) return true;
      }
      if (earliestMs === Number.POSITIVE_INFINITY) return false;
      return departed.forgetDue(earliestMs, left) === left;
    },
    advance(region, readMs) {
      schedule.reportDue(region, readMs, Number.POSITIVE_INFINITY);
    },
    feedUp(region, nowMs) {
      const clock = schedule.clockOf(region);
      // What came and went meanwhile may have left the stream before it was read.
      if (clock.isWithdrawn(nowMs)) ended.beginReach(nowMs);
      clock.start(nowMs);
    },
    feedDown: (region, nowMs) => schedule.clockOf(region).stop(nowMs),
    regions,
    isFeedUp(region) {
      return schedule.clockOf(region).isRunning && !feeds.readingOf(region).isBehind;
    },
    noteFeed: feeds.note,
    feedOf: feeds.readingOf,
    feedDownSince: (region) => schedule.clockOf(region).stoppedSinceMs,
    isWithdrawn: (region, nowMs) => schedule.clockOf(region).isWithdrawn(nowMs),
    totals: tally.shown,
    tally: tally.totalsFor,
    living: () => living.size,
    headcount: living.roster.headcount,
    breakdown,
    recentJoins,
    budget,
    cells: population.cells,
    meetings: living.roster.meetings,
    meeting: living.roster.meeting,
    peers: living.peers,
    readImpairment: living.impaired.read,
    diagnose: (session) => diagnose(session, living.peers),
    ended,
    forgetEnded: (nowMs) => {
      ended.forgetDue(nowMs, FORGET_AT_ONCE);
    },
    nextBorn: () => living.nextBorn,
  };
}

function countRtt({ rtt }: Cumulative, { reports, report }: Incoming): void {
  for (let i = report.rttFrom; i < report.rttTo; i++) rtt.observe(reports.rtt[i] as number);
}

/** Beacons dropped by the client since its last beacon. Its counter is cumulative and may have restarted. */
function newlyDropped(session: Session, dropped: number): number {
  if (Number.isNaN(dropped)) return 0;
  const before = session.clientDropped;
  session.clientDropped = unboxed(dropped);
  return dropped >= before ? dropped - before : dropped;
}
