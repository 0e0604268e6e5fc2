/** Clients that send slowly, or stop in the middle: rejected or dropped, counted, and without effect on others. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectNats, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeForwarderCounters } from '../../shared/forwarder-counters.ts';
import { STREAM, STREAM_SUBJECTS, SUBJECT_ROOT } from '../../shared/subjects.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { postBeacon } from '../support/processes/system.ts';
import { startWorker, type WorkerProcess } from '../support/processes/worker.ts';

const SLOW_CLIENTS = 50;
/** The worker waits ten seconds for a body. */
const BODY_DEADLINE_MS = 10_000;

let nats: NatsServer;
let worker: WorkerProcess;
let connection: NatsConnection;
/** `incomplete_body` by epoch, as each Forwarder says. */
const incomplete = new Map<string, number>();

beforeAll(async () => {
  nats = await startNatsServer();
  connection = await connectNats({ servers: nats.url });
  await (await connection.jetstreamManager()).streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
  connection.subscribe(`${SUBJECT_ROOT}.*.forwarder.*`, {
    callback: (_, message) => {
      const counters = decodeForwarderCounters(message.data);
      if (!counters.ok) return;
      const { epoch, rejected } = counters.value;
      incomplete.set(epoch, Math.max(rejected.incomplete_body ?? 0, incomplete.get(epoch) ?? 0));
    },
  });
  worker = await startWorker({ natsUrl: nats.url });
});
afterAll(async () => {
  await connection?.close();
  await worker?.stop();
  await nats?.stop();
});

function countedIncomplete(): number {
  return [...incomplete.values()].reduce((sum, count) => sum + count, 0);
}

type Client = { readonly socket: Socket; answer(): string };

/** Sends the head of a request and the first half of its body. */
function sendHalf(): Promise<Client> {
  const { hostname, port } = new URL(worker.url);
  const socket = connectTcp(Number(port), hostname);
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text;
  });
  const head = ['POST /v1/beacons HTTP/1.1', 'Host: edge', 'Content-Type: text/plain', 'Content-Length: 400', '', ''];
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.write(`${head.join('\r\n')}${'{'.padEnd(200)}`, () => resolve({ socket, answer: () => received }));
  });
}

it('a client that sends half a body and hangs up is counted once', async () => {
  const before = countedIncomplete();
  const { socket } = await sendHalf();
  const sentAt = performance.now();
  // Long enough for the worker to notice that this client is slow; one that leaves earlier is not counted.
  await eventually(() => performance.now() - sentAt > 1_000);
  expect((await postBeacon(worker, validBeacon())).status).toBe(204);
  socket.destroy();
  await eventually(() => countedIncomplete() === before + 1);
});

it('slow senders are rejected after the deadline, and delay nobody meanwhile', async () => {
  const before = countedIncomplete();
  const clients = await Promise.all(Array.from({ length: SLOW_CLIENTS }, sendHalf));
  const trickle = setInterval(() => {
    for (const { socket } of clients) if (socket.writable) socket.write(' ');
  }, 500);
  expect((await postBeacon(worker, validBeacon({ seq: 1 }))).status).toBe(204);
  const rejected = () => clients.every(({ answer }) => answer().startsWith('HTTP/1.1 400'));
  await eventually(rejected, { deadlineMs: 2 * BODY_DEADLINE_MS });
  clearInterval(trickle);
  await eventually(() => countedIncomplete() === before + SLOW_CLIENTS);
  for (const { socket, answer } of clients) {
    expect(answer()).toContain('/problems/incomplete_body');
    socket.destroy();
  }
  expect((await postBeacon(worker, validBeacon({ seq: 2 }))).status).toBe(204);
});
