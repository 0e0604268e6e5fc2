/**
 * The images, by the very steps of their Dockerfile: what the last stages copy, in a root like the one that they begin with
 * (Debian's packages and Node, no shell), read-only, as the user and by the commands that the file says. What is copied is
 * built outside; `npm run check:image` runs the build stages too.
 */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildAggregator } from '../../dev/build/aggregator.ts';
import { buildEdge } from '../../dev/build/edge.ts';
import { distrolessRoot } from '../../dev/image/base.ts';
import { confined, findRoot, runConfined } from '../../dev/image/container.ts';
import { readDockerfile } from '../../dev/image/dockerfile.ts';
import { createContextFilter } from '../../dev/image/ignore.ts';
import { buildStage, type Image } from '../../dev/image/stage.ts';
import { freePort } from '../../dev/ports.ts';
import { startFeeder } from '../support/edge/feeder.ts';
import { TEST_SECRET } from '../support/edge/tokens.ts';
import { scrape } from '../support/metrics/scrape.ts';
import { describeWith, type Need } from '../support/needs.ts';
import { eventually } from '../support/poll.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';
import { type RunningProcess, startProcess } from '../support/processes/process.ts';
import { descendantsOf } from '../support/processes/process-tree.ts';

const FILE = 'deploy/container/Dockerfile';
const dockerfile = await readFile(FILE, 'utf8');
const ignore = await readFile(`${FILE}.dockerignore`, 'utf8');
const stages = readDockerfile(dockerfile, { BUILD_DIGEST: 'sha256:0', NODE_DIGEST: 'sha256:1' });
const asRoot = (await findRoot()) ?? [];

const namespaces: Need = async () =>
  (await findRoot()) ? undefined : 'needs root (or sudo without a password) and Linux namespaces';
const packages: Need = () =>
  distrolessRoot().then(
    () => undefined,
    (error: Error) => `can't make a root of Debian's packages (${error.message.split('\n')[0]})`,
  );

await describeWith([namespaces, packages], 'images in a clean, read-only root', () => {
  let folder: string;
  let nats: NatsServer;
  const images: { [stage: string]: Image } = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edgepulse-image-'));
    const built = (stage: string, name: string) => join(folder, stage, 'src', 'dist', name);
    const edge = { environment: 'production', region: 'eu-west', ownNats: true, address: '127.0.0.1:8787' } as const;
    [nats] = await Promise.all([
      startNatsServer(),
      buildAggregator(built('build-aggregator', 'aggregator')),
      buildEdge(built('build-edge', 'edge'), edge),
      mkdir(built('build-edge', 'store'), { recursive: true }),
    ]);
    const earlier = Object.fromEntries(
      ['build-aggregator', 'build-edge'].map((name) => [name, { root: join(folder, name) }]),
    );
    const base = { root: await distrolessRoot(), workdir: '/' };
    const context = { folder: '.', isIn: () => false };
    for (const name of ['aggregator', 'edge']) {
      const stage = stages.find((one) => one.name === name);
      if (!stage) throw new Error(`${FILE} has no stage ${name}`);
      images[name] = await buildStage(stage, { folder, base, context, earlier, asRoot });
    }
  });
  afterAll(async () => {
    await nats?.stop();
    const [command = '', ...args] = [...asRoot, 'rm', '-rf', folder];
    await promisify(execFile)(command, args);
  });

  type Container = { readonly running: RunningProcess; readonly image: Image; readonly pid: number };

  async function start(name: 'aggregator' | 'edge', env: Record<string, string>): Promise<Container> {
    const image = images[name] as Image;
    // The edge listens where the build says, so it gets a network in which nobody else does.
    const more = name === 'edge' ? { writable: ['/store'], network: 'own' as const } : {};
    const [file = '', ...args] = confined({ image, command: image.entrypoint, env, ...more, asRoot });
    const running = await startProcess(file, args);
    const main = async () => {
      if (running.hasExited()) throw new Error(running.output());
      const last = (await descendantsOf(running.pid)).at(-1);
      return last?.command.includes('/app/') ? last.pid : undefined;
    };
    return { running, image, pid: await eventually(main, { deadlineMs: 20_000 }) };
  }

  it('runs the aggregator as an ordinary user that can write nowhere', async () => {
    const port = await freePort();
    const topology = { REGIONS: 'apac', SERVERS: 'https://media.example.com', LANES: '4' };
    const env = { NATS_URL: nats.url, PORT: `${port}`, ...topology };
    const { running, image, pid } = await start('aggregator', env);
    const feeder = await startFeeder(nats.url);
    try {
      const url = `http://127.0.0.1:${port}`;
      const isReady = async () => (await fetch(`${url}/readyz`)).ok;
      await eventually(isReady, { deadlineMs: 20_000 }).catch((cause) => {
        throw new Error(running.output(), { cause });
      });
      await feeder.send({ region: 'apac' }, { session_id: 'in-a-box' });
      const rtt = async () => (await scrape(`${url}/metrics`)).value('edgepulse_session_rtt_seconds');
      await eventually(rtt);
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\s+65532\s+65532\s+65532\s+65532$/m);
      expect(status).toMatch(/^Gid:\s+65532\s/m);
      expect(status).toMatch(/^CapEff:\s+0+$/m);
      expect(status).toMatch(/^NSpid:.*\t1$/m);
      const write = "require('fs').writeFileSync('/app/written', '')";
      const writing = { image, command: ['/nodejs/bin/node', '-e', write], env: {}, asRoot };
      await expect(runConfined(writing)).rejects.toThrow('EROFS: read-only file system');
      await runConfined({ image, command: image.healthcheck, env, asRoot });
      await signal(pid);
      expect((await running.exited).code).toBe(0);
      await expect(runConfined({ image, command: image.healthcheck, env, asRoot })).rejects.toThrow('Command failed');
    } finally {
      await feeder.close();
      await running.kill();
    }
  });

  it('runs the edge with a store as the only folder that it writes to', async () => {
    const { running, image, pid } = await start('edge', { BEACON_SECRET: TEST_SECRET, NATS_URL: 'nats://127.0.0.1:1' });
    try {
      const health = { image, command: image.healthcheck, env: {}, network: pid, asRoot };
      await eventually(() => runConfined(health).then(() => true), { deadlineMs: 10_000 }).catch((cause) => {
        throw new Error(running.output(), { cause });
      });
    } finally {
      await running.kill();
    }
  });

  async function signal(pid: number): Promise<void> {
    const [command = '', ...args] = [...asRoot, 'kill', '-TERM', `${pid}`];
    await promisify(execFile)(command, args);
  }
});

it('takes into the build what it needs, and no secret, store or test', () => {
  const isIn = createContextFilter(ignore);
  const needed = ['package-lock.json', 'wrangler.toml', 'aggregator/board/index.html', 'dev/build/edge.ts', 'LICENSE'];
  expect(needed.filter((path) => !isIn(path))).toEqual([]);
  const others = [
    '.dev.vars',
    '.git/config',
    'node_modules/pino/package.json',
    'aggregator/config.test.ts',
    'dev/main.ts',
  ];
  expect(others.filter(isIn)).toEqual([]);
});

it('begins with images that are pinned by digest, and has the version of the package', async () => {
  expect(stages.map(({ from }) => from)).toEqual([
    'node:24-bookworm-slim@sha256:0',
    'source',
    'source',
    'gcr.io/distroless/nodejs24-debian12:nonroot@sha256:1',
    'gcr.io/distroless/nodejs24-debian12:nonroot@sha256:1',
  ]);
  // Without a digest it is a reference that no engine accepts.
  expect(readDockerfile(dockerfile)[0]?.from).toBe('node:24-bookworm-slim@');
  const { version } = JSON.parse(await readFile('package.json', 'utf8'));
  const versions = [...dockerfile.matchAll(/^ARG VERSION=(.*)$/gm)].map(([, given]) => given);
  expect(versions).toEqual([version, version]);
});
