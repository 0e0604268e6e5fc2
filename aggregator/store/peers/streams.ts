/** Received streams and who publishes them: each row of the peer table points to its publisher, and counts there. */
import { createPublisher, type Publisher } from '../../attribution/publisher.ts';
import { ARRIVAL, nextSilence, SILENCE, type Silence } from '../../attribution/silence.ts';
import {
  isSuspect,
  replaceState,
  type StreamState,
  silenceOf,
  stateOf,
  withoutSilence,
} from '../../attribution/stream.ts';
import type { Session } from '../session.ts';
import type { PeerTable } from './peer-table.ts';
import type { PeerValues } from './peer-values.ts';

export type Streams = {
  /**
   * Judges a stream by the values that were derived last, which are those of its receiver's newest beacon.
   * @returns whether it may be bad
   */
  refresh(row: number, reception: Reception): boolean;
  /** The receiver began again: what it did not hear before says nothing of what comes. */
  restart(row: number): void;
  /** To be called before the row is released. */
  remove(row: number): void;
};

/**
 * Packets a second that somebody who speaks sends at least: 50 mostly, 8 with the longest frames of Opus. With DTX, a
 * sender who is muted or silent sends 2 to 6.
 */
const SPEECH_PACKETS = 8;

/** The newest beacon of a receiver. */
export type Reception = {
  readonly receiver: Session;
  /** Since the beacon before it. */
  readonly elapsedSeconds: number;
  /** Whether somebody has come into the meeting since that. */
  readonly hasArrivals: boolean;
};

/** Of a stream that comes from no living session. */
const NOBODY: Publisher = { ...createPublisher(), isHere: false };
/** Of a client that lists itself as a peer: it hears nobody by that. */
const ITSELF: Publisher = { ...createPublisher(), isHere: false };

export function createStreams(table: PeerTable, values: PeerValues): Streams {
  function find(row: number, receiver: Session): Publisher {
    const session = receiver.presence.meeting.sessions.get(table.id(row));
    if (!session) return NOBODY;
    // The same text, not a copy of it for every receiver.
    table.setId(row, session.id);
    return session === receiver ? ITSELF : session.publisher;
  }

  /**
   * Where it is not there, it is looked for again only when somebody has come into the meeting since. Of the others
   * nothing is read here: they are all over the memory.
   */
  function publisherOf(row: number, { receiver, hasArrivals }: Reception): Publisher {
    const known = table.publisher(row);
    if (known && (!hasArrivals || known.isHere)) return known;
    const found = find(row, receiver);
    if (found === known) return known;
    table.setPublisher(row, found);
    // To the publisher that is new here it has contributed nothing yet.
    table.setState(row, 0);
    return found;
  }

  function replace(row: number, publisher: Publisher | undefined, state: StreamState): void {
    const before = table.state(row);
    if (before === state) return;
    // Nobody reads the counts of those who are not here.
    if (publisher?.isHere) replaceState(publisher, before, state);
    table.setState(row, state);
  }

  function nextSilenceOf(row: number, { receiver, elapsedSeconds }: Reception): Silence {
    const arrival = values.arrival();
    const publisher = table.publisher(row);
    if (arrival === ARRIVAL.heardOrUnknown || !publisher) return SILENCE.none;
    const { receivedAtMs } = receiver;
    const beacons = { previousAtMs: receivedAtMs - elapsedSeconds * 1000, newestAtMs: receivedAtMs };
    return nextSilence(silenceOf(table.state(row)), arrival, publisher, beacons);
  }

  return {
    refresh(row, reception) {
      const publisher = publisherOf(row, reception);
      if (publisher === ITSELF) return false;
      const isQuiet = values.packetsPerSecond(reception.elapsedSeconds) < SPEECH_PACKETS;
      const state = stateOf(values.millionths, isQuiet, nextSilenceOf(row, reception));
      replace(row, publisher, state);
      return isSuspect(state);
    },
    restart: (row) => replace(row, table.publisher(row), withoutSilence(table.state(row))),
    remove: (row) => replace(row, table.publisher(row), 0),
  };
}
