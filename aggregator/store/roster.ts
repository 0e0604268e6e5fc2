/**
 * Who is in which meeting: meetings, the participants of each in each region, and the sessions
 * by their ids. Empty meetings and presences are removed.
 */
import { holdsNoSeries, type SeriesHolder } from './detail/series-budget.ts';

/** A meeting as one region sees it. */
export type Presence<S> = SeriesHolder & {
  readonly meeting: Meeting<S>;
  readonly region: string;
  /** Number of the presence, rising: a scrape passes over what began after it did. */
  readonly born: number;
  sessions: number;
  /** Sessions by participant. */
  readonly participants: Map<string, number>;
};

export type Meeting<S> = {
  readonly id: string;
  readonly sessions: Map<string, S>;
  /** Usually one: most meetings are within a region. */
  presences: Presence<S>[];
  /** How many sessions have come into it: while it stays the same, a peer that is nobody's session still is. */
  arrivals: number;
};

export type Headcount = { readonly meetings: number; readonly participants: number };

export type Roster<S> = {
  meetings(): Iterable<Meeting<S>>;
  meeting(id: string): Meeting<S> | undefined;
  session(meetingId: string, sessionId: string): S | undefined;
  /** Meetings and distinct participants of the region. @throws RangeError for a region that is not ours */
  headcount(region: string): Headcount;
  /** The meeting, begun if nobody was in it. */
  openMeeting(id: string): Meeting<S>;
  /** Forgets the meeting if no session is in it. */
  closeMeeting(meeting: Meeting<S>): void;
  /** One more session of the participant is in the meeting, seen from the region. */
  enter(meeting: Meeting<S>, seen: { region: string; participantId: string; born: number }): Presence<S>;
  /** The opposite of {@link enter}. @returns whether the presence is gone, since nobody is left in it */
  leave(presence: Presence<S>, participantId: string): boolean;
};

export function createRoster<S>(regions: readonly string[]): Roster<S> {
  const meetings = new Map<string, Meeting<S>>();
  const headcounts = new Map(regions.map((region) => [region, { meetings: 0, participants: 0 }]));

  function headcount(region: string): { meetings: number; participants: number } {
    const found = headcounts.get(region);
    if (!found) throw new RangeError(`no such region: ${region}`);
    return found;
  }

  function openPresence(meeting: Meeting<S>, region: string, born: number): Presence<S> {
    const presence = {
      meeting,
      region,
      born,
      sessions: 0,
      participants: new Map<string, number>(),
      ...holdsNoSeries(),
    };
    // A list of one takes 128 bytes less than an empty one that it is pushed to, which makes room for 17.
    if (meeting.presences.length === 0) meeting.presences = [presence];
    else meeting.presences.push(presence);
    headcount(region).meetings++;
    return presence;
  }

  return {
    meetings: () => meetings.values(),
    meeting: (id) => meetings.get(id),
    session: (meetingId, sessionId) => meetings.get(meetingId)?.sessions.get(sessionId),
    headcount,
    openMeeting(id) {
      let meeting = meetings.get(id);
      if (!meeting) {
        meeting = { id, sessions: new Map(), presences: [], arrivals: 0 };
        meetings.set(id, meeting);
      }
      return meeting;
    },
    closeMeeting(meeting) {
      if (meeting.sessions.size === 0) meetings.delete(meeting.id);
    },
    enter(meeting, { region, participantId, born }) {
      const presence = meeting.presences.find((one) => one.region === region) ?? openPresence(meeting, region, born);
      const sessions = presence.participants.get(participantId) ?? 0;
      if (sessions === 0) headcount(region).participants++;
      presence.participants.set(participantId, sessions + 1);
      presence.sessions++;
      return presence;
    },
    leave(presence, participantId) {
      const { meeting, region, participants } = presence;
      const sessions = (participants.get(participantId) ?? 0) - 1;
      if (sessions > 0) {
        participants.set(participantId, sessions);
      } else {
        participants.delete(participantId);
        headcount(region).participants--;
      }
      presence.sessions--;
      if (presence.sessions > 0) return false;
      meeting.presences.splice(meeting.presences.indexOf(presence), 1);
      headcount(region).meetings--;
      return true;
    },
  };
}
