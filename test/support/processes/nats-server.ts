/** A real nats-server on a free port of loopback, with JetStream in a folder of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../../../dev/tools/tools.ts';
import { type RunningProcess, startProcess } from './process.ts';

export type NatsServerOptions = {
  /** Default true. */
  readonly jetStream?: boolean;
  /** More of nats-server's own configuration, for example an `authorization {}` block. */
  readonly config?: string;
  /** Default: a free one. */
  readonly port?: number;
};

export type NatsServer = {
  /** `nats://127.0.0.1:<port>`; stays the same over {@link NatsServer.restart}. */
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  pid(): number;
  /** SIGKILL; the store stays. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same store; kills it first when it still runs. */
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT: it accepts TCP (the kernel does) and says nothing. */
  freeze(): void;
  thaw(): void;
  /** Everything it has logged since it was last started. */
  log(): string;
  /** Ends it and removes its store. */
  stop(): Promise<void>;
};

export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const command = await requireTool('nats-server');
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-nats-'));
  const configFile = join(folder, 'nats.conf');
  await writeFile(configFile, configuration(join(folder, 'store'), options));
  const launch = async (port: number): Promise<RunningProcess> => {
    const started = await startProcess(command, ['--config', configFile, '--addr', '127.0.0.1', '--port', `${port}`]);
    await started.waitForLine(/Server is ready/);
    return started;
  };
  let running = await launch(options.port ?? -1);
  const port = Number(running.output().match(/client connections on .*:(\d+)/)?.[1]);
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: () => running.pid,
    async kill() {
      await running.kill();
    },
    async restart() {
      await running.kill();
      running = await launch(port);
    },
    freeze: () => running.signal('SIGSTOP'),
    thaw: () => running.signal('SIGCONT'),
    log: () => running.output(),
    async stop() {
      await running.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(store: string, { jetStream = true, config = '' }: NatsServerOptions): string {
  // sync_interval default (2 min) is kept: what SIGKILL leaves is what the page cache holds, as in production.
  const stream = jetStream ? `jetstream { store_dir: ${JSON.stringify(store)} }\n` : '';
  return `${stream}${config}\n`;
}
