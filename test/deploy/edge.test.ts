/**
 * The edge without Cloudflare: what `npm run build:edge` makes, by production's rules, under the workerd that it has with it.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildEdge, edgeConfig } from '../../dev/build/edge.ts';
import { freePort } from '../../dev/ports.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { TEST_SECRET, testToken } from '../support/edge/tokens.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { type RunningProcess, startProcess } from '../support/processes/process.ts';

const REGION = 'eu-west';
/** Of production's ADDRESS_LIMIT. */
const REJECTS_MAX = 100;

let folder: string;
let nats: NatsServer;
let aggregator: AggregatorProcess;
let edge: RunningProcess;
let url: string;
let port: number;

/** As the systemd unit does it: the folder is only read, the store is somewhere else. */
async function startEdge(): Promise<void> {
  const settings = [`BEACON_SECRET=${TEST_SECRET}`, `NATS_URL=${nats.url}`];
  const program = [join(folder, 'edge', 'workerd'), 'serve', join(folder, 'edge', 'config.capnp')];
  const places = [`--directory-path=storage=${folder}/store`, `--socket-addr=http=127.0.0.1:${port}`];
  edge = await startProcess('/usr/bin/env', ['-i', ...settings, ...program, ...places]);
  await eventually(async () => (await fetch(`${url}/healthz`)).ok, { deadlineMs: 30_000 }).catch((cause) => {
    throw new Error(`the edge is not healthy:\n${edge.output()}`, { cause });
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-edge-'));
  await mkdir(join(folder, 'store'));
  port = await freePort();
  url = `http://127.0.0.1:${port}`;
  nats = await startNatsServer();
  const options = { environment: 'production', region: REGION, ownNats: true, address: '127.0.0.1:1' } as const;
  [aggregator] = await Promise.all([
    startAggregator({ natsUrl: nats.url, env: { ENVIRONMENT: 'production', REGION } }),
    buildEdge(join(folder, 'edge'), options),
  ]);
  await startEdge();
});
afterAll(async () => {
  await edge?.kill();
  await aggregator?.stop();
  await nats?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function post(session: string): Promise<number> {
  const beacon = validBeacon({ meeting_id: 'm-1', session_id: session });
  const token = await testToken({ meeting: 'm-1', session });
  const headers = { 'content-type': 'text/plain', authorization: `Bearer ${token}` };
  return (await fetch(`${url}/v1/beacons`, { method: 'POST', headers, body: JSON.stringify(beacon) })).status;
}

function untilVisible(session: string): Promise<number> {
  return eventually(
    async () => {
      const labels = { region: REGION, session_id: session };
      return (await aggregator.metrics()).value('edgepulse_session_rtt_seconds', labels);
    },
    { deadlineMs: 25_000 },
  );
}

it('tags every beacon with its own region, in the same topology as the aggregator', async () => {
  expect(await (await fetch(`${url}/v1/region`)).json()).toMatchObject({ region: REGION });
  expect(await post('first')).toBe(204);
  await untilVisible('first');
  const mismatch = async () => (await aggregator.metrics()).value('edgepulse_topology_mismatch', { region: REGION });
  expect(await eventually(mismatch)).toBe(0);
});

it('sends the canaries of its own region, as a Cron Trigger would', async () => {
  const age = async () => (await aggregator.metrics()).value('edgepulse_canary_age_seconds', { region: REGION });
  await eventually(age, { deadlineMs: 20_000 });
});

it('keeps on disk what NATS could not take, also when it is killed', async () => {
  await nats.kill();
  expect(await post('spooled')).toBe(204);
  await edge.kill();
  await startEdge();
  await nats.restart();
  await untilVisible('spooled');
});

it('limits rejected requests by the address that the proxy says, without Cloudflare', async () => {
  const reject = async (address: string) => {
    const headers = { 'content-type': 'text/plain', 'cf-connecting-ip': address };
    return (await fetch(`${url}/v1/beacons`, { method: 'POST', headers, body: 'no JSON' })).status;
  };
  for (let i = 0; i < REJECTS_MAX; i++) expect(await reject('192.0.2.1')).toBe(400);
  expect(await reject('192.0.2.1')).toBe(429);
  expect(await reject('192.0.2.2')).toBe(400);
});

it('refuses to start without a secret, and names it', async () => {
  const config = join(folder, 'edge', 'config.capnp');
  const places = [`--directory-path=storage=${folder}/store`, '--socket-addr=http=127.0.0.1:0'];
  const failed = await startProcess(join(folder, 'edge', 'workerd'), ['serve', config, ...places]);
  try {
    expect((await failed.exited).code).toBe(1);
    expect(failed.output()).toContain('BEACON_SECRET: is required, unless BEACON_JWKS_URL is set');
    expect(failed.output()).toContain('has no nats servers, and NATS_URL is not set');
  } finally {
    await failed.kill();
  }
});

it('has a region that wrangler.toml has', async () => {
  const wranglerToml = await readFile('wrangler.toml', 'utf8');
  const options = { environment: 'production', region: 'eu-wset', address: '127.0.0.1:8787' } as const;
  expect(() => edgeConfig(wranglerToml, options)).toThrow('--region: is not one of us-east, us-west, eu-west');
});
