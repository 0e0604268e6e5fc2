/**
 * The worst sessions now, to find the one bad call without knowing a label: the K worst by any figure, or every session
 * of a meeting, with who is impaired, why, and whose fault it is. In slices of bounded work and with bounded memory.
 */
import { FIRST_PEER_MEASURE, MEASURE, MEASURES, type MeasureName, type PeerMeasureName } from '../../live/measures.ts';
import type { Meeting } from '../../store/roster.ts';
import type { Session } from '../../store/session.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { WorstSession } from '../answers.ts';
import { type DescribeOptions, describeSession } from './describe-session.ts';

/** Any measure, by the name that it has in the overview and in the objectives. */
export const WORST_SORTS = MEASURES.map(({ name }) => name as MeasureName);

/** The most sessions in one answer, of which each may have 64 peers. */
export const LIMIT_MAX = 1_000;

export type WorstQuery = {
  readonly region?: string;
  /** Every session of it is listed, also those of which the figure is not known; these come last. */
  readonly meetingId?: string;
  /** The same: in the meeting, or in every meeting that has a session of this id. */
  readonly sessionId?: string;
  readonly sort: MeasureName;
  readonly limit: number;
  readonly nowMs: number;
};

/** Sessions and their peers that one slice reads. */
const ROWS_AT_ONCE = 2_000;

/** How bad a session is where its figure is not known: better than anybody. */
const UNKNOWN_BADNESS = Number.NEGATIVE_INFINITY;

/** What sessions themselves have, where other measures are of their peers. */
const SESSION_FIGURES: { readonly [M in Exclude<MeasureName, PeerMeasureName>]: (session: Session) => number } = {
  rtt: ({ rtt }) => rtt,
  uplink_packet_loss: ({ uplinkLoss }) => uplinkLoss,
};

export type FoundSessions = {
  readonly total: number;
  /**
   * Worst first, to be read once: each is described when it is read, with at most 64 peers. A meeting of a thousand at once
   * took the garbage collector 80 ms in one go.
   */
  readonly sessions: Iterable<WorstSession>;
};

type Found = {
  /** How many there are; at most the limit of them are in the list. */
  readonly total: number;
  /** Worst first. */
  readonly worst: readonly Session[];
};

/**
 * Sessions whose sort figure is unknown are left out unless a meeting or session is asked for, and so are regions whose feed has been
 * down for a whole TTL.
 */
export function* findWorst(sessions: Sessions, query: WorstQuery): Generator<void, FoundSessions, void> {
  const impairment = yield* sessions.readImpairment();
  const { total, worst } = yield* search(sessions, query);
  return { total, sessions: describeEach(worst, { sessions, impairment, nowMs: query.nowMs }) };
}

function* describeEach(worst: readonly Session[], options: DescribeOptions): Generator<WorstSession, void, void> {
  for (const session of worst) {
    // Between slices it may have left, and its rows may be those of another one now.
    if (session.presence.meeting.sessions.get(session.id) === session) yield describeSession(session, options);
  }
}

function* search(sessions: Sessions, query: WorstQuery): Generator<void, Found, void> {
  const { region, meetingId, sessionId, limit, nowMs } = query;
  const isLookUp = meetingId !== undefined || sessionId !== undefined;
  const heard = new Set(sessions.regions.filter((name) => !sessions.isWithdrawn(name, nowMs)));
  const before = sessions.nextBorn();
  const badnessOf = badnessBy(sessions, query.sort);
  const worst: Session[] = [];
  const badness: number[] = [];
  let total = 0;
  let rows = 0;
  for (const meeting of meetingsOf(sessions, meetingId)) {
    for (const session of sessionsOf(meeting, sessionId)) {
      rows += 1 + session.peers.length;
      if (rows >= ROWS_AT_ONCE) {
        rows = 0;
        yield;
      }
      const { presence } = session;
      // Who began meanwhile may have been counted before, as a session that has left since.
      if (session.born >= before || !heard.has(presence.region)) continue;
      if (region !== undefined && presence.region !== region) continue;
      const bad = badnessOf(session);
      if (bad === UNKNOWN_BADNESS && !isLookUp) continue;
      total++;
      const rank = rankOf(bad, badness);
      if (rank >= limit) continue;
      worst.splice(rank, 0, session);
      badness.splice(rank, 0, bad);
      if (worst.length <= limit) continue;
      worst.pop();
      badness.pop();
    }
    if (++rows >= ROWS_AT_ONCE) {
      rows = 0;
      yield;
    }
  }
  return { total, worst };
}

function* meetingsOf(sessions: Sessions, meetingId: string | undefined): Generator<Meeting<Session>, void, void> {
  if (meetingId === undefined) {
    yield* sessions.meetings();
  } else {
    const meeting = sessions.meeting(meetingId);
    if (meeting) yield meeting;
  }
}

function sessionsOf({ sessions }: Meeting<Session>, sessionId: string | undefined): Iterable<Session> {
  if (sessionId === undefined) return sessions.values();
  const session = sessions.get(sessionId);
  return session ? [session] : [];
}

/** Where it belongs in the list, worst first: behind its equals. */
function rankOf(bad: number, list: readonly number[]): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((list[middle] as number) < bad) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** How bad a session is by a measure: by that of its own, or by the worst of its peers. */
function badnessBy(sessions: Sessions, sort: MeasureName): (session: Session) => number {
  const measure = MEASURE[sort];
  const sign = MEASURES[measure]?.isLowBad ? -1 : 1;
  if (measure < FIRST_PEER_MEASURE) {
    const figureOf = SESSION_FIGURES[sort as keyof typeof SESSION_FIGURES];
    return (session) => {
      const figure = figureOf(session);
      return Number.isNaN(figure) ? UNKNOWN_BADNESS : sign * figure;
    };
  }
  return ({ peers }) => {
    let worst = UNKNOWN_BADNESS;
    for (const row of peers) {
      const bad = sign * sessions.peers.value(row, measure);
      // False where it is NaN, which is not known.
      if (bad > worst) worst = bad;
    }
    return worst;
  };
}
