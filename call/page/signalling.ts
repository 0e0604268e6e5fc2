/**
 * Signalling over NATS: everybody in a room says things on a subject of their own, `room.{room}.{session}`, and hears
 * `room.{room}.*`. The queue group is the session's, so that a session that is connected twice hears each message once;
 * docs/adr/0015-rooms-and-echo.md says why it hears nothing of its own.
 */
import { type NatsConnection, wsconnect } from '@nats-io/nats-core';
import { roomSubject, sessionSubject, speakerOf } from '../rooms.ts';
import { decodeMessage, encodeMessage, type Message } from './messages.ts';

export type RoomOptions = {
  /** nats-server's listener for WebSockets. */
  readonly url: string;
  readonly room: string;
  readonly sessionId: string;
  /** Somebody else said something. */
  readonly onMessage: (from: string, message: Message) => void;
  /** The connection was lost, or is back: what was said meanwhile is lost. */
  readonly onConnected: (isConnected: boolean) => void;
};

export type Room = {
  /** Not kept while the connection is lost. */
  say(message: Message): void;
  /** Sends what is still to be sent, and closes. */
  leave(): Promise<void>;
};

/** Until `leave()` it reconnects by itself. @throws when nats-server does not answer */
export async function joinRoom({ url, room, sessionId, onMessage, onConnected }: RoomOptions): Promise<Room> {
  const nats = await wsconnect({
    servers: url,
    noEcho: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 1_000,
    // Whoever is cut off without a word is noticed within this.
    pingInterval: 10_000,
    wsFactory: async (address) => ({ socket: openSocket(address), encrypted: address.startsWith('wss:') }),
  });
  void watch(nats, onConnected);
  nats.subscribe(roomSubject(room), {
    queue: sessionId,
    callback(error, { subject, data }) {
      const from = error ? undefined : speakerOf(subject);
      // The server's no_echo covers one connection, and after a reconnect a session has had two.
      if (from === undefined || from === sessionId) return;
      const message = decodeMessage(data);
      if (message) onMessage(from, message);
    },
  });
  // From here on, everything is heard.
  await nats.flush();
  const subject = sessionSubject(room, sessionId);
  return {
    say(message) {
      if (!nats.isClosed()) nats.publish(subject, encodeMessage(message));
    },
    // While nats-server is away it can't be drained, and would reconnect for as long as the page is open.
    leave: () => nats.drain().catch(() => nats.close()),
  };
}

/** A socket that always closes with a status: nats-server 2.9 answers a close without one with a frame that browsers log as an error. */
function openSocket(address: string): WebSocket {
  const socket = new WebSocket(address);
  const close = socket.close.bind(socket);
  socket.close = (code = 1_000, reason) => close(code, reason);
  return socket;
}

async function watch(nats: NatsConnection, onConnected: (isConnected: boolean) => void): Promise<void> {
  for await (const { type } of nats.status()) {
    if (type === 'disconnect') onConnected(false);
    if (type === 'reconnect') onConnected(true);
  }
}
