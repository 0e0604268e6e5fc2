/** Tokens by a JWKS that a real server serves, to a worker in workerd that holds no secret. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from 'hono/jwt';
import { connect as connectNats, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeForwarderCounters } from '../../shared/forwarder-counters.ts';
import { STREAM, STREAM_SUBJECTS, SUBJECT_ROOT } from '../../shared/subjects.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { testToken } from '../support/edge/tokens.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { postBeacon } from '../support/processes/system.ts';
import { startWorker, type WorkerProcess } from '../support/processes/worker.ts';

type SigningKey = { readonly kid: string; readonly jwk: object; readonly token: (session: string) => Promise<string> };

async function makeKey(kid: string): Promise<SigningKey> {
  const pair = (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair;
  const { kty, crv, x, d } = await crypto.subtle.exportKey('jwk', pair.privateKey);
  const signingKey = { kty, crv, x, d, alg: 'EdDSA', kid };
  return {
    kid,
    jwk: { kty, crv, x, kid, use: 'sig', alg: 'EdDSA' },
    token: (sub) => {
      const exp = Math.floor(Date.now() / 1000) + 600;
      return sign({ aud: 'edgepulse', meeting_id: 'm-1', sub, exp }, signingKey as never, 'EdDSA');
    },
  };
}

let nats: NatsServer;
let connection: NatsConnection;
let worker: WorkerProcess;
let jwks: Server;
let keys: SigningKey[];
let answering = true;
let fetches = 0;
let jwksErrors = 0;

beforeAll(async () => {
  keys = [await makeKey('k-1')];
  jwks = createServer((_, answer) => {
    fetches += 1;
    if (answering)
      answer.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
    else answer.writeHead(500).end();
  });
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  nats = await startNatsServer();
  connection = await connectNats({ servers: nats.url });
  await (await connection.jetstreamManager()).streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
  connection.subscribe(`${SUBJECT_ROOT}.*.forwarder.*`, {
    callback: (_, message) => {
      const counters = decodeForwarderCounters(message.data);
      if (counters.ok) jwksErrors = Math.max(jwksErrors, counters.value.jwksErrors);
    },
  });
  const { port } = jwks.address() as AddressInfo;
  const vars = { BEACON_SECRET: undefined, BEACON_JWKS_URL: `http://127.0.0.1:${port}/jwks.json` };
  worker = await startWorker({ natsUrl: nats.url, vars });
});
afterAll(async () => {
  await connection?.close();
  await worker?.stop();
  await nats?.stop();
  jwks?.close();
});

async function post(session: string, token: string): Promise<number> {
  const { status } = await postBeacon(worker, validBeacon({ session_id: session }), { token });
  return status;
}

it('lets 50 first beacons in at once, and asks for the keys once', async () => {
  const key = keys[0] as SigningKey;
  const sessions = Array.from({ length: 50 }, (_, i) => `s-${i}`);
  const statuses = await Promise.all(sessions.map(async (session) => post(session, await key.token(session))));
  expect(new Set(statuses)).toStrictEqual(new Set([204]));
  expect(fetches).toBe(1);
});

it('rejects HS256, for which it holds no secret', async () => {
  expect(await post('s-1', await testToken({ session: 's-1' }))).toBe(401);
});

it('follows a rotation without a restart', async () => {
  const rotated = await makeKey('k-2');
  keys = [rotated];
  const token = await rotated.token('s-1');
  await eventually(async () => (await post('s-1', token)) === 204, { deadlineMs: 20_000, intervalMs: 500 });
});

it('keeps the last good keys while the source fails, counts the failures, and calls no unknown key wrong', async () => {
  answering = false;
  const stranger = await makeKey('k-3');
  const token = await stranger.token('s-1');
  await eventually(async () => (await post('s-1', token)) === 503 && jwksErrors > 0, {
    deadlineMs: 20_000,
    intervalMs: 500,
  });
  expect(await post('s-99', await (keys[0] as SigningKey).token('s-99'))).toBe(204);
});
