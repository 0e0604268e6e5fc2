/** What the Forwarder's NATS user needs, and no more: proven with a server that lets it do nothing else. */
import { connect, credsAuthenticator, type JetStreamManager } from 'nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { countBatches } from '../support/edge/account.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { eventually } from '../support/poll.ts';
import { createNatsAccounts } from '../support/processes/nats-accounts.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { postBeacon } from '../support/processes/system.ts';
import { startWorker, type WorkerProcess } from '../support/processes/worker.ts';

const accounts = createNatsAccounts();
/** To publish in one region, and to hear the acknowledgements. */
const creds = accounts.createCreds({
  pub: { allow: ['health.diagnostics.apac.edge.*', 'health.diagnostics.apac.forwarder.*'] },
  sub: { allow: ['_INBOX.edge.apac.>'] },
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
  worker = await startWorker({
    natsUrl: server.url,
    vars: { NATS_CREDS_APAC: creds, NATS_CREDS_EU_WEST: accounts.createCreds() },
  });
});

afterAll(async () => {
  await close?.();
  await worker?.stop();
  await server?.stop();
});

const messages = () => countBatches(manager);

it('publishes with credentials that allow its subjects alone', async () => {
  expect((await postBeacon(worker, validBeacon(), { region: 'apac' })).status).toBe(204);
  expect(await messages()).toBe(1);
  expect(worker.log()).not.toMatch(/"level":"(warn|error)"/);
});

it('takes the credentials of each region for its own', async () => {
  const before = await messages();
  expect((await postBeacon(worker, validBeacon(), { region: 'eu-west' })).status).toBe(204);
  expect(await messages()).toBe(before + 1);
});

it('spools for a region without credentials, and says so', async () => {
  const before = await messages();
  expect((await postBeacon(worker, validBeacon(), { region: 'sa' })).status).toBe(204);
  await eventually(() => worker.log().includes('AUTHORIZATION_VIOLATION'));
  expect(await messages()).toBe(before);
});

it('never logs its credentials', async () => {
  expect((await postBeacon(worker, validBeacon({ session_id: 's-3' }), { region: 'apac' })).status).toBe(204);
  const secrets = creds.split('\n').filter((line) => line !== '' && !line.startsWith('-'));
  expect(secrets).toHaveLength(2);
  for (const secret of secrets) expect(worker.log()).not.toContain(secret);
});
