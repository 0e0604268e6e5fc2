/** NATS over TLS, as it is reached over the internet: an upgrade in workerd, and no way around the certificate. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { countBatches } from '../support/edge/account.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { postBeacon } from '../support/processes/system.ts';
import { startWorker, type WorkerProcess } from '../support/processes/worker.ts';

const fixture = (name: string): string => join(import.meta.dirname, '..', 'fixtures', 'tls', name);
const CA = readFileSync(fixture('ca.pem'), 'utf8');

let server: NatsServer;
let nats: NatsConnection;
let manager: JetStreamManager;
let worker: WorkerProcess | undefined;

beforeAll(async () => {
  const config = `tls { cert_file: "${fixture('cert.pem')}", key_file: "${fixture('key.pem')}" }`;
  server = await startNatsServer({ config });
  nats = await connect({ servers: `localhost:${server.port}`, tls: { ca: CA } });
  manager = await nats.jetstreamManager();
  await manager.streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
});

afterEach(async () => {
  await worker?.stop();
  worker = undefined;
});

afterAll(async () => {
  await nats?.close();
  await server?.stop();
});

const messages = () => countBatches(manager);

it.each(['tls', 'nats'])('publishes to a server that asks for TLS, by a URL of %s:', async (scheme) => {
  const before = await messages();
  const natsUrl = `${scheme}://localhost:${server.port}`;
  worker = await startWorker({ natsUrl, trustedCertificates: [CA] });
  expect((await postBeacon(worker, validBeacon())).status).toBe(204);
  expect(await messages()).toBe(before + 1);
});

describe('sends nothing', () => {
  it.each([
    { what: 'when nobody vouches for the certificate', host: 'localhost', trustedCertificates: [] },
    { what: 'when the certificate is of another name', host: '127.0.0.1', trustedCertificates: [CA] },
  ])('$what', async ({ host, trustedCertificates }) => {
    const before = await messages();
    worker = await startWorker({ natsUrl: `tls://${host}:${server.port}`, trustedCertificates });
    expect((await postBeacon(worker, validBeacon())).status).toBe(204);
    await eventually(() => worker?.log().includes('"error":"TLS"'));
    expect(await messages()).toBe(before);
  });
});
