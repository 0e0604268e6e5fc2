/** The aggregator as a process of its own on a free port. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWranglerVars } from '../../../aggregator/topology.ts';
import { freePort } from '../../../dev/ports.ts';
import { TOPOLOGY_SETTINGS } from '../../../shared/topology.ts';
import { type Scrape, scrape } from '../metrics/scrape.ts';
import { eventually } from '../poll.ts';
import { type Exit, type RunningProcess, startProcess } from './process.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const MAIN = join(ROOT, 'aggregator', 'index.js');

export type AggregatorOptions = {
  readonly natsUrl: string;
  /** More of its environment, for example SESSION_TTL_SECONDS; the topology is development's, REGIONS, SERVERS and LANES change it. */
  readonly env?: Readonly<Record<string, string>>;
  /** The file to start; default the one of the sources. */
  readonly main?: string;
  /** Default: a free one. Others may have to know it before. */
  readonly port?: number;
  /** Whether to wait until it is ready (the default) or only until it listens. */
  readonly untilReady?: boolean;
};

export type AggregatorProcess = {
  /** `http://127.0.0.1:<port>`; stays the same over {@link AggregatorProcess.restart}. */
  readonly url: string;
  /** Of the process that runs now. */
  readonly pid: number;
  metrics(): Promise<Scrape>;
  /** Status of `/readyz`. */
  ready(): Promise<number>;
  log(): string;
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** Kills it when it still runs, and starts it again; resolves when it listens, ready or not. */
  restart(): Promise<void>;
  /** SIGTERM, then waits for its end. */
  stop(): Promise<Exit>;
};

export async function startAggregator(options: AggregatorOptions): Promise<AggregatorProcess> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const launch = async (): Promise<RunningProcess> => {
    const started = await startProcess(process.execPath, [options.main ?? MAIN], {
      env: { NATS_URL: options.natsUrl, HOST: '127.0.0.1', PORT: `${port}`, ...withTopology(options.env) },
    });
    await orEnd(started, async () => (await fetch(`${url}/healthz`)).ok);
    return started;
  };
  let running = await launch();
  const ready = async () => {
    const answer = await fetch(`${url}/readyz`);
    await answer.body?.cancel();
    return answer.status;
  };
  if (options.untilReady !== false) await orEnd(running, async () => (await ready()) === 200);
  return {
    url,
    ready,
    metrics: () => scrape(`${url}/metrics`),
    get pid() {
      return running.pid;
    },
    log: () => running.output(),
    async kill() {
      await running.kill();
    },
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
    async restart() {
      await running.kill();
      running = await launch();
    },
    stop: () => running.stop(),
  };
}

/** The aggregator takes a topology whole: what a test does not say of it is development's. */
function withTopology(env: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  if (!TOPOLOGY_SETTINGS.some((name) => name in env)) return { ENVIRONMENT: 'development', ...env };
  const read = readWranglerVars(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'), 'development');
  if (!read.ok) throw new Error(read.problem);
  const { REGIONS, SERVERS, LANES } = read.vars;
  return { REGIONS: JSON.stringify(REGIONS), SERVERS: JSON.stringify(SERVERS), LANES: String(LANES), ...env };
}

/** Waits until it is up. @throws with its output when it ends instead or takes too long; then it is killed too */
async function orEnd(running: RunningProcess, isUp: () => Promise<boolean>): Promise<void> {
  try {
    await eventually(async () => running.hasExited() || (await isUp()), { deadlineMs: 20_000 });
  } catch (cause) {
    await running.kill();
    throw new Error(`the aggregator did not come up; its output:\n${running.output()}`, { cause });
  }
  if (running.hasExited()) throw new Error(`the aggregator ended; its output:\n${running.output()}`);
}
