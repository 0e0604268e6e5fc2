/**
 * Who is in which meeting: meetings, the participants of each in each region, and the sessions
 * by their ids. A meeting or a presence that nobody is in is gone.
 */

/** A meeting as one region sees it. */
export type Presence<S> = {
  readonly meeting: Meeting<S>;
  readonly region: string;
  /** Number of the presence, rising: a scrape passes over what began after it did. */
  readonly born: number;
  sessions: number;
  /** Sessions by participant. */
  readonly participants: Map<string, number>;
  /** Detail series that it holds: 1, or 0 when the leash held it back. */
  series: number;
};

export type Meeting<S> = {
  readonly id: string;
  readonly sessions: Map<string, S>;
  /** Usually one: most meetings are within a region. */
  readonly presences: Presence<S>[];
};

export type Headcount = { meetings: number; participants: number };

export type Roster<S> = {
  readonly meetings: Map<string, Meeting<S>>;
  readonly headcounts: ReadonlyMap<string, Headcount>;
};

export function createRoster<S>(regions: readonly string[]): Roster<S> {
  return {
    meetings: new Map(),
    headcounts: new Map(regions.map((region) => [region, { meetings: 0, participants: 0 }])),
  };
}

export function findSession<S>(roster: Roster<S>, meetingId: string, sessionId: string): S | undefined {
  return roster.meetings.get(meetingId)?.sessions.get(sessionId);
}

/** The meeting, begun if nobody was in it. */
export function openMeeting<S>(roster: Roster<S>, id: string): Meeting<S> {
  let meeting = roster.meetings.get(id);
  if (!meeting) {
    meeting = { id, sessions: new Map(), presences: [] };
    roster.meetings.set(id, meeting);
  }
  return meeting;
}

/** One more session of the participant is in the meeting, seen from the region. */
export function join<S>(
  roster: Roster<S>,
  meeting: Meeting<S>,
  { region, participantId, born }: { region: string; participantId: string; born: number },
): Presence<S> {
  let presence = meeting.presences.find((one) => one.region === region);
  if (!presence) {
    presence = { meeting, region, born, sessions: 0, participants: new Map(), series: 0 };
    meeting.presences.push(presence);
    headcount(roster, region).meetings++;
  }
  presence.sessions++;
  const sessions = presence.participants.get(participantId) ?? 0;
  if (sessions === 0) headcount(roster, region).participants++;
  presence.participants.set(participantId, sessions + 1);
  return presence;
}

/** The opposite of {@link join}. The caller takes its session out of `meeting.sessions` and calls {@link closeMeeting}. */
export function part<S>(roster: Roster<S>, presence: Presence<S>, participantId: string): void {
  const { meeting, region, participants } = presence;
  const sessions = (participants.get(participantId) ?? 0) - 1;
  if (sessions > 0) {
    participants.set(participantId, sessions);
  } else {
    participants.delete(participantId);
    headcount(roster, region).participants--;
  }
  presence.sessions--;
  if (presence.sessions > 0) return;
  meeting.presences.splice(meeting.presences.indexOf(presence), 1);
  headcount(roster, region).meetings--;
}

/** Forgets the meeting if nobody is in it. */
export function closeMeeting<S>(roster: Roster<S>, meeting: Meeting<S>): void {
  if (meeting.sessions.size === 0) roster.meetings.delete(meeting.id);
}

function headcount<S>(roster: Roster<S>, region: string): Headcount {
  const found = roster.headcounts.get(region);
  if (!found) throw new RangeError(`no such region: ${region}`);
  return found;
}
