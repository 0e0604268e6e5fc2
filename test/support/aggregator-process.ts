/** The aggregator as a process of its own on a free port. */
import { join } from 'node:path';
import { freePort } from '../../scripts/ports.ts';
import { eventually } from './poll.ts';
import { type Exit, type RunningProcess, startProcess } from './processes.ts';
import { type Scrape, scrape } from './scrape.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'aggregator', 'main.ts');

export type AggregatorOptions = {
  readonly natsUrl: string;
  /** More of its environment, for example SESSION_TTL_SECONDS. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to wait until it is ready (the default) or only until it listens. */
  readonly untilReady?: boolean;
};

export type AggregatorProcess = {
  /** `http://127.0.0.1:<port>`; stays the same over {@link AggregatorProcess.restart}. */
  readonly url: string;
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
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const launch = async (): Promise<RunningProcess> => {
    const started = await startProcess(process.execPath, [MAIN], {
      env: { NATS_URL: options.natsUrl, HOST: '127.0.0.1', PORT: `${port}`, ...options.env },
    });
    await eventually(async () => started.hasExited() || (await fetch(`${url}/healthz`)).ok, { deadlineMs: 20_000 });
    if (started.hasExited()) throw new Error(`the aggregator ended; its output:\n${started.output()}`);
    return started;
  };
  let running = await launch();
  const ready = async () => {
    const answer = await fetch(`${url}/readyz`);
    await answer.body?.cancel();
    return answer.status;
  };
  if (options.untilReady !== false) await eventually(async () => (await ready()) === 200, { deadlineMs: 20_000 });
  return {
    url,
    ready,
    metrics: () => scrape(`${url}/metrics`),
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
