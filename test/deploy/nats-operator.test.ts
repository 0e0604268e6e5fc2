/** The accounts of deploy/nats as JWTs of an operator, with users by credentials files: they may do what those with passwords may. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, credsAuthenticator, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createOperatorFiles } from '../../deploy/nats/source/operator.ts';
import { freePort } from '../../dev/ports.ts';
import { STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';

const files = createOperatorFiles(['apac', 'eu-west']);
const connections: NatsConnection[] = [];
const endings: (() => Promise<unknown>)[] = [];
let server: NatsServer;
let operator: NatsConnection;

beforeAll(async () => {
  server = await startNatsServer({ config: files.accounts });
  operator = await as('operator');
  await (await operator.jetstreamManager()).streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
});

afterAll(async () => {
  for (const connection of connections) await connection.close();
  for (const end of endings.reverse()) await end();
  await server?.stop();
});

async function as(user: string, inboxPrefix = '_INBOX', url = server.url): Promise<NatsConnection> {
  const authenticator = credsAuthenticator(new TextEncoder().encode(files.creds.get(user)));
  const connection = await connect({ servers: url, authenticator, inboxPrefix });
  connections.push(connection);
  return connection;
}

const lastSequence = async () => (await (await operator.jetstreamManager()).streams.info(STREAM)).state.last_seq;

it("lets a region's Forwarders publish to their region, and an acknowledgement lead nowhere else", async () => {
  const js = (await as('edge-apac', '_INBOX.edge.apac')).jetstream();
  expect(await js.publish('health.diagnostics.apac.edge.f00', '{}')).toMatchObject({ stream: STREAM });
  const before = await lastSequence();
  await expect(js.publish('health.diagnostics.eu-west.edge.f00', '{}', { timeout: 500 })).rejects.toThrow();
  const nats = await as('edge-apac', '_INBOX.edge.apac');
  nats.publish('health.diagnostics.apac.edge.f00', '{}', { reply: '$JS.API.STREAM.PURGE.HEALTH' });
  await nats.flush();
  expect(await nats.jetstream().publish('health.diagnostics.apac.edge.f00', '{}')).toMatchObject({ seq: before + 2 });
});

it("lets an aggregator look at the stream and at nothing of another region's", async () => {
  const nats = await as('aggregator-apac', '_INBOX.aggregator');
  const info = await nats.request('$JS.API.STREAM.INFO.HEALTH', '', { timeout: 1_000 });
  expect(info.json()).toMatchObject({ config: { name: STREAM } });
  const subject = '$JS.API.CONSUMER.CREATE.HEALTH.c.health.diagnostics.eu-west.>';
  await expect(nats.request(subject, '{}', { timeout: 500 })).rejects.toThrow();
});

it('keeps the credentials of a leaf node from clients', async () => {
  await expect(as('leaf-apac')).rejects.toThrow(/Authorization/);
});

it('joins a region to a hub by the credentials of its leaf node', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-operator-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const creds = join(folder, 'leaf.creds');
  await writeFile(creds, files.creds.get('leaf-apac') ?? '');
  const leafPort = await freePort();
  const leafs = `leafnodes { listen: "127.0.0.1:${leafPort}" }`;
  const hub = await startNatsServer({ jetStream: false, config: `${files.accounts}\n${leafs}` });
  endings.push(() => hub.stop());
  const hubs = files.hubs
    .replace('$HUB_URLS', `["nats://127.0.0.1:${leafPort}"]`)
    .replace('$LEAF_CREDS', JSON.stringify(creds))
    .replace("include 'peer-tls.conf'", '');
  const jetstream = `jetstream { domain: apac, store_dir: ${JSON.stringify(join(folder, 'store'))} }`;
  const region = await startNatsServer({ jetStream: false, config: [files.accounts, hubs, jetstream].join('\n') });
  endings.push(() => region.stop());
  const there = await as('operator', '_INBOX', region.url);
  await (await there.jetstreamManager()).streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
  const nats = await as('aggregator-apac', '_INBOX.aggregator', hub.url);
  const info = await eventually(() => nats.request('$JS.apac.API.STREAM.INFO.HEALTH', '', { timeout: 500 }));
  expect(info.json()).toMatchObject({ config: { name: STREAM } });
});
