/** The parts of the system on this machine: the command of each, started in order, and when each is up. */
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CANARY_INTERVAL_MS } from '../shared/canary.ts';
import { formatEnvFile } from './env-file.ts';
import { withoutLogin } from './nats-probe.ts';
import { type Child, ChildEnded, type Children, childIsUp } from './processes/children.ts';
import type { Settings } from './settings.ts';
import { ensureTool } from './tools/ensure.ts';

/** The repository's folder. */
export const ROOT = join(import.meta.dirname, '..');
/** A start takes a few seconds: whoever waits longer wants to know for what. */
const PROGRESS_MS = 10_000;

export type StackOptions = {
  readonly settings: Settings;
  readonly children: Children;
  /** For the store of NATS, the worker's storage and its secrets. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: (line: string) => void;
  /** More of nats-server's configuration: then one is started also when NATS_URL names another. */
  readonly natsConfig?: string | undefined;
};

/** One of several regions, each with a NATS and an aggregator of its own. */
export type RegionAddresses = {
  readonly region: string;
  readonly aggregator: string;
  /** Without user and password. */
  readonly nats: string;
  /** With those of the user who may do everything. */
  readonly natsOperator: string;
  /** Of its nats-server. */
  readonly natsPid: number;
};

export type Addresses = {
  readonly worker: string;
  readonly aggregator: string;
  readonly nats: string;
  /** `ws://127.0.0.1:<port>`, where the started nats-server's configuration has a listener for WebSockets. */
  readonly natsWebSocket?: string | undefined;
  /** Absent where one NATS and one aggregator serve all regions. */
  readonly regions?: readonly RegionAddresses[];
};

/** Starts everything and resolves when beacons can be posted and metrics read. @throws when a part does not come up */
export async function startStack(options: StackOptions): Promise<Addresses> {
  const { settings, natsConfig } = options;
  const ours = settings.natsUrl === undefined || natsConfig !== undefined ? await startNats(options) : undefined;
  const nats = settings.natsUrl ?? (ours?.url as string);
  if (settings.natsUrl !== undefined) options.report(`using the NATS server at ${withoutLogin(settings.natsUrl)}`);
  options.report('starting the aggregator and the worker');
  const [aggregator, worker] = await Promise.all([
    startAggregator(options, { NATS_URL: nats }),
    startWorker(options, { NATS_URL: nats }),
  ]);
  return { worker, aggregator, nats: withoutLogin(nats), natsWebSocket: ours?.webSocket };
}

/** Runs the worker's Cron Trigger as Cloudflare does: wrangler has the handler at an address, and no clock for it. */
function sendCanaries(worker: string, report: (line: string) => void): void {
  let isFailing = false;
  const send = async () => {
    const status = await statusOf(`${worker}/cdn-cgi/handler/scheduled`);
    if (status !== 200 && !isFailing) report(`the worker does not take its Cron Trigger: ${status ?? 'no answer'}`);
    isFailing = status !== 200;
  };
  void send();
  // Ends with this process, which ends the worker.
  setInterval(send, CANARY_INTERVAL_MS).unref();
}

async function startNats(options: StackOptions): Promise<{ url: string; webSocket: string | undefined }> {
  const { children, folder, env, report, natsConfig } = options;
  const command = await ensureTool('nats-server', report);
  report('starting nats-server');
  const store = join(folder, 'nats');
  const args = ['--addr', '127.0.0.1', '--port', '-1', '--jetstream', '--store_dir', store];
  if (natsConfig !== undefined) {
    const file = join(folder, 'nats.conf');
    await writeFile(file, natsConfig, { mode: 0o600 });
    args.push('--config', file);
  }
  const child = await children.start({ name: 'nats-server', command, args, env: programEnv(env) });
  const [, port] = await childIsUp(child, child.line(/Listening for client connections on .*:(\d+)/));
  await childIsUp(child, child.line(/Server is ready/));
  // It says so before it is ready, if it does at all.
  const [, webSocket] = /Listening for websocket clients on (ws:\S+)/.exec(child.tail()) ?? [];
  return { url: `nats://127.0.0.1:${port}`, webSocket };
}

/**
 * @param own its environment over that of the settings
 * @returns its address, when it is ready
 */
export async function startAggregator(
  { children, settings, report }: StackOptions,
  own: { readonly [name: string]: string },
  name = 'aggregator',
): Promise<string> {
  const env = { ...settings.aggregatorEnv, ...own };
  const url = `http://${reachable(settings.host)}:${env.PORT}`;
  const args = [join(ROOT, 'aggregator', 'main.ts')];
  const child = await children.start({ name, command: process.execPath, args, env });
  await untilOk({ url: `${url}/readyz`, child, report });
  return url;
}

/**
 * @param own its variables over those of the settings
 * @returns its address, when it answers
 */
export async function startWorker(
  { children, settings, folder, env, report }: StackOptions,
  own: { readonly [name: string]: string },
): Promise<string> {
  const envFile = join(folder, 'worker.env');
  await writeFile(envFile, formatEnvFile({ ...settings.workerVars, ...own }), { mode: 0o600 });
  const child = await children.start({
    name: 'worker',
    command: process.execPath,
    args: wranglerDev({ port: settings.workerPort, envFile, state: join(folder, 'workerd') }),
    // It leaves temporary files behind when it is killed: in our folder they are removed with the rest.
    env: { ...programEnv(env), ...QUIET_WRANGLER, TMPDIR: folder },
  });
  // wrangler would start workerd again and go on, and the crash would be hidden.
  void child.line(/runtime crashed unexpectedly/).then(() => {
    children.fail(new ChildEnded('worker ended unexpectedly (workerd crashed or was killed)', { cause: child.tail() }));
  });
  const url = `http://127.0.0.1:${settings.workerPort}`;
  await untilOk({ url: `${url}/healthz`, child, report });
  sendCanaries(url, report);
  return url;
}

/** No look outside this machine (request.cf, update checks, metrics) and no question at the terminal. */
const QUIET_WRANGLER = {
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
  WRANGLER_WRITE_LOGS: 'false',
  CI: 'true',
  NO_COLOR: '1',
};

function wranglerDev({ port, envFile, state }: { port: number; envFile: string; state: string }): string[] {
  // The module that the package's command would start as one more process, which passes no signals on.
  const wrangler = createRequire(import.meta.url).resolve('wrangler');
  return [
    '--no-warnings',
    wrangler,
    'dev',
    `--config=${join(ROOT, 'wrangler.toml')}`,
    '--local',
    '--ip=127.0.0.1',
    `--port=${port}`,
    '--inspector-port=0',
    `--persist-to=${state}`,
    `--env-file=${envFile}`,
    '--show-interactive-dev-session=false',
  ];
}

/** What programs that are not ours need of the environment; none of our settings. */
export function programEnv({ PATH, HOME, TMPDIR, LANG }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH, HOME, TMPDIR, LANG };
}

type UntilOk = { readonly url: string; readonly child: Child; readonly report: (line: string) => void };

/** Polls until the answer is 200; says now and then what it is waiting for. */
async function untilOk({ url, child, report }: UntilOk): Promise<void> {
  let answer = 'does not answer';
  const progress = setInterval(() => {
    const last = child.tail().split('\n').at(-1);
    report(`still waiting for the ${child.name}: ${url} ${answer}${last ? `; its last line of output: ${last}` : ''}`);
  }, PROGRESS_MS);
  const poll = async () => {
    for (;;) {
      const status = await statusOf(url);
      if (status === 200) return;
      answer = status === undefined ? 'does not answer' : `answers ${status}`;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await childIsUp(child, poll()).finally(() => clearInterval(progress));
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

/** The address to ask for on this machine of one that listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
