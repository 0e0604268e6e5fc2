/**
 * The worker as it is deployed, in a real workerd of its own: the bundle that wrangler builds,
 * served without wrangler's proxy in front, with its Durable Object storage on disk. Rate-limit
 * bindings are not among what workerd itself brings: what needs them runs under `npm start`.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { TEST_SECRET } from '../edge/tokens.ts';
import { eventually } from '../poll.ts';
import { type RunningProcess, startProcess } from './process.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const WORKER_MAIN = 'worker/index.ts';

export type WorkerVars = { readonly [name: string]: unknown };

export type WorkerOptions = {
  readonly natsUrl: string;
  /** Over wrangler.toml's `[vars]`, a BEACON_SECRET and development's switches; undefined removes one. */
  readonly vars?: WorkerVars;
  /** The module to bundle in place of the worker's own; it too exports a class `Forwarder`. */
  readonly main?: string;
  /** PEM of authorities that its outgoing TLS trusts. */
  readonly trustedCertificates?: readonly string[];
};

export type WorkerProcess = {
  /** `http://127.0.0.1:<port>`; stays the same over {@link WorkerProcess.restart}. */
  readonly url: string;
  readonly pid: () => number;
  /** SIGKILL; the storage of the Durable Objects stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same storage; kills it first when it still runs. */
  restart(): Promise<void>;
  log(): string;
  /** Ends it and removes its storage. */
  stop(): Promise<void>;
};

export async function startWorker(options: WorkerOptions): Promise<WorkerProcess> {
  const { natsUrl, vars = {}, main = WORKER_MAIN, trustedCertificates = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-worker-'));
  const bundle = await bundleOnce(main);
  await mkdir(join(folder, 'storage'));
  const development = { ENVIRONMENT: 'development', DEV_REGION_HEADER: 'on' };
  const bindings = { BEACON_SECRET: TEST_SECRET, ...development, NATS_URL: natsUrl, ...vars };
  const launch = async (port: number): Promise<{ running: RunningProcess; port: number }> => {
    // The bundle is copied in: a config may embed only files below its own folder.
    await writeFile(join(folder, 'index.js'), bundle.code);
    const config = workerdConfig(bundle.toml, { bindings, port, trustedCertificates });
    await writeFile(join(folder, 'config.capnp'), config);
    // --control-fd=1 prints the port of each socket as one line of JSON.
    const running = await startProcess(workerdPath(), ['serve', 'config.capnp', '--control-fd=1'], { cwd: folder });
    const listening = await running.waitForLine(/"event":"listen".*"port":(\d+)/);
    return { running, port: Number(listening[1]) };
  };
  const remove = () => rm(folder, { recursive: true, force: true });
  let { running, port } = await launch(0).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const url = `http://127.0.0.1:${port}`;
  await untilHealthy(url, running);
  return {
    url,
    pid: () => running.pid,
    async kill() {
      await running.kill();
    },
    async restart() {
      await running.kill();
      ({ running, port } = await launch(port));
      await untilHealthy(url, running);
    },
    log: () => running.output(),
    async stop() {
      await running.kill();
      await remove();
    },
  };
}

async function untilHealthy(url: string, running: RunningProcess): Promise<void> {
  await eventually(async () => (await fetch(`${url}/healthz`)).ok, { deadlineMs: 30_000 }).catch((cause: unknown) => {
    throw new Error(`the worker is not healthy; its output:\n${running.output()}`, { cause });
  });
}

/** wrangler's own workerd: the version that the bundle is meant for. */
function workerdPath(): string {
  const wrangler = createRequire(createRequire(import.meta.url).resolve('wrangler'));
  return join(wrangler.resolve('workerd/package.json'), '..', 'bin', 'workerd');
}

type Toml = {
  compatibility_date: string;
  compatibility_flags: string[];
  vars: { [name: string]: unknown };
};
type Bundle = { readonly code: string; readonly toml: Toml };

const bundles = new Map<string, Promise<Bundle>>();

/** The bundle of a main module, built once by each process. */
export function bundleOnce(main = WORKER_MAIN): Promise<Bundle> {
  const bundle = bundles.get(main) ?? buildBundle(main);
  bundles.set(main, bundle);
  return bundle;
}

/** What `wrangler deploy` would upload, about 1.5 s to build. */
async function buildBundle(main: string): Promise<Bundle> {
  const outdir = await mkdtemp(join(tmpdir(), 'edgepulse-bundle-'));
  try {
    const wrangler = createRequire(import.meta.url).resolve('wrangler');
    const args = [
      '--no-warnings',
      wrangler,
      'deploy',
      main,
      '--dry-run',
      '--config=wrangler.toml',
      '--env=',
      '--outdir',
      outdir,
    ];
    await promisify(execFile)(process.execPath, args, {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        WRANGLER_HIDE_BANNER: 'true',
        WRANGLER_SEND_METRICS: 'false',
        WRANGLER_SEND_ERROR_REPORTS: 'false',
        WRANGLER_WRITE_LOGS: 'false',
      },
    });
    const toml = parseToml(await readFile(join(ROOT, 'wrangler.toml'), 'utf8')) as unknown as Toml;
    return { code: await readFile(join(outdir, `${basename(main, '.ts')}.js`), 'utf8'), toml };
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

type Instance = {
  readonly bindings: WorkerVars;
  readonly port: number;
  readonly trustedCertificates: readonly string[];
};

/** @see https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function workerdConfig(toml: Toml, { bindings: overrides, port, trustedCertificates }: Instance): string {
  const tls = `(trustedCertificates = [${trustedCertificates.map(quote).join(', ')}])`;
  const bindings = Object.entries({ ...toml.vars, ...overrides }).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const kind = typeof value === 'string' ? `text = ${quote(value)}` : `json = ${quote(JSON.stringify(value))}`;
    return [`(name = ${quote(name)}, ${kind})`];
  });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "storage", disk = (path = "storage", writable = true)),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = ${tls})),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (cfBlobHeader = "test-cf"), service = "worker")],
);
const worker :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "index.js")],
  compatibilityDate = ${quote(toml.compatibility_date)},
  compatibilityFlags = [${toml.compatibility_flags.map(quote).join(', ')}],
  bindings = [
    (name = "FORWARDER", durableObjectNamespace = "Forwarder"),
    ${bindings.join(',\n    ')}
  ],
  durableObjectNamespaces = [(className = "Forwarder", uniqueKey = "forwarder", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
  globalOutbound = "internet",
);
`;
}

/** Cap'n Proto's text takes JSON's escapes except \\u, which only control characters would need. */
function quote(text: string): string {
  return JSON.stringify(text);
}
