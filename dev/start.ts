/** Starts the whole system on this machine and stops it again; the parts are in stack.ts, their processes in processes/. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Region } from '../shared/regions.ts';
import { type RegionsOption, readRegionsOption } from './joined-regions.ts';
import { natsProblem } from './nats-probe.ts';
import { isPortFree } from './ports.ts';
import { createChildren } from './processes/children.ts';
import { readyMessage, SAMPLE } from './ready-message.ts';
import { startRegionalStack } from './regional-stack.ts';
import { type OwnPort, readSettings, type Settings } from './settings.ts';
import { type Addresses, ROOT, startStack } from './stack.ts';
import { mintToken } from './token.ts';

const TOKEN_TTL_MS = 24 * 60 * 60 * 1000;

/** The system was asked to stop, which is not a failure. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export type RunningSystem = {
  readonly addresses: Addresses;
  /** What tokens are signed with. */
  readonly secret: string;
  /** What scrapes need, when the aggregator asks for one. */
  readonly metricsToken: string | undefined;
  /** Of {@link StartOptions.ownPort}; free a moment ago. */
  readonly ownPort: number | undefined;
};

/** What runs beside the system. */
export type Guest = { stop(): void | Promise<void> };

export type StartOptions = {
  /** Prints a line; progress is quiet, the ready line good. */
  readonly say: (line: string, tone?: 'quiet' | 'good') => void;
  /** Whether the output of each process is printed. */
  readonly verbose: boolean;
  /** Regions that `onReady` posts to. */
  readonly requiredRegions?: readonly string[];
  /** The port of a server that `onReady` runs. */
  readonly ownPort?: OwnPort;
  /** More of nats-server's configuration, given that port. */
  readonly natsConfig?: (ownPort: number | undefined) => string;
  /** Several regions, each with a NATS and an aggregator of its own; absent: one for all. */
  readonly regions?: RegionsOption | undefined;
  /** Called when everything is up; what it returns is stopped first. */
  readonly onReady?: (system: RunningSystem) => Guest | Promise<Guest>;
};

/** Never resolves. @throws Stopped when asked to stop; another error when a part fails, after everything was stopped */
export async function startSystem(options: StartOptions): Promise<never> {
  const { say, verbose, requiredRegions = [], ownPort, natsConfig, regions, onReady } = options;
  const startedAt = performance.now();
  const settings = loadSettings(requiredRegions, ownPort);
  const joined = regions && joinedRegions(regions, settings);
  await requireSurroundings(settings, { own: ownPort, aggregators: joined?.length ?? 1 });
  const stopped = untilStopped();
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-'));
  const children = await createChildren({
    folder,
    ...(verbose ? { onLine: (name, line) => say(`${name}: ${line}`, 'quiet') } : {}),
  });
  const ended = Promise.race([stopped, children.failed]);
  try {
    const report = (line: string) => say(line, 'quiet');
    const config = natsConfig?.(settings.ownPort);
    const parts = { settings, children, folder, env: process.env, report, natsConfig: config };
    const stack = joined ? startRegionalStack(parts, joined) : startStack(parts);
    const addresses = await Promise.race([stack, ended]);
    const token = await mintToken({ ...SAMPLE, secret: settings.secret, expiresAtMs: Date.now() + TOKEN_TTL_MS });
    const seconds = (performance.now() - startedAt) / 1000;
    for (const line of readyMessage({ addresses, settings, token, seconds })) {
      say(line, line.startsWith('ready') ? 'good' : undefined);
    }
    const { secret, metricsToken } = settings;
    const guest = await onReady?.({ addresses, secret, metricsToken, ownPort: settings.ownPort });
    return await ended.finally(() => guest?.stop());
  } finally {
    await children.stop();
  }
}

/** @throws with one line for each problem */
function loadSettings(requiredRegions: readonly string[], ownPort: OwnPort | undefined): Settings {
  const result = readSettings({
    env: process.env,
    ownPort,
    wranglerToml: readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'),
    readFile: (path) => {
      accessSync(path, constants.R_OK);
      return readFileSync(path, 'utf8');
    },
  });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  const missing = requiredRegions.filter((name) => !result.settings.regions.includes(name));
  if (missing.length > 0) throw new Error(`REGIONS: the simulated clients need ${missing.join(', ')} too`);
  return result.settings;
}

/** @throws with one line for each problem */
function joinedRegions(option: RegionsOption, { natsUrl, regionTable, workerVars }: Settings): readonly Region[] {
  const named = readRegionsOption(option);
  const problems = named.ok ? [] : [named.problem];
  if (natsUrl !== undefined || workerVars.NATS_CREDS !== undefined) {
    problems.push('--regions: starts NATS servers of its own; unset NATS_URL and NATS_CREDS');
  }
  if (!named.ok || problems.length > 0) throw new Error(problems.join('\n'));
  return named.names.flatMap((name) => regionTable.find((region) => region.name === name) ?? []);
}

/** @throws with one line for each port that is taken and for a NATS that does not answer, before anything was started */
async function requireSurroundings(
  settings: Settings,
  { own, aggregators }: { readonly own: OwnPort | undefined; readonly aggregators: number },
): Promise<void> {
  const { workerPort, aggregatorPort, ownPort, host, natsUrl } = settings;
  const ports = Array.from({ length: aggregators }, (_, i) => aggregatorPort + i);
  const [workerFree, ownFree, nats, ...aggregatorsFree] = await Promise.all([
    isPortFree(workerPort, '127.0.0.1'),
    ownPort === undefined || isPortFree(ownPort, '127.0.0.1'),
    natsUrl === undefined ? undefined : natsProblem(natsUrl),
    ...ports.map((port) => isPortFree(port, host)),
  ]);
  const problems: string[] = [];
  if (!workerFree) problems.push(`WORKER_PORT: port ${workerPort} is already in use`);
  for (const [i, port] of ports.entries()) {
    if (!aggregatorsFree[i]) problems.push(`AGGREGATOR_PORT: port ${port} is already in use`);
    if (i > 0 && port === workerPort) problems.push(`AGGREGATOR_PORT: its port ${port} is WORKER_PORT`);
  }
  if (!ownFree) problems.push(`${own?.name}: port ${ownPort} is already in use`);
  if (nats !== undefined) problems.push(`NATS_URL: ${nats}`);
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** Rejects with {@link Stopped} on a signal, when the terminal is closed, or when npm ends. */
function untilStopped(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => reject(new Stopped(signal)));
  // Nobody reads the output any more: the terminal is gone, or the reader of the pipe.
  process.stdout.on('error', () => reject(new Stopped('output closed')));
  if (process.env.npm_lifecycle_event !== undefined) {
    const npm = process.ppid;
    setInterval(() => {
      if (process.ppid !== npm) reject(new Stopped('npm ended'));
    }, 500).unref();
  }
  return promise;
}
