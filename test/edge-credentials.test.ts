/** What the Forwarder's NATS user needs, and no more: proven with a server that lets it do nothing else. */
import { connect, credsAuthenticator, type JetStreamManager } from 'nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { STREAM, STREAM_SUBJECTS } from '../shared/subjects.ts';
import { validBeacon } from './support/edge/beacon.ts';
import { eventually } from './support/poll.ts';
import { createNatsAccounts } from './support/processes/nats-accounts.ts';
import { type NatsServer, startNatsServer } from './support/processes/nats-server.ts';
import { postBeacon } from './support/processes/system.ts';
import { startWorker, type WorkerProcess } from './support/processes/worker.ts';

const accounts = createNatsAccounts();
/** To publish in one region, and to hear the acknowledgements. */
const creds = accounts.createCreds({
  pub: { allow: ['health.diagnostics.apac.edge.*'] },
  sub: { allow: ['_INBOX.>'] },
});

let server: NatsServer;
let worker: WorkerProcess;
let manager: JetStreamManager;
let close: () => Promise<void>;

beforeAll(async () => {
  server = await startNatsServer({ config: accounts.config });
  const authenticator = credsAuthenticator(new TextEncoder().encode(accounts.createCreds()));
  const nats = await connect({ servers: server.url, authenticator });
  close = () => nats.close();
  manager = await nats.jetstreamManager();
  await manager.streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
  worker = await startWorker({ natsUrl: server.url, vars: { NATS_CREDS: creds } });
});

afterAll(async () => {
  await close?.();
  await worker?.stop();
  await server?.stop();
});

const messages = async () => (await manager.streams.info(STREAM)).state.messages;

it('publishes with credentials that allow its subjects alone', async () => {
  expect((await postBeacon(worker, validBeacon(), { region: 'apac' })).status).toBe(204);
  expect(await messages()).toBe(1);
  expect(worker.log()).not.toMatch(/"level":"(warn|error)"/);
});

it('spools for a region that its user may not publish in', async () => {
  const before = await messages();
  expect((await postBeacon(worker, validBeacon(), { region: 'sa' })).status).toBe(204);
  await eventually(() => worker.log().includes('PERMISSIONS_VIOLATION'));
  expect(await messages()).toBe(before);
});

it('never logs its credentials', async () => {
  expect((await postBeacon(worker, validBeacon({ session_id: 's-3' }), { region: 'apac' })).status).toBe(204);
  const secrets = creds.split('\n').filter((line) => line !== '' && !line.startsWith('-'));
  expect(secrets).toHaveLength(2);
  for (const secret of secrets) expect(worker.log()).not.toContain(secret);
});
