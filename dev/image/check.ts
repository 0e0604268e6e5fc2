/**
 * `npm run check:image` runs every step of deploy/container/Dockerfile without a container engine: COPY from the working copy
 * by the .dockerignore, RUN in a root of Debian's packages with Node and npm, and at last each image's program, read-only and
 * as its user, until its HEALTHCHECK says that it is well. A few minutes; it needs root, apt and npm's registry.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../tools/run.ts';
import { distrolessRoot, slimRoot } from './base.ts';
import { type Confined, confined, findRoot, runConfined } from './container.ts';
import { readDockerfile } from './dockerfile.ts';
import { createContextFilter } from './ignore.ts';
import { buildStage, type Image } from './stage.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FILE = join(ROOT, 'deploy', 'container', 'Dockerfile');
const HEALTHY_MS = 20_000;
const BUILD_ARGS = { REGION: 'eu-west', EDGE_OPTIONS: '--own-nats' };
/** NATS is not there, which ends neither. */
const SETTINGS: { readonly [stage: string]: Pick<Confined, 'env' | 'writable'> } = {
  aggregator: {
    env: { NATS_URL: 'nats://127.0.0.1:1', REGIONS: 'apac', SERVERS: 'https://a.example.com', LANES: '4' },
  },
  edge: { env: { NATS_URL: 'nats://127.0.0.1:1', BEACON_SECRET: 'x'.repeat(32) }, writable: ['/store'] },
};

async function main(): Promise<void> {
  const asRoot = await findRoot();
  if (asRoot === undefined) throw new Error('needs root, or sudo without a password, and Linux namespaces');
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-check-image-'));
  try {
    const isIn = createContextFilter(await readFile(`${FILE}.dockerignore`, 'utf8'));
    const images: { [stage: string]: Image } = {};
    for (const stage of readDockerfile(await readFile(FILE, 'utf8'), BUILD_ARGS)) {
      const startedAt = performance.now();
      const base = images[stage.from] ?? { root: await baseOf(stage.from), workdir: '/' };
      const context = { folder: ROOT, isIn };
      const image = await buildStage(stage, { folder, base, context, earlier: images, asRoot });
      images[stage.name] = image;
      if (image.entrypoint.length > 0) await untilHealthy(stage.name, image, asRoot);
      console.log(
        `${stage.name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${await sizeOf(image.root)}`,
      );
    }
  } finally {
    const [command = '', ...args] = [...asRoot, 'rm', '-rf', folder];
    await run(command, args);
  }
}

function baseOf(image: string): Promise<string> {
  if (image.startsWith('node:24')) return slimRoot();
  if (image.startsWith('gcr.io/distroless/nodejs24')) return distrolessRoot();
  throw new Error(`${image}: there is no stand-in for it`);
}

async function untilHealthy(name: string, image: Image, asRoot: readonly string[]): Promise<void> {
  const confines = { image, env: {}, ...SETTINGS[name], network: 'own' as const, asRoot };
  const [command = '', ...args] = confined({ ...confines, command: image.entrypoint });
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    const endsAt = performance.now() + HEALTHY_MS;
    for (;;) {
      const network = await insideOf(child);
      const check = { ...confines, network, command: image.healthcheck };
      const failure = await runConfined(check).then(
        () => undefined,
        (error: Error) => error,
      );
      if (failure === undefined) return;
      if (performance.now() > endsAt || child.exitCode !== null)
        throw new Error(`${name} is not healthy`, { cause: failure });
    }
  } finally {
    const [command = '', ...words] = [...asRoot, 'kill', '-KILL', `${await insideOf(child)}`];
    // It may have ended by itself, which is the failure then.
    await run(command, words).catch(() => undefined);
    await exited;
  }
}

/** The id of a process in the namespaces that `unshare` made: its child, behind sudo or not. */
async function insideOf({ pid = 0 }: ChildProcess): Promise<number> {
  let inside = pid;
  for (;;) {
    const children = await readFile(`/proc/${inside}/task/${inside}/children`, 'utf8').catch(() => '');
    const [first] = children.trim().split(' ');
    if (!first) return inside;
    inside = Number(first);
  }
}

async function sizeOf(root: string): Promise<string> {
  return (await run('du', ['-sh', root])).stdout.split('\t')[0] ?? '';
}

await main().catch((error: Error) => {
  console.error(error.cause ? error : error.message);
  process.exitCode = 1;
});
