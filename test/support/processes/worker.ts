/**
 * The worker as it is deployed, in a real workerd of its own: the bundle that wrangler builds,
 * served without wrangler's proxy in front, with its Durable Object storage on disk. Without rate
 * limits, which a development configuration may leave out.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { workerdConfig } from '../../../deploy/workerd/config.ts';
import { bundleWorker, workerdPath } from '../../../dev/build/worker-bundle.ts';
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
    const config = configOf(bundle.toml, { bindings, port, trustedCertificates });
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

async function buildBundle(main: string): Promise<Bundle> {
  const toml = parseToml(await readFile(join(ROOT, 'wrangler.toml'), 'utf8')) as unknown as Toml;
  return { code: await bundleWorker(main), toml };
}

type Instance = {
  readonly bindings: WorkerVars;
  readonly port: number;
  readonly trustedCertificates: readonly string[];
};

function configOf(toml: Toml, { bindings, port, trustedCertificates }: Instance): string {
  const given = Object.entries({ ...toml.vars, ...bindings }).filter(([, value]) => value !== undefined);
  return workerdConfig({
    compatibilityDate: toml.compatibility_date,
    compatibilityFlags: toml.compatibility_flags,
    bindings: Object.fromEntries(given.map(([name, value]) => [name, { value }])),
    address: `127.0.0.1:${port}`,
    cfHeader: 'test-cf',
    trustedCertificates,
  });
}
