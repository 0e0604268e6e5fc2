/** The link in workerd with a real nats-server; servers that die are test/edge-faults.test.ts's. */
import { env } from 'cloudflare:workers';
import { connect, DiscardPolicy, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLink, type Link, type LinkOptions } from './connection.ts';

const STREAM = 'LINK';
const SUBJECT = 'link.test';
const TIMEOUT_MS = 2_000;
const NATS_URL = String(env.NATS_URL);

let nats: NatsConnection;
let streams: JetStreamManager['streams'];
let links: Link[] = [];

beforeAll(async () => {
  nats = await connect({ servers: NATS_URL });
  ({ streams } = await nats.jetstreamManager());
});
afterAll(() => nats.close());

beforeEach(async () => {
  await streams.add({ name: STREAM, subjects: [SUBJECT] });
});
afterEach(async () => {
  await Promise.all(links.map((link) => link.close()));
  links = [];
  await streams.delete(STREAM);
});

function link(options: Partial<LinkOptions> = {}): Link {
  const created = createLink({ servers: [NATS_URL], name: 'test', onUp: () => {}, ...options });
  links.push(created);
  return created;
}

describe('with a server that answers', () => {
  it('is down until it is opened, then up, and says so', async () => {
    let ups = 0;
    const subject = link({ onUp: () => void ups++ });
    expect(subject.isUp()).toBe(false);
    await subject.open();
    expect(subject.isUp()).toBe(true);
    expect(ups).toBe(1);
  });

  it('publishes, and knows a repeat by its id', async () => {
    const subject = link();
    await subject.open();
    const publication = { subject: SUBJECT, id: 'e1.0', text: 'hello' };
    expect(await subject.publish(publication, TIMEOUT_MS)).toEqual({ ok: true, duplicate: false, seq: 1 });
    expect(await subject.publish(publication, TIMEOUT_MS)).toEqual({ ok: true, duplicate: true, seq: 1 });
    const stored = await streams.getMessage(STREAM, { seq: 1 });
    expect([stored.string(), stored.header.get('Nats-Msg-Id')]).toEqual(['hello', 'e1.0']);
  });

  it('carries a batch of the largest size', async () => {
    const subject = link();
    await subject.open();
    const text = 'x'.repeat(520_000);
    expect(await subject.publish({ subject: SUBJECT, id: 'e1.0', text }, TIMEOUT_MS)).toMatchObject({ ok: true });
    expect((await streams.getMessage(STREAM, { seq: 1 })).data.length).toBe(text.length);
  });

  it('fails at once where no stream listens', async () => {
    const subject = link();
    await subject.open();
    const answer = await subject.publish({ subject: 'link.nobody', id: 'e1.0', text: '' }, 60_000);
    expect(answer).toEqual({ ok: false, error: '503', refused: true });
  });

  it('fails with what JetStream says where the stream is full', async () => {
    await streams.update(STREAM, { max_msgs: 1, discard: DiscardPolicy.New });
    const subject = link();
    await subject.open();
    await subject.publish({ subject: SUBJECT, id: 'e1.0', text: '' }, TIMEOUT_MS);
    const answer = await subject.publish({ subject: SUBJECT, id: 'e1.1', text: '' }, 60_000);
    expect(answer).toEqual({ ok: false, error: '10077', refused: true });
  });

  it('does not know whether what nobody acknowledged was stored', async () => {
    const silent = nats.subscribe('link.silent');
    const subject = link();
    await subject.open();
    const answer = await subject.publish({ subject: 'link.silent', id: 'e1.0', text: '' }, 50);
    expect(answer).toEqual({ ok: false, error: 'TIMEOUT', refused: false });
    silent.unsubscribe();
  });

  it('closes when nobody uses it, and opens again', async () => {
    const subject = link({ idleMs: 300 });
    await subject.open();
    await vi.waitFor(() => expect(subject.isUp()).toBe(false), { timeout: 4_000 });
    await subject.open();
    expect(await subject.publish({ subject: SUBJECT, id: 'e1.0', text: '' }, TIMEOUT_MS)).toMatchObject({ ok: true });
  });
});

it('reaches the one server of several that answers', async () => {
  const subject = link({ servers: ['nats://127.0.0.1:1', NATS_URL, 'nats://127.0.0.1:2'] });
  await subject.open();
  await vi.waitFor(() => expect(subject.isUp()).toBe(true));
});

it('is down, and fails every publish at once, when nothing listens', async () => {
  const subject = link({ servers: ['nats://127.0.0.1:1'] });
  await subject.open();
  expect(subject.isUp()).toBe(false);
  const answer = await subject.publish({ subject: SUBJECT, id: 'e1.0', text: '' }, 60_000);
  expect(answer).toEqual({ ok: false, error: 'not connected', refused: true });
});

it.each(['tls', 'wss', 'http'])('never speaks in plain text to a server with a URL of %s:', async (scheme) => {
  const subject = link({ servers: [NATS_URL.replace('nats:', `${scheme}:`)] });
  await subject.open();
  expect(subject.isUp()).toBe(false);
});
