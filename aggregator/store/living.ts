/**
 * The living sessions. One record owns everything that its session contributes: its place in the
 * population and in its meeting, its peers, its detail series. Removing it removes all of that.
 */
import { createPublisher, type OwnReport, reportOwnAudio } from '../attribution/publisher.ts';
import { type Breakdown, NO_STANDING } from '../live/breakdown.ts';
import { round } from '../live/distribution.ts';
import { MEASURE } from '../live/measures.ts';
import { millionthsOf, UNKNOWN } from '../live/millionths.ts';
import type { Cell, Population } from '../live/population.ts';
import type { Plausibility } from './arrival/plausibility.ts';
import type { Runs } from './arrival/runs.ts';
import { holdsNoSeries, type SeriesBudget } from './detail/series-budget.ts';
import { createImpaired, type Impaired } from './impaired.ts';
import type { PeerReadings } from './peers/peer-table.ts';
import { createSessionPeers } from './peers/session-peers.ts';
import type { Quietness } from './quiet.ts';
import type { Incoming, Report } from './report/report.ts';
import { SESSION_COLUMN } from './report/session-columns.ts';
import { createRoster, type Meeting, type Presence, type Roster } from './roster.ts';
import {
  connectionOfBeacon,
  growth,
  omittedPeersOf,
  saysWhatItSends,
  standingOfBeacon,
  UNKNOWN_COUNT,
} from './self-report.ts';
import type { Session } from './session.ts';
import type { Tally } from './tally.ts';
import { unboxed } from './unboxed.ts';
import { uplinks } from './uplink.ts';

export type Living = {
  /** How many live. */
  readonly size: number;
  /** Number that the next record will have. */
  readonly nextBorn: number;
  readonly roster: Roster<Session>;
  readonly peers: PeerReadings;
  readonly impaired: Impaired;
  /** @param cell where the beacon puts the session */
  begin(cell: Cell, beacon: Incoming, runs: Runs): Session;
  /** Replaces everything that the session contributes with the values and cell of its newest beacon. */
  refresh(session: Session, cell: Cell, beacon: Incoming): void;
  /** A new run of the session began (a reload that kept its id): its counters start anew. {@link refresh} follows. */
  restart(session: Session, report: Report, runs: Runs): void;
  /** It has been silent for too long to be judged. */
  quieten(session: Session): void;
  remove(session: Session): void;
};

export type LivingOptions = {
  readonly regions: readonly string[];
  readonly population: Population;
  readonly breakdown: Breakdown;
  readonly budget: SeriesBudget;
  readonly tally: Tally;
  readonly plausibility: Plausibility;
  readonly quietness: Quietness;
};

const AUDIO_SENDING = SESSION_COLUMN.state.audio_sending;
const SOURCE_ENERGY = SESSION_COLUMN.sentAudio.totalAudioEnergy;

export function createLiving(options: LivingOptions): Living {
  const { regions, population, breakdown, budget, tally, plausibility, quietness } = options;
  const roster = createRoster<Session>(regions);
  const peers = createSessionPeers({ population, tally, plausibility });
  const impaired = createImpaired(peers.readings);
  let size = 0;
  let born = 0;

  function enterMeeting(meeting: Meeting<Session>, region: string, participantId: string): Presence<Session> {
    const presence = roster.enter(meeting, { region, participantId, born });
    reserveAttendance(presence);
    return presence;
  }

  /** A meeting is no person, and gives way to those who are impaired. */
  function reserveAttendance(presence: Presence<Session>): void {
    budget.reserve(presence, 1, false);
  }

  function leaveMeeting({ presence, participantId }: Session): void {
    if (roster.leave(presence, participantId)) budget.release(presence);
  }

  function replaceValues(session: Session, beacon: Incoming): void {
    const { cell } = session;
    const { receivedAtMs } = beacon.report;
    const elapsedSeconds = (receivedAtMs - session.receivedAtMs) / 1000;
    session.receivedAtMs = receivedAtMs;
    const rtt = newestRtt(beacon);
    population.replace(cell, MEASURE.rtt, session.rtt, rtt);
    session.rtt = rtt;
    replaceSelfReport(session, beacon);
    const ofPeers = peers.update(session, { beacon, rttSeconds: rtt, elapsedSeconds });
    session.arrivalsSeen = session.presence.meeting.arrivals;
    reportOwnAudio(session.publisher, ownReport(beacon));
    impaired.note(session, ofPeers.hasSuspects);
    budget.reserve(session, ofPeers.series + (Number.isNaN(rtt) ? 0 : 1), session.isSuspect);
  }

  /** What the session says of itself. */
  function replaceSelfReport(session: Session, beacon: Incoming): void {
    const { cell } = session;
    const standing = standingOfBeacon(beacon);
    breakdown.replace(cell.region, session.standing, standing);
    session.standing = standing;
    const omittedPeers = omittedPeersOf(beacon);
    population.addOmittedPeers(cell, omittedPeers - session.omittedPeers);
    session.omittedPeers = unboxed(omittedPeers);
    if (saysWhatItSends(beacon)) session.uplink ??= uplinks.begin();
    if (session.uplink) {
      const loss = round(uplinks.lossOf(session.uplink, beacon.reports.sessionNumbers, beacon.report.sessionAt));
      population.replace(cell, MEASURE.uplink_packet_loss, session.uplinkLoss, loss);
      session.uplinkLoss = loss;
    }
    countConnection(session, beacon);
  }

  function countConnection(session: Session, beacon: Incoming): void {
    const cumulative = tally.cumulative(session.cell);
    const { failures, iceRestarts } = connectionOfBeacon(beacon);
    if (failures >= 0) {
      const more = growth(session.connectionFailures, failures);
      if (more > 0 && plausibility.allows('failures', more)) cumulative.connectionFailures += more;
      session.connectionFailures = unboxed(failures);
    }
    if (iceRestarts >= 0) {
      const more = growth(session.iceRestarts, iceRestarts);
      if (more > 0 && plausibility.allows('ice_restarts', more)) cumulative.iceRestarts += more;
      session.iceRestarts = unboxed(iceRestarts);
    }
  }

  /** The newest beacon came by another region, or from another participant. */
  function movePresence(session: Session, region: string, participantId: string): void {
    const { presence } = session;
    if (presence.region === region && session.participantId === participantId) return;
    // Enter before leaving, so that a meeting with one session survives and keeps its series.
    const entered = enterMeeting(presence.meeting, region, participantId);
    born++;
    leaveMeeting(session);
    session.presence = entered;
    session.participantId = participantId;
    session.labels = '';
  }

  function moveCell(session: Session, to: Cell): void {
    const { cell: from, rtt } = session;
    if (from === to) return;
    population.replace(from, MEASURE.rtt, rtt, Number.NaN);
    population.replace(to, MEASURE.rtt, Number.NaN, rtt);
    population.replace(from, MEASURE.uplink_packet_loss, session.uplinkLoss, Number.NaN);
    population.replace(to, MEASURE.uplink_packet_loss, Number.NaN, session.uplinkLoss);
    population.addOmittedPeers(from, -session.omittedPeers);
    population.addOmittedPeers(to, session.omittedPeers);
    if (from.region !== to.region) {
      breakdown.replace(from.region, session.standing, NO_STANDING);
      breakdown.replace(to.region, NO_STANDING, session.standing);
    }
    peers.move(session.peers, from, to);
    population.removeSession(from);
    population.addSession(to);
    session.cell = to;
  }

  /** A quiet session is heard again, or goes. */
  function wake(session: Session): void {
    if (!session.isQuiet) return;
    session.isQuiet = false;
    replaceQuiet(session, -1);
    population.removeQuiet(session.cell);
  }

  /** Adds what the session contributes to what the quiet ones of its cell do, or takes it back. */
  function replaceQuiet({ cell, rtt, uplinkLoss, peers: rows }: Session, sign: 1 | -1): void {
    const replace = (measure: number, value: number) => {
      if (sign > 0) population.replaceQuiet(cell, measure, UNKNOWN, value);
      else population.replaceQuiet(cell, measure, value, UNKNOWN);
    };
    replace(MEASURE.rtt, millionthsOf(rtt));
    replace(MEASURE.uplink_packet_loss, millionthsOf(uplinkLoss));
    peers.eachValue(rows, replace);
  }

  return {
    get size() {
      return size;
    },
    get nextBorn() {
      return born;
    },
    roster,
    peers: peers.readings,
    impaired,
    begin(cell, beacon, { sequence, ended, accountedUntilMs, packets }) {
      const { report } = beacon;
      const meeting = roster.openMeeting(report.meetingId);
      const participantId = report.participantId;
      const session: Session = {
        due: 0,
        previous: undefined,
        next: undefined,
        id: report.sessionId,
        born,
        beganAtMs: report.receivedAtMs,
        isBegunEarlier: isBegunEarlier(report),
        participantId,
        presence: enterMeeting(meeting, cell.region, participantId),
        cell,
        sequence,
        ended,
        accountedUntilMs,
        packets,
        receivedAtMs: report.receivedAtMs,
        intervalMs: quietness.firstIntervalMs,
        isQuiet: false,
        expires: 0,
        rtt: Number.NaN,
        peers: [],
        publisher: createPublisher(),
        arrivalsSeen: 0,
        isSuspect: false,
        ...holdsNoSeries(),
        clientDropped: droppedBefore(report),
        connectionFailures: UNKNOWN_COUNT,
        iceRestarts: UNKNOWN_COUNT,
        omittedPeers: 0,
        standing: NO_STANDING,
        uplink: undefined,
        uplinkLoss: Number.NaN,
        labels: '',
      };
      born++;
      meeting.sessions.set(session.id, session);
      meeting.arrivals++;
      size++;
      population.addSession(cell);
      replaceValues(session, beacon);
      return session;
    },
    refresh(session, cell, beacon) {
      wake(session);
      session.intervalMs = quietness.nextInterval(
        session.intervalMs,
        beacon.report.receivedAtMs - session.receivedAtMs,
      );
      movePresence(session, cell.region, beacon.report.participantId);
      reserveAttendance(session.presence);
      moveCell(session, cell);
      replaceValues(session, beacon);
    },
    restart(session, report, { sequence, ended }) {
      session.beganAtMs = report.receivedAtMs;
      session.isBegunEarlier = isBegunEarlier(report);
      session.sequence = sequence;
      session.ended = ended;
      session.clientDropped = droppedBefore(report);
      session.connectionFailures = UNKNOWN_COUNT;
      session.iceRestarts = UNKNOWN_COUNT;
      session.uplink = undefined;
      peers.restart(session.peers);
      // Its source's counter begins again, and whether it sends is not known until it says so.
      session.publisher.own = undefined;
    },
    quieten(session) {
      session.isQuiet = true;
      population.addQuiet(session.cell);
      replaceQuiet(session, 1);
    },
    remove(session) {
      wake(session);
      const { cell, presence } = session;
      session.publisher.isHere = false;
      impaired.forget(session);
      population.replace(cell, MEASURE.rtt, session.rtt, Number.NaN);
      population.replace(cell, MEASURE.uplink_packet_loss, session.uplinkLoss, Number.NaN);
      population.addOmittedPeers(cell, -session.omittedPeers);
      breakdown.replace(cell.region, session.standing, NO_STANDING);
      peers.remove(session.peers, cell);
      budget.release(session);
      population.removeSession(cell);
      leaveMeeting(session);
      presence.meeting.sessions.delete(session.id);
      roster.closeMeeting(presence.meeting);
      size--;
    },
  };
}

/** A packet, which has no number, may be the first one or not. */
function isBegunEarlier({ seq }: Report): boolean {
  return seq !== 0;
}

/** What the client dropped before the first beacon of a run: it may have been counted by another process. */
function droppedBefore({ dropped }: Report): number {
  return Number.isNaN(dropped) ? 0 : unboxed(dropped);
}

/** NaN when the beacon has none. */
function newestRtt({ reports, report: { rttFrom, rttTo } }: Incoming): number {
  return rttTo === rttFrom ? Number.NaN : round(reports.rtt[rttTo - 1] as number);
}

function ownReport({ reports: { sessionNumbers }, report: { sessionAt, receivedAtMs } }: Incoming): OwnReport {
  return {
    atMs: receivedAtMs,
    sending: sessionNumbers[sessionAt + AUDIO_SENDING] as number,
    sourceEnergy: sessionNumbers[sessionAt + SOURCE_ENERGY] as number,
  };
}
