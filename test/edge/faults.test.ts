/**
 * Faults behind and in front of the edge, with a real nats-server and the worker in a real workerd: whatever
 * was answered 204 is in the stream when the fault is over, once, in order, and counted.
 */
import { type AddressInfo, connect as connectTcp, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { beaconRequest, FIRST_SEQ, runLoad } from '../../bench/load.ts';
import { addStream, expectBalanced, readAccount, sum, widenStream } from '../support/edge/account.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { createEdgeClients, type EdgeClients } from '../support/edge/clients.ts';
import { testToken } from '../support/edge/tokens.ts';
import { eventually, pause } from '../support/poll.ts';
import { type NatsServer, type NatsServerOptions, startNatsServer } from '../support/processes/nats-server.ts';
import { startWorker, type WorkerProcess } from '../support/processes/worker.ts';

/** 2 s for an acknowledgement; the rest is for a machine that does other things too. */
const ANSWERED_WITHIN_MS = 4_000;

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function nats(options: NatsServerOptions = {}): Promise<NatsServer> {
  const server = await startNatsServer(options);
  endings.push(() => server.stop());
  return server;
}

/** A nats-server with the stream, on a port where another kind of server may have been. */
async function natsWithStream(port?: number): Promise<NatsServer> {
  const server = await nats(port === undefined ? {} : { port });
  await addStream(server.url);
  return server;
}

async function edge(natsUrl: string): Promise<{ worker: WorkerProcess; clients: EdgeClients }> {
  const worker = await startWorker({ natsUrl });
  endings.push(() => worker.stop());
  return { worker, clients: await createEdgeClients(worker) };
}

/** Accepts connections on `port` and never says a word. */
async function silentServer(port: number): Promise<() => Promise<void>> {
  const server: Server = createServer(() => {});
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
}

function expectAllAccepted(clients: EdgeClients): void {
  expect(new Set(clients.answers().values())).toEqual(new Set([204]));
  expect(clients.slowestMs()).toBeLessThan(ANSWERED_WITHIN_MS);
}

it('loses nothing when nats-server is killed under load and comes back after 20 s', async () => {
  const server = await natsWithStream();
  const { clients } = await edge(server.url);
  clients.startLoad(200);
  await eventually(async () => (await readAccount(server.url)).beacons.length > 100);
  await server.kill();
  await pause(20_000);
  await server.restart();
  await eventually(async () => sum((await readAccount(server.url)).forwarders, ({ drained }) => drained) > 0);
  await clients.stopLoad();
  expectAllAccepted(clients);
  const { forwarders } = await expectBalanced(server.url, clients);
  expect(sum(forwarders, ({ drained }) => drained)).toBeGreaterThan(1_000);
}, 120_000);

it('loses nothing when nats-server stops answering for a while, and stores nothing twice', async () => {
  const server = await natsWithStream();
  const { clients } = await edge(server.url);
  clients.startLoad(100);
  await eventually(async () => (await readAccount(server.url)).beacons.length > 50);
  server.freeze();
  const before = clients.answers().size;
  await eventually(() => clients.answers().size > before + 300, { deadlineMs: 20_000 });
  server.thaw();
  await clients.stopLoad();
  expectAllAccepted(clients);
  await expectBalanced(server.url, clients);
  // The counters come at most once a second.
  await eventually(
    async () => sum((await readAccount(server.url)).forwarders, ({ publishErrors }) => publishErrors) > 0,
  );
});

type Fault = {
  readonly fault: string;
  /** What stands on the port while the fault lasts; returns how it ends. */
  begin(port: number): Promise<() => Promise<void>>;
};

const asNats = (options: NatsServerOptions) => async (port: number) => {
  const server = await nats({ ...options, port });
  return () => server.stop();
};

const NOBODY = 'users = [{ user: someone, password: else, permissions: { publish: "other.>" } }]';

it.each<Fault>([
  { fault: 'nothing listens', begin: async () => async () => {} },
  { fault: 'the server accepts TCP and says nothing', begin: silentServer },
  { fault: 'the server wants a token', begin: asNats({ config: 'authorization { token: "t" }' }) },
  {
    fault: 'the user may not publish',
    begin: asNats({ config: `authorization { ${NOBODY} }\nno_auth_user: someone` }),
  },
  { fault: 'JetStream is disabled', begin: asNats({ jetStream: false }) },
  { fault: 'there is no stream', begin: asNats({}) },
])('spools while $fault, and drains when that is over', async ({ begin }) => {
  const { port, stop } = await startNatsServer();
  await stop();
  const end = await begin(port);
  const { clients } = await edge(`nats://127.0.0.1:${port}`);
  await clients.post(200);
  expectAllAccepted(clients);
  await end();
  const server = await natsWithStream(port);
  await clients.post(50);
  const { forwarders } = await expectBalanced(server.url, clients);
  expect(sum(forwarders, ({ spooled }) => spooled)).toBeGreaterThanOrEqual(200);
});

it('spools while the stream is full, and drains when it has room', async () => {
  const server = await nats();
  await addStream(server.url, { max_msgs: 10 });
  const { clients } = await edge(server.url);
  await clients.post(200);
  expectAllAccepted(clients);
  expect((await readAccount(server.url)).beacons.length).toBeLessThan(200);
  await widenStream(server.url);
  await expectBalanced(server.url, clients);
});

it('drains its spool after kill -9 of workerd, without a call', async () => {
  const server = await natsWithStream();
  const { worker, clients } = await edge(server.url);
  await clients.post(60);
  await server.kill();
  await clients.post(200);
  expectAllAccepted(clients);
  await worker.kill();
  await server.restart();
  await worker.restart();
  const { forwarders } = await expectBalanced(server.url, clients);
  expect(sum(forwarders, ({ drained }) => drained)).toBe(200);
});

it('loses nothing and counts nothing twice over kill -9 of workerd under load, again and again', async () => {
  const server = await natsWithStream();
  const { worker, clients } = await edge(server.url);
  clients.startLoad(200);
  for (const outage of [true, false, true]) {
    if (outage) await server.kill();
    const before = clients.answers().size;
    await eventually(() => clients.answers().size > before + 100);
    await worker.kill();
    if (outage) await server.restart();
    await worker.restart();
  }
  await clients.stopLoad();
  await clients.post(24);
  await expectBalanced(server.url, clients);
});

/** Passes TCP on to `port`; what comes back comes `delayMs` later, which may change while it runs. */
async function slowProxy(port: number): Promise<{ port: number; setDelay(ms: number): void }> {
  let delayMs = 0;
  const server = createServer((client) => {
    const upstream = connectTcp(port, '127.0.0.1');
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => setTimeout(() => client.writable && client.write(data), delayMs));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(async () => void server.close());
  const setDelay = (ms: number): void => {
    delayMs = ms;
  };
  return { port: (server.address() as AddressInfo).port, setDelay };
}

it('loses no throughput to acknowledgements that take longer than an answer may', async () => {
  const server = await natsWithStream();
  const proxy = await slowProxy(server.port);
  const { clients } = await edge(`nats://127.0.0.1:${proxy.port}`);
  await clients.post(24);
  proxy.setDelay(2_300);
  clients.startLoad(100);
  await pause(15_000);
  await clients.stopLoad();
  expectAllAccepted(clients);
  const accepted = clients.answers().size;
  // While they still take as long: everything that was offered is in the stream within a few of them.
  const stored = async () => new Set((await readAccount(server.url)).beacons).size;
  await eventually(async () => (await stored()) === accepted, { deadlineMs: 10_000, intervalMs: 500 });
  await expectBalanced(server.url, clients);
}, 120_000);

it('answers each of 5,000 requests at once, though most only wait for the call of another', async () => {
  const server = await natsWithStream();
  const { worker } = await edge(server.url);
  const requests = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const beacon = validBeacon({ meeting_id: `m-${i % 7}`, session_id: `s-${i}`, seq: FIRST_SEQ });
      const token = await testToken({ meeting: beacon.meeting_id, session: beacon.session_id });
      return beaconRequest(worker.url, JSON.stringify({ ...beacon, token }));
    }),
  );
  const result = await runLoad({ url: worker.url, requests, connections: 5_000, seconds: 1 });
  expect(result).toMatchObject({ failed: 0 });
  const { beacons } = await readAccount(server.url);
  expect(beacons.length).toBe(result.answered);
}, 120_000);

describe('a client that does not finish its request', () => {
  it.each([
    { what: 'never ends its body', hangsUp: false },
    { what: 'hangs up in the middle of it', hangsUp: true },
  ])('and $what harms nobody, and nothing of it arrives', async ({ hangsUp }) => {
    const server = await natsWithStream();
    const { worker, clients } = await edge(server.url);
    const body = JSON.stringify({
      ...validBeacon({ session_id: 'slow' }),
      token: await testToken({ session: 'slow' }),
    });
    const head = `POST /v1/beacons HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n`;
    const sockets = Array.from({ length: 50 }, () => connectTcp(Number(new URL(worker.url).port), '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => {}).write(head + body.slice(0, body.length / 2));
    if (hangsUp) for (const socket of sockets) socket.end();
    await clients.post(100);
    expectAllAccepted(clients);
    for (const socket of sockets) socket.destroy();
    await clients.post(12);
    const { beacons } = await expectBalanced(server.url, clients);
    expect(beacons.filter((key) => key.startsWith('slow'))).toEqual([]);
  });
});
