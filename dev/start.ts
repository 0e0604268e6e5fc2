/**
 * `npm start`: the whole system on this machine, until Ctrl-C; with `--demo` a fleet of simulated
 * clients too. This file wires; the parts are in stack.ts, what they run in in children.ts.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { startDemo } from '../demo/demo.ts';
import { announce, SAMPLE } from './ready-message.ts';
import { ChildEnded, createChildren } from './processes/children.ts';
import { isPortFree } from './ports.ts';
import { readSettings, type Settings } from './settings.ts';
import { startStack } from './stack.ts';
import { mintToken } from './token.ts';

const TOKEN_TTL_MS = 24 * 60 * 60 * 1000;

/** Someone asked for the end: no failure. */
class Stopped extends Error {
  override readonly name = 'Stopped';
}

const options = readOptions();

const say = (line: string) => console.log(line);

async function main(): Promise<void> {
  const startedAt = performance.now();
  const settings = readSettings(process.env);
  await requirePorts(settings);
  const stopped = untilAsked();
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-'));
  const children = await createChildren({
    folder,
    ...(options.verbose ? { onLine: (name, line) => say(dim(`${name}: ${line}`)) } : {}),
  });
  const ended = Promise.race([stopped, children.failed]);
  try {
    const addresses = await Promise.race([
      startStack({ settings, children, folder, env: process.env, report: (line) => say(dim(line)) }),
      ended,
    ]);
    const token = await mintToken({ ...SAMPLE, secret: settings.secret, expiresAtMs: Date.now() + TOKEN_TTL_MS });
    const lines = announce({ addresses, settings, token, seconds: (performance.now() - startedAt) / 1000 });
    for (const line of lines) say(line.startsWith('ready') ? styled('green', line) : line);
    const demo = options.demo
      ? startDemo({ worker: addresses.worker, secret: settings.secret, report: say })
      : undefined;
    await ended.finally(() => demo?.stop());
  } finally {
    await children.stop();
  }
}

/** @throws with one line for each port that is taken, before anything was started */
async function requirePorts({ workerPort, aggregatorPort, host }: Settings): Promise<void> {
  const wanted = [
    { port: workerPort, host: '127.0.0.1', variable: 'WORKER_PORT' },
    { port: aggregatorPort, host, variable: 'AGGREGATOR_PORT' },
  ];
  const free = await Promise.all(wanted.map(({ port, host: on }) => isPortFree(port, on)));
  const taken = wanted.filter((_, i) => !free[i]);
  if (taken.length > 0) {
    throw new Error(taken.map(({ port, variable }) => `port ${port} is in use: set ${variable} to another`).join('\n'));
  }
}

/** Rejects with {@link Stopped} when a signal, a closed terminal or the end of npm asks for the end. */
function untilAsked(): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => reject(new Stopped(signal)));
  // Output that nobody reads any more: the terminal is gone, or the pipe's reader is.
  process.stdout.on('error', () => reject(new Stopped('output closed')));
  if (process.env.npm_lifecycle_event !== undefined) {
    const npm = process.ppid;
    setInterval(() => {
      if (process.ppid !== npm) reject(new Stopped('npm ended'));
    }, 500).unref();
  }
  return promise;
}

function readOptions(): { demo: boolean; verbose: boolean } {
  try {
    return parseArgs({
      options: { demo: { type: 'boolean', default: false }, verbose: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error('usage: npm start -- [--verbose], npm run demo -- [--verbose]; settings are environment variables');
    process.exit(2);
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const others = error instanceof ChildEnded ? '; the others are stopped' : '';
  const said = typeof error.cause === 'string' && error.cause ? `its last lines:\n${error.cause}\n` : '';
  // Last, where the eye is: what the child said may be long, and is not always about its end.
  return `${said}${styled('red', error.message + others)}`;
}

function dim(text: string): string {
  return styled('dim', text);
}

/** Colour on a terminal alone, and not with NO_COLOR: styleText looks at both. */
function styled(format: 'dim' | 'green' | 'red', text: string): string {
  return styleText(format, text, { stream: process.stdout, validateStream: true });
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Stopped)) {
    console.error(explain(error));
    process.exitCode = 1;
  }
}
// A poll of a part that never came up may still be under way.
process.exit();
