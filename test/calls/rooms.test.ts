/**
 * The rooms' plane of `npm run call`: a real nats-server with its configuration, and NATS's own client for browsers. Who
 * hears what, and that no browser reaches the beacons.
 */
import { request } from 'node:http';
import { type NatsConnection, wsconnect } from '@nats-io/nats-core';
import { connect } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { natsConfig } from '../../call/nats-config.ts';
import type { Message } from '../../call/page/messages.ts';
import { joinRoom } from '../../call/page/signalling.ts';
import { roomSubject, sessionSubject } from '../../call/rooms.ts';
import { STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';

const ORIGIN = 'http://127.0.0.1:8788';
const ROOM = 'weekly';

let server: NatsServer;
let url: string;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startNatsServer({ config: natsConfig([ORIGIN]) });
  url = /Listening for websocket clients on (ws:\S+)/.exec(server.log())?.[1] ?? '';
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(() => server?.stop());

type Listener = { readonly heard: (readonly [from: string, message: Message])[]; say(message: Message): void };

async function join(sessionId: string, room = ROOM): Promise<Listener> {
  const heard: Listener['heard'] = [];
  const joined = await joinRoom({
    url,
    room,
    sessionId,
    onMessage: (from, message) => heard.push([from, message]),
    onConnected() {},
  });
  closing.push(joined.leave);
  return { heard, say: joined.say };
}

async function browser(options: object = {}): Promise<NatsConnection> {
  const nats = await wsconnect({ servers: url, ...options });
  closing.push(() => nats.close());
  return nats;
}

const hello = (name: string): Message => ({ type: 'hello', name, audio: true, video: true });

describe('a room', () => {
  it('hears everybody else once, and nobody hears themselves', async () => {
    const [ana, bo, eve] = [await join('ana'), await join('bo'), await join('eve')];
    const elsewhere = await join('elsewhere', 'another-room');
    ana.say(hello('Ana'));
    bo.say(hello('Bo'));
    eve.say({ type: 'bye' });
    await eventually(() => [ana, bo, eve].every(({ heard }) => heard.length >= 2));
    // What is published after all of it comes after all of it.
    elsewhere.say(hello('elsewhere'));
    ana.say(hello('last'));
    await eventually(() => eve.heard.some(([, message]) => 'name' in message && message.name === 'last'));
    const of = ({ heard }: Listener) => heard.map(([from, { type }]) => `${from} ${type}`).sort();
    expect(of(ana)).toEqual(['bo hello', 'eve bye']);
    expect(of(eve)).toEqual(['ana hello', 'ana hello', 'bo hello']);
    expect(elsewhere.heard).toEqual([]);
  });

  it('is heard once by a session that is connected twice, and not by itself: the queue group is the session', async () => {
    const [first, second, bo] = [await join('twice'), await join('twice'), await join('bo')];
    bo.say(hello('Bo'));
    first.say(hello('twice'));
    await eventually(() => bo.heard.length === 1);
    bo.say({ type: 'bye' });
    await eventually(() => first.heard.length + second.heard.length >= 2);
    expect([...first.heard, ...second.heard].map(([from, { type }]) => `${from} ${type}`).sort()).toEqual([
      'bo bye',
      'bo hello',
    ]);
  });

  // The seed has queue groups for this; they alone don't do it (ADR 15).
  it('would echo with a queue group alone', async () => {
    const nats = await browser();
    const heard: string[] = [];
    nats.subscribe(roomSubject(ROOM), { queue: 'ana', callback: (_, { subject }) => void heard.push(subject) });
    nats.publish(sessionSubject(ROOM, 'ana'), '{}');
    await nats.flush();
    expect(heard).toEqual([sessionSubject(ROOM, 'ana')]);
  });

  it('ignores what is not a message', async () => {
    const ana = await join('ana');
    const nats = await browser();
    nats.publish(sessionSubject(ROOM, 'eve'), '{"type":"hello","name":{"html":"<b>"}}');
    nats.publish(sessionSubject(ROOM, 'eve'), new Uint8Array([0xff, 0xfe, 0]));
    nats.publish(sessionSubject(ROOM, 'eve'), JSON.stringify({ ...hello('Eve'), more: 1 }));
    await eventually(() => ana.heard.length > 0);
    expect(ana.heard).toEqual([['eve', hello('Eve')]]);
  });
});

describe('a session that leaves', () => {
  it('while nats-server is away fails in nothing that the page would show as an error', async () => {
    const own = await startNatsServer({ config: natsConfig([ORIGIN]) });
    closing.push(() => own.stop());
    const [, address = ''] = /Listening for websocket clients on (ws:\S+)/.exec(own.log()) ?? [];
    const seen: boolean[] = [];
    const onConnected = (isConnected: boolean) => void seen.push(isConnected);
    const joined = await joinRoom({ url: address, room: ROOM, sessionId: 'ana', onMessage() {}, onConnected });
    await own.kill();
    await eventually(() => seen.length > 0);
    joined.say({ type: 'bye' });
    await expect(joined.leave()).resolves.toBeUndefined();
  });
});

describe('a browser', () => {
  const BEACONS = 'health.diagnostics.apac.edge.f00';

  /** What the server forbade. */
  async function forbidden(act: (nats: NatsConnection) => void): Promise<string> {
    const nats = await browser();
    act(nats);
    for await (const status of nats.status()) if (status.type === 'error') return status.error.message;
    return 'nothing';
  }

  it.each(['health.>', '>', BEACONS, '$JS.API.>', '$SYS.>', '_INBOX.>', 'room.>'])(
    'may not subscribe to %s',
    async (subject) => {
      const nats = await browser();
      const refused = new Promise<string>((resolve) => {
        nats.subscribe(subject, { callback: (error) => resolve(error?.message ?? 'heard') });
      });
      expect(await refused).toMatch(/permissions violation/i);
    },
  );

  it.each([BEACONS, `$JS.API.STREAM.INFO.${STREAM}`, `$JS.API.STREAM.PURGE.${STREAM}`, 'room.weekly'])(
    'may not publish to %s',
    async (subject) => {
      expect(await forbidden((nats) => nats.publish(subject, '{}'))).toMatch(/permissions violation/i);
    },
  );

  it('reaches no beacons through a reply subject either: it is in another account', async () => {
    const beacons = await connect({ servers: server.url });
    closing.push(() => beacons.close());
    const manager = await beacons.jetstreamManager();
    await manager.streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
    const heard: string[] = [];
    beacons.subscribe('>', { callback: (_, { subject }) => heard.push(subject) });
    await beacons.flush();
    const nats = await browser();
    nats.publish(sessionSubject(ROOM, 'eve'), '{}', { reply: BEACONS });
    await nats.flush();
    await beacons.flush();
    expect(heard.filter((subject) => !subject.startsWith('_INBOX.'))).toEqual([]);
    expect((await manager.streams.info(STREAM)).state.messages).toBe(0);
  });

  it.each(['edgepulse', 'rooms'])('does not get in as %s without its password', async (user) => {
    await expect(wsconnect({ servers: url, user, pass: 'guessed', reconnect: false })).rejects.toThrow(
      /authorization/i,
    );
  });

  it('of another origin does not get in', async () => {
    const status = async (origin: string) => {
      const key = 'dGhlIHNhbXBsZSBub25jZQ==';
      const headers = {
        upgrade: 'websocket',
        connection: 'Upgrade',
        'sec-websocket-version': '13',
        'sec-websocket-key': key,
        origin,
      };
      return upgradeStatus(url, headers);
    };
    expect(await status(ORIGIN)).toBe(101);
    expect(await status('https://evil.example')).toBe(403);
  });
});

function upgradeStatus(address: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(address.replace('ws:', 'http:'), { headers });
    asked.on('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy();
      resolve(statusCode);
    });
    asked.on('response', ({ statusCode = 0 }) => {
      asked.destroy();
      resolve(statusCode);
    });
    asked.on('error', reject);
    asked.end();
  });
}
