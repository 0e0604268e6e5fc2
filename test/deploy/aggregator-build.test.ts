/**
 * What `npm run build` makes runs with Node alone: from a folder that has nothing else, with an empty environment, on the
 * Node of this repository and on the oldest one that it is for.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildAggregator, NODE_MAJOR_MIN } from '../../dev/build/aggregator.ts';
import { freePort } from '../../dev/ports.ts';
import { requireTool } from '../../dev/tools/tools.ts';
import { type Feeder, startFeeder } from '../support/edge/feeder.ts';
import { parseScrape } from '../support/metrics/scrape.ts';
import { describeWith, type Need, tool } from '../support/needs.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { type RunningProcess, startProcess } from '../support/processes/process.ts';

const TOPOLOGY = { REGIONS: 'apac,eu-west', SERVERS: 'https://media-apac-1.example.com', LANES: '4' };

let folder: string;
let nats: NatsServer;
let feeder: Feeder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-build-'));
  [nats] = await Promise.all([startNatsServer(), buildAggregator(folder)]);
  feeder = await startFeeder(nats.url);
});
afterAll(async () => {
  await feeder?.close();
  await nats?.stop();
  await rm(folder, { recursive: true, force: true });
});

type Started = { readonly running: RunningProcess; readonly url: string };

/** `env -i` with these settings, in the built folder: there is neither node_modules nor a checkout above it. */
async function start(node: string, settings: Readonly<Record<string, string>>): Promise<Started> {
  const port = await freePort();
  const env = { NATS_URL: nats.url, HOST: '127.0.0.1', PORT: `${port}`, ...settings };
  const given = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const running = await startProcess('/usr/bin/env', ['-i', ...given, node, 'main.js'], { cwd: folder });
  return { running, url: `http://127.0.0.1:${port}` };
}

async function untilReady({ running, url }: Started): Promise<void> {
  const isReady = async () => running.hasExited() || (await fetch(`${url}/readyz`)).ok;
  await eventually(isReady, { deadlineMs: 20_000 }).catch(() => undefined);
  if (running.hasExited() || !(await isReady())) throw new Error(`it is not ready:\n${running.output()}`);
}

async function bodyOf(url: string): Promise<string> {
  const answer = await fetch(url);
  expect(answer.status, url).toBe(200);
  return answer.text();
}

const NODES: readonly { readonly name: string; readonly needs: Need[]; readonly path: () => Promise<string> }[] = [
  { name: 'the Node of this repository', needs: [], path: async () => process.execPath },
  { name: `Node ${NODE_MAJOR_MIN}`, needs: [tool('node-22')], path: () => requireTool('node-22') },
];

for (const { name, needs, path } of NODES) {
  await describeWith(needs, `the built aggregator on ${name}`, () => {
    it('applies a beacon, serves metrics and board, and stops at SIGTERM', async () => {
      const started = await start(await path(), TOPOLOGY);
      const { running, url } = started;
      try {
        await untilReady(started);
        const session = `on-${name.replaceAll(' ', '-')}`;
        await feeder.send({ region: 'apac', lane: 'f01' }, { session_id: session });
        const scrape = await eventually(async () => {
          const read = parseScrape(await bodyOf(`${url}/metrics`));
          return read.value('edgepulse_session_rtt_seconds', { session_id: session }) === undefined ? undefined : read;
        });
        const { version } = JSON.parse(await readFile('package.json', 'utf8'));
        expect(scrape.value('edgepulse_build_info', { version })).toBe(1);
        expect(scrape.value('nodejs_version_info', { version: await versionOf(await path()) })).toBe(1);
        const page = await bodyOf(`${url}/`);
        const assets = [...page.matchAll(/(?:src|href)="([^"#:]+\.(?:js|css|svg))"/g)].map(([, asset]) => asset);
        expect(assets).toEqual(expect.arrayContaining([expect.stringMatching(/uplot\.js$/)]));
        for (const asset of assets) await bodyOf(new URL(asset as string, `${url}/`).href);
        running.signal('SIGTERM');
        expect(await running.exited).toEqual({ code: 0, signal: null });
        expect(running.output()).toContain('"msg":"stopped"');
        expect(running.output()).not.toMatch(/warning/i);
      } finally {
        await running.kill();
      }
    });
  });
}

async function versionOf(node: string): Promise<string> {
  return (await promisify(execFile)(node, ['--version'])).stdout.trim();
}

describe('the built aggregator', () => {
  it('reads the wrangler.toml beside main.js, and says so where there is none', async () => {
    const without = await start(process.execPath, { ENVIRONMENT: 'production' });
    expect((await without.running.exited).code).toBe(1);
    expect(without.running.output()).toBe(
      'aggregator: ENVIRONMENT: is set, but there is no wrangler.toml to read; set all of REGIONS, SERVERS and LANES instead\n',
    );
    const beside = join(folder, 'wrangler.toml');
    await writeFile(beside, await readFile('wrangler.toml'));
    const started = await start(process.execPath, { ENVIRONMENT: 'production' });
    try {
      await untilReady(started);
      expect(started.running.output()).toContain('"regions":["us-east","us-west","eu-west","apac","sa","oc"]');
    } finally {
      await started.running.kill();
      await rm(beside);
    }
  });

  it('names every package that it has parts of, with its licence, in a text and in an SBOM', async () => {
    const licences = await readFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    const { components } = JSON.parse(await readFile(join(folder, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; version: string; purl: string }[];
    };
    const names = components.map(({ name }) => name);
    const own = JSON.parse(await readFile('package.json', 'utf8'));
    // The worker's alone; everything else that the project depends on is in the aggregator.
    const { hono: _worker, ...dependencies } = own.dependencies as Record<string, string>;
    expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
    expect(names.filter((name) => name in own.devDependencies)).toEqual([]);
    for (const { name, version, purl } of components) {
      expect(licences).toContain(`\n${name} ${version} (`);
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
    }
    expect(licences).toContain('Permission is hereby granted, free of charge');
  });
});
