/** The demo's own Prometheus, with the rules of deploy/prometheus/: when it is there, and what alerts do. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, isPortFree } from '../../dev/ports.ts';
import { type Child, type Children, createChildren } from '../../dev/processes/children.ts';
import { ROOT } from '../../dev/stack.ts';
import { ensureTool } from '../../dev/tools/ensure.ts';
import type { ActiveAlert, AlertWatch } from './watch.ts';

export type MonitoringOptions = {
  /** The aggregators' base addresses. */
  readonly aggregators: readonly string[];
  readonly metricsToken: string | undefined;
  /** PROMETHEUS_PORT; undefined is 9090, or another one when that is taken. */
  readonly port: number | undefined;
  readonly watch: AlertWatch;
  readonly report: (line: string) => void;
};

const DEFAULT_PORT = 9090;
const LOOPBACK = '127.0.0.1';
const EVERY_SECONDS = 5;
const LOOK_EVERY_MS = 1_000;
const READY_MS = 60_000;

/**
 * Starts it beside everything else, so that nothing waits for it. That it can't be had is one line, and the demo goes on.
 */
export function startMonitoring(options: MonitoringOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = monitor(options, stopping.signal).catch((error: unknown) => {
    if (stopping.signal.aborted) return;
    options.report(`no Prometheus, so no alerts: ${error instanceof Error ? error.message : error}`);
  });
  return {
    stop() {
      stopping.abort();
      return running;
    },
  };
}

/** Until it is stopped. @throws when Prometheus can't be started, or ends */
async function monitor(options: MonitoringOptions, stopped: AbortSignal): Promise<void> {
  const { report } = options;
  const port = await choosePort(options.port);
  // Unpacking it may take a while, which nobody waits for who stops the demo.
  const command = await orAborted(ensureTool('prometheus', report), stopped);
  if (command === undefined) return;
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-prometheus-'));
  const children = await createChildren({ folder });
  try {
    // Not given up half-way: what was spawned has to be known to whoever stops it.
    const child = await start({ ...options, command, folder, port }, children);
    await orAborted(Promise.race([ready(child), children.failed]), stopped);
    if (stopped.aborted) return;
    const url = `http://${LOOPBACK}:${port}`;
    report(`prometheus  ${url}/alerts  (the rules of deploy/prometheus; their alerts are printed here)`);
    await Promise.race([look(url, options, stopped), children.failed]);
  } finally {
    await children.stop();
  }
}

async function choosePort(asked: number | undefined): Promise<number> {
  if (asked === undefined) return (await isPortFree(DEFAULT_PORT, LOOPBACK)) ? DEFAULT_PORT : freePort();
  if (await isPortFree(asked, LOOPBACK)) return asked;
  throw new Error(`PROMETHEUS_PORT: port ${asked} is already in use`);
}

type Start = MonitoringOptions & { readonly command: string; readonly folder: string; readonly port: number };

async function start({ command, folder, port, ...options }: Start, children: Children): Promise<Child> {
  const configuration = join(folder, 'prometheus.yaml');
  await writeFile(configuration, JSON.stringify(configurationOf(options)), { mode: 0o600 });
  return children.start({
    name: 'prometheus',
    command,
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${LOOPBACK}:${port}`,
    ],
    env: {},
  });
}

async function ready(child: Child): Promise<void> {
  const late = AbortSignal.timeout(READY_MS);
  await orAborted(child.line(/Server is ready to receive web requests/), late);
  if (late.aborted) throw new Error(`prometheus is not ready after ${READY_MS / 1000} s`);
}

/** JSON is YAML. */
function configurationOf({ aggregators, metricsToken }: Pick<MonitoringOptions, 'aggregators' | 'metricsToken'>) {
  const every = `${EVERY_SECONDS}s`;
  return {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: [join(ROOT, 'deploy', 'prometheus', 'rules', '*.yaml')],
    scrape_configs: [
      {
        job_name: 'edgepulse',
        ...(metricsToken === undefined ? {} : { authorization: { credentials: metricsToken } }),
        static_configs: [{ targets: aggregators.map((aggregator) => new URL(aggregator).host) }],
      },
    ],
  };
}

async function look(url: string, { watch, report }: MonitoringOptions, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    const alerts = await alertsOf(url, stopped);
    if (alerts !== undefined) for (const line of watch.look(alerts, Date.now())) report(line);
    await orAborted(new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS)), stopped);
  }
}

/** Undefined when it does not answer just now: what fires then still fires. */
async function alertsOf(url: string, stopped: AbortSignal): Promise<readonly ActiveAlert[] | undefined> {
  try {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(LOOK_EVERY_MS)]);
    const answer = await fetch(`${url}/api/v1/alerts`, { signal });
    const { data } = (await answer.json()) as { data: { alerts: ActiveAlert[] } };
    return data.alerts;
  } catch {
    return undefined;
  }
}

/** What the promise resolves to, or undefined at the abort. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = () => resolve(undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
}
