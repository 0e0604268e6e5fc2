/** The connection in workerd with a real nats-server; servers that die are test/edge/faults.test.ts's. */
import { env } from 'cloudflare:workers';
import { connect, DiscardPolicy, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Connection, type ConnectionOptions, createConnection } from './connection.ts';

const STREAM = 'LINK';
const SUBJECT = 'connection.test';
const NATS_URL = String(env.NATS_URL);

let nats: NatsConnection;
let streams: JetStreamManager['streams'];
let connections: Connection[] = [];

beforeAll(async () => {
  nats = await connect({ servers: NATS_URL });
  ({ streams } = await nats.jetstreamManager());
});
afterAll(() => nats.close());

beforeEach(async () => {
  await streams.add({ name: STREAM, subjects: [SUBJECT] });
});
afterEach(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  connections = [];
  await streams.delete(STREAM);
});

const INBOX = '_INBOX.edge.apac';
const payload = new TextEncoder().encode('hello');

function connection(options: Partial<ConnectionOptions> = {}): Connection {
  const created = createConnection({
    servers: [NATS_URL],
    name: 'test',
    inboxPrefix: INBOX,
    onUp: () => {},
    ...options,
  });
  connections.push(created);
  return created;
}

describe('with a server that answers', () => {
  it('is down until it is opened, then up, and says so', async () => {
    let ups = 0;
    const subject = connection({ onUp: () => void ups++ });
    expect(subject.isUp()).toBe(false);
    await subject.open();
    expect(subject.isUp()).toBe(true);
    expect(ups).toBe(1);
  });

  it('publishes, and knows a repeat by its id', async () => {
    const subject = connection();
    await subject.open();
    const publication = { subject: SUBJECT, id: 'e1.0', payload };
    expect(await subject.publish(publication)).toEqual({ kind: 'stored', isDuplicate: false });
    expect(await subject.publish(publication)).toEqual({ kind: 'stored', isDuplicate: true });
    const stored = await streams.getMessage(STREAM, { seq: 1 });
    expect([stored.string(), stored.header.get('Nats-Msg-Id')]).toEqual(['hello', 'e1.0']);
  });

  it('carries a batch of the largest size', async () => {
    const subject = connection();
    await subject.open();
    const large = new Uint8Array(900_000).fill(7);
    expect(await subject.publish({ subject: SUBJECT, id: 'e1.0', payload: large })).toMatchObject({ kind: 'stored' });
    expect((await streams.getMessage(STREAM, { seq: 1 })).data.length).toBe(large.length);
  });

  it('fails at once where no stream listens', async () => {
    const subject = connection();
    await subject.open();
    const answer = await subject.publish({ subject: 'connection.nobody', id: 'e1.0', payload });
    expect(answer).toMatchObject({ kind: 'refused', error: '503', fault: 'stream' });
  });

  it('fails with what JetStream says where the stream is full', async () => {
    await streams.update(STREAM, { max_msgs: 1, discard: DiscardPolicy.New });
    const subject = connection();
    await subject.open();
    await subject.publish({ subject: SUBJECT, id: 'e1.0', payload });
    const answer = await subject.publish({ subject: SUBJECT, id: 'e1.1', payload });
    expect(answer).toMatchObject({ kind: 'refused', error: '10077', fault: 'storage' });
  });

  it('does not know whether what nobody acknowledged was stored', async () => {
    const silent = nats.subscribe('connection.silent');
    await nats.flush();
    const subject = connection({ ackLostMs: 50 });
    await subject.open();
    const answer = await subject.publish({ subject: 'connection.silent', id: 'e1.0', payload });
    expect(answer).toMatchObject({ kind: 'lost', error: 'TIMEOUT', fault: 'no_answer' });
    silent.unsubscribe();
  });

  it('hears acknowledgements in the inbox of its region alone, under a name that nobody can guess', async () => {
    const heard = nats.subscribe('connection.echo', { max: 1 });
    await nats.flush();
    const subject = connection({ ackLostMs: 500 });
    await subject.open();
    void subject.publish({ subject: 'connection.echo', id: 'e1.0', payload });
    for await (const message of heard) expect(message.reply).toMatch(/^_INBOX\.edge\.apac\.[^.]{20,}\./);
  });

  it('waits for an acknowledgement that is slow', async () => {
    const slow = nats.subscribe('connection.slow', { max: 1 });
    await nats.flush();
    const subject = connection();
    await subject.open();
    const publishing = subject.publish({ subject: 'connection.slow', id: 'e1.0', payload });
    for await (const message of slow) {
      setTimeout(() => message.respond(JSON.stringify({ stream: STREAM, seq: 1 })), 2_300);
    }
    expect(await publishing).toEqual({ kind: 'stored', isDuplicate: false });
  });

  it('knows what the server takes, and that a larger message never left', async () => {
    const subject = connection();
    await subject.open();
    expect(subject.maxPayload()).toBe(1_048_576);
    const large = new Uint8Array(1_048_577);
    expect(await subject.publish({ subject: SUBJECT, id: 'e1.0', payload: large })).toMatchObject({
      kind: 'too_large',
    });
  });

  it('knows that the stream takes no message of that size', async () => {
    await streams.update(STREAM, { max_msg_size: 100 });
    const subject = connection();
    await subject.open();
    const large = new Uint8Array(200);
    expect(await subject.publish({ subject: SUBJECT, id: 'e1.0', payload: large })).toMatchObject({
      kind: 'too_large',
    });
    await streams.update(STREAM, { max_msg_size: -1 });
  });

  it('closes when nobody uses it, and opens again', async () => {
    const subject = connection({ idleMs: 300 });
    await subject.open();
    await vi.waitFor(() => expect(subject.isUp()).toBe(false), { timeout: 4_000 });
    await subject.open();
    expect(await subject.publish({ subject: SUBJECT, id: 'e1.0', payload })).toMatchObject({ kind: 'stored' });
  });
});

it('reaches the one server of several that answers', async () => {
  const subject = connection({ servers: ['nats://127.0.0.1:1', NATS_URL, 'nats://127.0.0.1:2'] });
  await subject.open();
  await vi.waitFor(() => expect(subject.isUp()).toBe(true));
});

it('makes no connection when it has no servers', async () => {
  const subject = connection({ servers: [] });
  await subject.open();
  expect(subject.isUp()).toBe(false);
});

it('is down, and fails every publish at once, when nothing listens', async () => {
  const subject = connection({ servers: ['nats://127.0.0.1:1'] });
  await subject.open();
  expect(subject.isUp()).toBe(false);
  const answer = await subject.publish({ subject: SUBJECT, id: 'e1.0', payload });
  expect(answer).toEqual({ kind: 'refused', error: 'not connected' });
});

it.each(['tls', 'wss', 'http'])('never speaks in plain text to a server with a URL of %s:', async (scheme) => {
  const subject = connection({ servers: [NATS_URL.replace('nats:', `${scheme}:`)] });
  await subject.open();
  expect(subject.isUp()).toBe(false);
});
