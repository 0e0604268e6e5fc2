/**
 * The worst sessions now, to find the one bad call without knowing a label: the K worst by
 * RTT, concealment or expand rate, in slices of bounded work and with bounded memory.
 */
import { MEASURE } from '../live/measures.ts';
import type { Meeting } from '../store/roster.ts';
import type { Session } from '../store/session.ts';
import type { Sessions } from '../store/sessions.ts';
import type { WorstSession } from './answers.ts';

export const WORST_SORTS = ['rtt', 'concealment', 'expand'] as const;
export type WorstSort = (typeof WORST_SORTS)[number];

export type WorstQuery = {
  readonly region?: string;
  readonly meetingId?: string;
  readonly sort: WorstSort;
  readonly limit: number;
  readonly nowMs: number;
};

const SESSIONS_AT_ONCE = 1_000;

/** Sessions whose sort figure is unknown are left out, and so are regions whose feed has been down for a whole TTL. */
export function* findWorst(sessions: Sessions, query: WorstQuery): Generator<void, WorstSession[], void> {
  const { region, meetingId, limit, nowMs } = query;
  const heard = new Set(sessions.regions.filter((name) => !sessions.isWithdrawn(name, nowMs)));
  const figureOf = figureFor(sessions, query.sort);
  /** The worst so far, worst first; at most `limit`. */
  const found: { session: Session; figure: number }[] = [];
  let steps = 0;
  for (const meeting of meetingsOf(sessions, meetingId)) {
    for (const session of meeting.sessions.values()) {
      if (++steps % SESSIONS_AT_ONCE === 0) yield;
      if ((region !== undefined && session.presence.region !== region) || !heard.has(session.presence.region)) continue;
      const figure = figureOf(session);
      const last = found.at(-1);
      if (Number.isNaN(figure) || (found.length >= limit && last && figure <= last.figure)) continue;
      const rank = found.findIndex((other) => other.figure < figure);
      found.splice(rank < 0 ? found.length : rank, 0, { session, figure });
      if (found.length > limit) found.pop();
    }
  }
  // Between slices a session may have left, and its rows may belong to another one now.
  const living = found.filter(({ session }) => session.presence.meeting.sessions.get(session.id) === session);
  return living.map(({ session }) => describe(sessions, session, nowMs));
}

function* meetingsOf(sessions: Sessions, meetingId: string | undefined): Generator<Meeting<Session>, void, void> {
  if (meetingId === undefined) {
    yield* sessions.meetings();
  } else {
    const meeting = sessions.meeting(meetingId);
    if (meeting) yield meeting;
  }
}

function figureFor(sessions: Sessions, sort: WorstSort): (session: Session) => number {
  if (sort === 'rtt') return ({ rtt }) => rtt;
  const measure = MEASURE[sort];
  return ({ peers }) => {
    let most = Number.NaN;
    for (const row of peers) {
      const value = sessions.peers.value(row, measure);
      // Written so that a known value replaces NaN, and NaN nothing.
      if (value > most || (Number.isNaN(most) && !Number.isNaN(value))) most = value;
    }
    return most;
  };
}

function describe({ peers }: Sessions, session: Session, nowMs: number): WorstSession {
  const { presence, cell, rtt } = session;
  return {
    region: presence.region,
    meeting_id: presence.meeting.id,
    session_id: session.id,
    participant_id: session.participantId,
    server_url: cell.serverUrl,
    server_type: cell.serverType,
    ...known('rtt_seconds', rtt),
    last_beacon_age_seconds: Math.max(0, nowMs - session.sequence.newestAtMs) / 1000,
    peers: session.peers.map((row) => ({
      peer_id: peers.id(row),
      ...known('neteq_buffer_seconds', peers.value(row, MEASURE.neteq_buffer)),
      ...known('concealment_ratio', peers.value(row, MEASURE.concealment)),
      ...known('expand_operations_per_second', peers.value(row, MEASURE.expand)),
    })),
  };
}

function known<Name extends string>(name: Name, value: number): { [K in Name]?: number } {
  return Number.isNaN(value) ? {} : ({ [name]: value } as { [K in Name]?: number });
}
