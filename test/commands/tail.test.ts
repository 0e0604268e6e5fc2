/** `npm run tail` beside a real nats-server: what people see of the wire. */
import { join } from 'node:path';
import { connect } from 'nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { startProcess } from '../support/processes/process.ts';

const TAIL = join(import.meta.dirname, '..', '..', 'dev', 'tail.ts');

let nats: NatsServer;
let feeder: Feeder;

beforeAll(async () => {
  nats = await startNatsServer();
  feeder = await startFeeder(nats.url);
  await feeder.jsm.streams.add({ name: 'HEALTH', subjects: ['health.diagnostics.>'] });
});

afterAll(async () => {
  await feeder?.close();
  await nats?.stop();
});

function linesOf(output: string): { [name: string]: unknown }[] {
  return output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
}

it('prints batches, counters and what is neither as a line of JSON each, and ends cleanly on SIGINT', async () => {
  const tail = await startProcess(process.execPath, [TAIL, 'health.diagnostics.apac.>'], {
    env: { NATS_URL: nats.url },
  });
  await tail.waitForLine(/^listening on health\.diagnostics\.apac\.>/);
  await feeder.send({ region: 'apac', lane: 'f01' }, { session_id: 's-1', seq: 7 });
  await feeder.report('apac', { rejected: { invalid_id: 3 } });
  const connection = await connect({ servers: nats.url });
  connection.publish('health.diagnostics.apac.edge.f02', new TextEncoder().encode('{"v":1}'));
  connection.publish('health.diagnostics.apac.relay.r01', new Uint8Array(3));
  await connection.drain();
  const lines = await eventually(async () => {
    const seen = linesOf(tail.output());
    if (seen.length < 4) throw new Error(tail.output());
    return seen;
  });
  expect(lines).toMatchObject([
    {
      subject: 'health.diagnostics.apac.edge.f01',
      batch: { slot: 0, accepted: 1, entries: [{ colo: 'SIN', beacon: { session_id: 's-1', seq: 7 } }], invalid: 0 },
    },
    { subject: 'health.diagnostics.apac.forwarder.0', counters: { rejected: { invalid_id: 3 } } },
    { subject: 'health.diagnostics.apac.edge.f02', error: expect.stringContaining('not a Batch'), bytes: 7 },
    { subject: 'health.diagnostics.apac.relay.r01', error: expect.any(String), bytes: 3 },
  ]);
  expect(Number.isNaN(Date.parse(`${lines[0]?.time}`))).toBe(false);
  tail.signal('SIGINT');
  expect(await tail.exited).toEqual({ code: 0, signal: null });
});

it.each([
  [
    'no NATS can be reached',
    ['a.>'],
    { NATS_URL: 'nats://127.0.0.1:1' },
    /^cannot connect to NATS at nats:\/\/127.0.0.1:1 /,
  ],
  ['NATS_URL is not set', ['a.>'], {}, /^NATS_URL is not set/],
  ['no subject is given', [], { NATS_URL: 'nats://127.0.0.1:1' }, /^usage: /],
])('says in one line that %s', async (_, args, env, line) => {
  const tail = await startProcess(process.execPath, [TAIL, ...args], { env });
  const exit = await tail.exited;
  expect(exit.code).toBe(1);
  expect(tail.output().trim()).toMatch(line);
  expect(tail.output().trim().split('\n')).toHaveLength(1);
});
