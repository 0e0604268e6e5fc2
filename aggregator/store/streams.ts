/** Received streams and who publishes them: each row of the peer table points to its publisher, and counts there. */
import { createPublisher, type Publisher } from '../attribution/publisher.ts';
import { ARRIVAL, nextSilence, SILENCE, type Silence } from '../attribution/silence.ts';
import { replaceState, type StreamState, silenceOf, stateOf, withoutSilence } from '../attribution/stream.ts';
import type { PeerTable } from './peer-table.ts';
import type { PeerValues } from './peer-values.ts';
import type { Session } from './session.ts';

export type Streams = {
  /**
   * Judges a stream by the values that were derived last, which are those of its receiver's newest beacon.
   * @param elapsedSeconds since the beacon before it
   */
  refresh(row: number, receiver: Session, elapsedSeconds: number): void;
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

/** Of a stream that comes from no living session. */
const NOBODY: Publisher = { ...createPublisher(), isHere: false };
/** Of a client that lists itself as a peer: it hears nobody by that. */
const ITSELF: Publisher = { ...createPublisher(), isHere: false };

export function createStreams(table: PeerTable, values: PeerValues): Streams {
  function find(row: number, receiver: Session): Publisher {
    const session = receiver.presence.meeting.sessions.get(table.id(row));
    return session === receiver ? ITSELF : (session?.publisher ?? NOBODY);
  }

  /** Where it is not there, it is looked for again only when somebody has come into the meeting since. */
  function publisherOf(row: number, receiver: Session): Publisher {
    const known = table.publisher(row);
    if (known && (known.isHere || receiver.arrivalsSeen === receiver.presence.meeting.arrivals)) return known;
    const found = find(row, receiver);
    if (found === known) return known;
    table.setPublisher(row, found);
    // To the publisher that is new here it has contributed nothing yet.
    table.setState(row, 0);
    return found;
  }

  function replace(row: number, publisher: Publisher | undefined, state: StreamState): void {
    // Nobody reads the counts of those who are not here.
    if (publisher?.isHere) replaceState(publisher, table.state(row), state);
    table.setState(row, state);
  }

  function nextSilenceOf(row: number, receiver: Session, elapsedSeconds: number): Silence {
    const arrival = values.arrival();
    const publisher = table.publisher(row);
    if (arrival === ARRIVAL.heardOrUnknown || !publisher) return SILENCE.none;
    const { receivedAtMs } = receiver;
    const beacons = { previousAtMs: receivedAtMs - elapsedSeconds * 1000, newestAtMs: receivedAtMs };
    return nextSilence(silenceOf(table.state(row)), arrival, publisher, beacons);
  }

  return {
    refresh(row, receiver, elapsedSeconds) {
      const publisher = publisherOf(row, receiver);
      if (publisher === ITSELF) return;
      const isQuiet = values.packetsPerSecond(elapsedSeconds) < SPEECH_PACKETS;
      replace(row, publisher, stateOf(values.millionths, isQuiet, nextSilenceOf(row, receiver, elapsedSeconds)));
    },
    restart: (row) => replace(row, table.publisher(row), withoutSilence(table.state(row))),
    remove: (row) => replace(row, table.publisher(row), 0),
  };
}
