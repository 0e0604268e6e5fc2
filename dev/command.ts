/** What `npm start`, `npm run demo` and `npm run call` have in common: options, help, and how the command ends. */
import { parseArgs, styleText } from 'node:util';
import { ChildEnded } from './processes/children.ts';
import { type StartOptions, Stopped, startSystem } from './start.ts';

export type Command = {
  /** As it is typed. */
  readonly name: string;
  /** What it does, in whole sentences. */
  readonly summary: string;
} & Pick<StartOptions, 'onReady' | 'requiredRegions' | 'ownPort' | 'natsConfig'>;

/** Runs until Ctrl-C or a failure, then ends this process. */
export async function runCommand({ name, summary, ...hooks }: Command): Promise<never> {
  const options = readOptions(name);
  if (options.help) {
    console.log(help(name, summary, hooks.ownPort));
    process.exit(0);
  }
  try {
    await startSystem({ say, verbose: options.verbose, ...hooks });
  } catch (error) {
    if (!(error instanceof Stopped)) {
      console.error(explain(error));
      process.exitCode = 1;
    }
  }
  // A poll of a part that never came up may still be under way.
  process.exit();
}

function readOptions(name: string): { help: boolean; verbose: boolean } {
  try {
    return parseArgs({
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        verbose: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(`Run "${name} -- --help" for usage.`);
    process.exit(2);
  }
}

function help(name: string, summary: string, ownPort: Command['ownPort']): string {
  const own = ownPort ? `\n  ${ownPort.name.padEnd(17)} port of ${ownPort.of}` : '';
  return `usage: ${name} -- [--verbose] [--help]

${summary}

options:
  --verbose    print what each process prints
  -h, --help   print this and exit

environment variables:
  WORKER_PORT       port of the worker (8787)
  AGGREGATOR_PORT   port of the aggregator (9464)${own}
  HOST              address that the aggregator listens on (127.0.0.1)
  NATS_URL          NATS to use instead of starting a nats-server
  BEACON_SECRET     secret that tokens are signed with (one for development)

The other settings of the worker and the aggregator work too: see "Configuration" in README.md.`;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const others = error instanceof ChildEnded ? '; everything else was stopped' : '';
  const output =
    typeof error.cause === 'string' && error.cause ? `the last lines of its output:\n${error.cause}\n` : '';
  // Last, where the eye is: the output may be long, and is not always about the failure.
  return `${output}${styled('red', error.message + others)}`;
}

/** @param tone how it looks on a terminal */
function say(line: string, tone?: 'quiet' | 'good'): void {
  console.log(tone === undefined ? line : styled(tone === 'quiet' ? 'dim' : 'green', line));
}

/** Colour on a terminal alone, and not with NO_COLOR: styleText looks at both. */
function styled(format: 'dim' | 'green' | 'red', text: string): string {
  return styleText(format, text, { stream: process.stdout, validateStream: true });
}
