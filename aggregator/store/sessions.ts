/**
 * The store: the sessions that are alive, from beacons in whatever order they come. Pure: the
 * clock is an argument. One session record owns everything that the session contributes, and
 * removing the record removes all of it.
 */
import type { Entry } from '../../shared/envelope.ts';
import { NO_SERVER, type ServerLabel, serverLabeler } from '../../shared/servers.ts';
import {
  createReapClock,
  downSince,
  isWithdrawn,
  type ReapClock,
  read,
  seenAt,
  start,
  stop,
} from '../expiry/reap-clock.ts';
import { createWheel, nextDue, schedule, TICK_MS, unschedule, type Wheel } from '../expiry/wheel.ts';
import { round } from '../live/distribution.ts';
import { observe } from '../live/histogram.ts';
import { RTT_MEASURE } from '../live/measures.ts';
import { type Cell, cellOf, contribute, enter, leave, type Population } from '../live/population.ts';
import {
  createDeparted,
  type Departed,
  type Departure,
  forget,
  forgetDue,
  isAfterthought,
  recall,
  remember,
} from './departed.ts';
import { clearReports, createReports, ownCopy, pushBeacon, type Report, type Reports } from './report.ts';
import {
  closeMeeting,
  createRoster,
  findSession,
  join,
  openMeeting,
  type Presence,
  part,
  type Roster,
} from './roster.ts';
import { classify, createSequence, record, type Sequence, settle } from './sequence.ts';
import { createSeriesBudget, give, reserve, type SeriesBudget } from './series-budget.ts';
import type { Session } from './session.ts';
import {
  createSessionPeers,
  movePeers,
  removePeers,
  restartPeers,
  type SessionPeers,
  updatePeers,
} from './session-peers.ts';
import { createTotals, type RegionTotals } from './totals.ts';

export type SessionsOptions = {
  readonly regions: readonly string[];
  /** Origins that `server_url` may be; every other becomes `other`. */
  readonly servers: readonly string[];
  readonly ttlSeconds: number;
  readonly maxSessions: number;
  readonly maxSessionSeries: number;
};

/** One beacon on its way in: a report and where its samples and peers are. */
type Delivery = { readonly reports: Reports; readonly report: Report; readonly nowMs: number };

type RegionState = { readonly clock: ReapClock; readonly wheel: Wheel<Session>; readonly totals: RegionTotals };

export type Sessions = ReturnType<typeof createSessions>;

/** How many sessions one call of `expire` removes at the most, so that it never holds the event loop. */
const REAP_AT_ONCE = 1_000;

export function createSessions(options: SessionsOptions) {
  const { regions, servers, maxSessions, maxSessionSeries } = options;
  const ttlMs = options.ttlSeconds * 1000;
  const states = new Map<string, RegionState>(
    regions.map((region) => [
      region,
      { clock: createReapClock(), wheel: createWheel<Session>(ttlMs + TICK_MS), totals: createTotals() },
    ]),
  );
  const serverLabel: ServerLabel = serverLabeler(servers);
  const population: Population = new Map();
  const roster: Roster<Session> = createRoster(regions);
  const departed: Departed = createDeparted(maxSessions);
  const budget: SeriesBudget = createSeriesBudget(maxSessionSeries);
  const peers: SessionPeers = createSessionPeers(budget);
  let living = 0;
  let born = 0;

  function stateOf(region: string): RegionState {
    const state = states.get(region);
    if (!state) throw new RangeError(`no such region: ${region}`);
    return state;
  }

  const single: Reports = createReports();

  /** Takes in one beacon. Its outcome is counted in the region's totals. @param region one of ours */
  function apply(region: string, { received_at, beacon }: Entry, nowMs: number): void {
    clearReports(single);
    applyReport(region, { reports: single, report: pushBeacon(single, received_at, beacon), nowMs });
  }

  /** The same for a beacon that is flat already. */
  function applyReport(region: string, delivery: Delivery): void {
    const { reports, report, nowMs } = delivery;
    const { seq, receivedAtMs } = report;
    const state = stateOf(region);
    const session = findSession(roster, report.meetingId, report.sessionId);
    const departure = session ? undefined : recall(departed, keyOf(report));
    const sequence = (session ?? departure)?.sequence;
    const arrival = sequence ? classify(sequence, seq, receivedAtMs) : 'fresh';
    if (arrival === 'repeated') {
      state.totals.duplicate++;
      return;
    }
    const cell = cellFor(region, report, session?.cell);
    for (let i = report.rttFrom; i < report.rttTo; i++) observe(cell.cumulative.rtt, reports.rtt[i] as number);
    const isLate = nowMs - receivedAtMs > ttlMs;
    const isStraggler =
      departure && (arrival === 'filling' || (arrival === 'fresh' && isAfterthought(departure, receivedAtMs)));
    if (isLate || isStraggler) {
      state.totals.late++;
      if (sequence && arrival !== 'restarted') state.totals.lost += record(sequence, seq, receivedAtMs);
      return;
    }
    state.totals.applied++;
    observe(state.totals.ingestDelay, Math.max(0, nowMs - receivedAtMs) / 1000);
    if (!session) {
      begin(cell, delivery);
    } else if (arrival === 'restarted') {
      restart(session, report);
      refresh(session, cell, delivery);
    } else {
      state.totals.lost += record(session.sequence, seq, receivedAtMs);
      if (arrival === 'fresh') refresh(session, cell, delivery);
    }
  }

  function begin(cell: Cell, delivery: Delivery): void {
    const { report } = delivery;
    const sequence = createSequence(report.seq, report.receivedAtMs);
    if (report.leaving) {
      // It overtook whatever else is under way, which must not begin the session after its end.
      remember(departed, keyOf(report), departureOf(sequence, delivery));
      return;
    }
    if (living >= maxSessions) {
      stateOf(cell.region).totals.refused++;
      return;
    }
    if (departed.byKey.size > 0) forget(departed, keyOf(report));
    const meeting = openMeeting(roster, ownCopy(report.meetingId));
    const participantId = ownCopy(report.participantId);
    const presence = join(roster, meeting, { region: cell.region, participantId, born });
    presence.series = reserve(budget, presence.series, 1);
    const session: Session = {
      due: 0,
      previous: undefined,
      next: undefined,
      id: ownCopy(report.sessionId),
      born: born++,
      participantId,
      presence,
      cell,
      sequence,
      rtt: Number.NaN,
      peers: [],
      series: 0,
      clientDropped: Number.isNaN(report.dropped) ? 0 : report.dropped,
      labels: '',
    };
    meeting.sessions.set(session.id, session);
    living++;
    enter(cell);
    contributeNewest(session, delivery);
    scheduleFrom(session, delivery);
  }

  function refresh(session: Session, cell: Cell, delivery: Delivery): void {
    const { report } = delivery;
    const { wheel, totals } = stateOf(session.presence.region);
    unschedule(wheel, session);
    moveTo(session, cell, report.participantId);
    contributeNewest(session, delivery);
    if (!Number.isNaN(report.dropped)) {
      const before = session.clientDropped;
      totals.clientDropped += report.dropped >= before ? report.dropped - before : report.dropped;
      session.clientDropped = report.dropped;
    }
    scheduleFrom(session, delivery);
    if (report.leaving) {
      remember(departed, keyOf(report), departureOf(session.sequence, delivery));
      remove(session);
      totals.left++;
    }
  }

  function departureOf(sequence: Sequence, { report, nowMs }: Delivery): Departure {
    return { sequence, leftAtMs: report.receivedAtMs, forgetAtMs: nowMs + ttlMs };
  }

  function contributeNewest(session: Session, { reports, report }: Delivery): void {
    const { cell } = session;
    const newest = report.rttTo === report.rttFrom ? Number.NaN : round(reports.rtt[report.rttTo - 1] as number);
    contribute(cell, RTT_MEASURE, session.rtt, newest);
    session.rtt = newest;
    session.series = reserve(budget, session.series, Number.isNaN(newest) ? 0 : 1);
    session.peers = updatePeers(peers, session.peers, { reports, report, cell });
  }

  /** The newest beacon came by another region, or from another participant or server. */
  function moveTo(session: Session, cell: Cell, reportedId: string): void {
    const { presence, cell: from } = session;
    if (presence.region !== cell.region || session.participantId !== reportedId) {
      const participantId = ownCopy(reportedId);
      session.presence = join(roster, presence.meeting, { region: cell.region, participantId, born: born++ });
      session.presence.series = reserve(budget, session.presence.series, 1);
      leavePresence(presence, session.participantId);
      session.participantId = participantId;
      session.labels = '';
    }
    if (from === cell) return;
    contribute(from, RTT_MEASURE, session.rtt, Number.NaN);
    contribute(cell, RTT_MEASURE, Number.NaN, session.rtt);
    movePeers(peers, session.peers, from, cell);
    leave(from);
    enter(cell);
    session.cell = cell;
  }

  function leavePresence(presence: Presence<Session>, participantId: string): void {
    part(roster, presence, participantId);
    if (presence.sessions === 0) give(budget, presence.series);
  }

  /** The session began again (a reload that kept its id): its counters start anew, and that is no loss. */
  function restart(session: Session, { seq, receivedAtMs }: Report): void {
    stateOf(session.presence.region).totals.lost += settle(session.sequence);
    session.sequence = createSequence(seq, receivedAtMs);
    session.clientDropped = 0;
    restartPeers(peers, session.peers);
  }

  function remove(session: Session): void {
    const { cell, presence } = session;
    const { wheel, totals } = stateOf(presence.region);
    unschedule(wheel, session);
    totals.lost += settle(session.sequence);
    contribute(cell, RTT_MEASURE, session.rtt, Number.NaN);
    removePeers(peers, session.peers, cell);
    give(budget, session.series);
    leave(cell);
    leavePresence(presence, session.participantId);
    presence.meeting.sessions.delete(session.id);
    closeMeeting(roster, presence.meeting);
    living--;
  }

  function scheduleFrom(session: Session, { report, nowMs }: Delivery): void {
    const { clock, wheel } = stateOf(session.presence.region);
    schedule(wheel, session, seenAt(clock, report.receivedAtMs, nowMs) + ttlMs);
  }

  /** @param current the session's cell, which it mostly still is */
  function cellFor(region: string, { serverUrl, serverType }: Report, current: Cell | undefined): Cell {
    const type = serverType === '' ? NO_SERVER : serverType;
    const url = serverType === '' ? NO_SERVER : serverLabel(serverUrl);
    if (current?.serverUrl === url && current.serverType === type && current.region === region) return current;
    return cellOf(population, region, url, type);
  }

  /** Removes sessions that have been silent for a TTL, at most a thousand a call. @returns whether more are due */
  function expire(nowMs: number): boolean {
    let left = REAP_AT_ONCE;
    for (const { clock, wheel, totals } of states.values()) {
      const reapNowMs = read(clock, nowMs);
      for (let session = nextDue(wheel, reapNowMs); session; session = nextDue(wheel, reapNowMs)) {
        if (left-- === 0) return true;
        remove(session);
        totals.stale++;
      }
    }
    return forgetDue(departed, nowMs, left) === left;
  }

  return {
    regions,
    budget,
    population,
    roster,
    table: peers.table,
    apply,
    applyReport,
    expire,
    totals: (region: string) => stateOf(region).totals,
    /** The feed can't be heard: the reap clock stands still. Every region starts so. */
    feedDown: (region: string, nowMs: number) => stop(stateOf(region).clock, nowMs),
    feedUp: (region: string, nowMs: number) => start(stateOf(region).clock, nowMs),
    isFeedUp: (region: string) => stateOf(region).clock.up,
    /** Since when the feed can't be heard; undefined while it is up, and when it has not been up yet. */
    feedDownSince: (region: string) => downSince(stateOf(region).clock),
    /** Whether nothing may be said of the region's living: its feed has been down for a whole TTL. */
    isWithdrawn: (region: string, nowMs: number) => isWithdrawn(stateOf(region).clock, ttlMs, nowMs),
    /** Living sessions. */
    living: () => living,
    /** Sessions that left within the last TTL, remembered so that a straggler does not bring them back. */
    departed: () => departed.byKey.size,
    /** Number that the next record will have: what a scrape that starts now must pass over. */
    nextBorn: () => born,
  };
}

/** Ids cannot contain a space. */
function keyOf({ meetingId, sessionId }: Report): string {
  return `${meetingId} ${sessionId}`;
}
