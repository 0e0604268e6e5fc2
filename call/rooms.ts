/** Rooms: their names, the subjects of their messages, and what somebody who joins is given. For the page and its server. */

/** A token of a NATS subject, and an id of edgepulse, which may hold dots besides. */
const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

/** What the page is told when a room's name is not valid. */
export const NAME_RULE = 'a room is named with 1 to 64 letters, digits, hyphens and underscores';

/** A room's name is its meeting's id. */
export const isRoomName = isToken;

function isToken(value: unknown): value is string {
  return typeof value === 'string' && TOKEN.test(value);
}

/** What everybody in a room says. */
export function roomSubject(room: string): string {
  return `room.${room}.*`;
}

/** What one session says in it. */
export function sessionSubject(room: string, sessionId: string): string {
  return `room.${room}.${sessionId}`;
}

/** Who said it; undefined when the subject is not one of a room's session. */
export function speakerOf(subject: string): string | undefined {
  const [root, room, sessionId, ...rest] = subject.split('.');
  return root === 'room' && isToken(room) && isToken(sessionId) && rest.length === 0 ? sessionId : undefined;
}

/** The answer of `POST /join`. */
export type Admission = {
  readonly sessionId: string;
  /** Lets this session post beacons of the meeting that has the room's name. */
  readonly token: string;
  /** Base addresses: where beacons go, and where figures come from. */
  readonly worker: string;
  readonly aggregator: string;
  /** nats-server's listener for WebSockets. */
  readonly signalling: string;
};
