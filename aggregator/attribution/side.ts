/** Whose fault a bad stream is, by the other streams of its two ends. docs/attribution.md explains the rule. */

export const SIDES = ['server', 'publisher', 'receiver', 'unknown'] as const;
export type Side = (typeof SIDES)[number];

/** How many streams are bad, of those whose quality is known. */
export type Share = { readonly bad: number; readonly of: number };

/** What a meeting says about one bad stream in it. */
export type Evidence = {
  /** Streams of its publisher to all receivers, and of its receiver from all publishers: itself is among both. */
  readonly publisher: Share;
  readonly receiver: Share;
  /** The rest of the meeting: what others receive from the receiver's other publishers. */
  readonly rest: Share;
};

/** Fewer streams of an end than this prove nothing about it. */
const LEAST_STREAMS = 3;
/** With only the stream in question, an end has nothing to compare it with. */
const LEAST_COMPARED = 2;

/**
 * The end that fares worse, when most of its streams are bad and the rest of the meeting fares clearly better. Where it
 * does not, it is the meeting, and neither end is to blame.
 */
export function sideOf({ publisher, receiver, rest }: Evidence): Exclude<Side, 'server'> {
  const worse = publisher.bad * receiver.of - receiver.bad * publisher.of;
  if (standsOut(publisher, rest)) {
    // A receiver of one publisher may as well be the bad end, unless nearly everybody hears the same.
    const isPublisher = receiver.of < LEAST_COMPARED ? 4 * publisher.bad > 3 * publisher.of : worse >= 0;
    if (isPublisher) return 'publisher';
  }
  return standsOut(receiver, rest) && worse < 0 && publisher.of >= LEAST_COMPARED ? 'receiver' : 'unknown';
}

/** Whether most streams of an end are bad, and at least half of all more than in the rest of the meeting. */
function standsOut({ bad, of }: Share, rest: Share): boolean {
  return of >= LEAST_STREAMS && 2 * bad > of && 2 * (bad * rest.of - rest.bad * of) >= of * rest.of;
}

/** The sessions of one server. */
export type ServerState = {
  readonly sessions: number;
  /** Those that fare badly: see {@link faresBadly}. */
  readonly faringBadly: number;
  /** Meetings that these are in; no more than {@link LEAST_MEETINGS} need to be counted. */
  readonly meetings: number;
};

const LEAST_SESSIONS = 5;
export const LEAST_MEETINGS = 3;

/** Whether the server is at fault for every bad stream of its sessions. */
export function isServerAtFault({ sessions, faringBadly, meetings }: ServerState): boolean {
  return faringBadly >= LEAST_SESSIONS && meetings >= LEAST_MEETINGS && 2 * faringBadly > sessions;
}

/**
 * Whether a session fares as one does whose server is at fault: its RTT is bad, or at least half of what it receives.
 * Whoever hears one bad publisher among many does not: else one large meeting would blame a server with few others.
 */
export function faresBadly(isRttBad: boolean, { bad, of }: Share): boolean {
  return isRttBad || (bad > 0 && 2 * bad >= of);
}
