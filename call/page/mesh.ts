/** The others in the room, each with a connection of their own: who comes, who goes, and what they send. */
import type { Message, Unaddressed } from './messages.ts';
import { type Negotiation, negotiate } from './negotiation.ts';
import { createRoster, type Person } from './roster.ts';

export type Other = Partial<Person> & {
  readonly sessionId: string;
  readonly stream: MediaStream;
  readonly state: RTCPeerConnectionState;
};

export type MeshOptions = {
  readonly sessionId: string;
  /** What is sent to everybody. */
  readonly stream: MediaStream;
  /** What is said about oneself, whenever it is said. */
  readonly self: () => Person;
  readonly say: (message: Message) => void;
  /** A connection to somebody was made, and is not connected yet. */
  readonly onConnection: (connection: RTCPeerConnection, sessionId: string) => void;
  readonly onOther: (other: Other) => void;
  readonly onGone: (sessionId: string) => void;
  /** A monotonic clock in ms. */
  readonly now: () => number;
};

export type Mesh = {
  hear(from: string, message: Message): void;
  /** Says hello, and removes those who disappeared. Every few seconds. */
  tick(): void;
  /** Says hello now. */
  greet(): void;
  /** What was said a moment ago may have been lost. */
  repeat(): void;
  /** Says goodbye and closes every connection. */
  leave(): void;
};

type Peer = {
  readonly connection: RTCPeerConnection;
  readonly negotiation: Negotiation;
  readonly stream: MediaStream;
};

export function createMesh(options: MeshOptions): Mesh {
  const { sessionId, stream, self, say, onConnection, onOther, onGone, now } = options;
  const roster = createRoster();
  const peers = new Map<string, Peer>();
  /** Given up, but they may not know. */
  const givenUp = new Set<string>();

  function greet(): void {
    say({ type: 'hello', ...self() });
  }

  function show(id: string): void {
    const peer = peers.get(id);
    if (peer)
      onOther({ sessionId: id, ...roster.get(id), stream: peer.stream, state: peer.connection.connectionState });
  }

  function connect(id: string): void {
    const connection = new RTCPeerConnection();
    const received = new MediaStream();
    const negotiation = negotiate({
      connection,
      isPolite: sessionId < id,
      send: (message: Unaddressed) => say({ ...message, to: id }),
    });
    peers.set(id, { connection, negotiation, stream: received });
    connection.addEventListener('track', ({ track }) => received.addTrack(track));
    connection.addEventListener('connectionstatechange', () => show(id));
    onConnection(connection, id);
    for (const track of stream.getTracks()) connection.addTrack(track, stream);
  }

  function disconnect(id: string): void {
    peers.get(id)?.connection.close();
    peers.delete(id);
  }

  function remove(id: string): void {
    disconnect(id);
    roster.remove(id);
    onGone(id);
  }

  return {
    greet,
    hear(from, message) {
      const isNew = !roster.has(from);
      if (message.type === 'bye') {
        if (!isNew) remove(from);
        return;
      }
      if (!roster.hear(from, now())) return;
      if (isNew) {
        if (givenUp.delete(from)) say({ type: 'again', to: from });
        // They may not have heard of us, who were here before.
        greet();
        connect(from);
      }
      if (message.type === 'hello') roster.describe(from, message);
      else if (message.to !== sessionId) return;
      else if (message.type === 'again') {
        disconnect(from);
        connect(from);
      } else {
        // What the browser can't make sense of, whoever made it up, is left alone: the connection then fails by itself.
        peers
          .get(from)
          ?.negotiation.receive(message)
          .catch(() => {});
      }
      show(from);
    },
    tick() {
      greet();
      for (const id of roster.quiet(now())) {
        // With signalling away nobody is heard, and calls go on.
        if (peers.get(id)?.connection.connectionState === 'connected') continue;
        givenUp.add(id);
        remove(id);
      }
    },
    repeat() {
      greet();
      for (const { negotiation } of peers.values()) negotiation.repeat();
    },
    leave() {
      say({ type: 'bye' });
      for (const id of [...peers.keys()]) remove(id);
    },
  };
}
