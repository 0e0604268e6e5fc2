/** What `npm start`, `npm run demo` and `npm run call` have in common: options, help, and how the command ends. */
import { parseArgs, styleText } from 'node:util';
import { ChildEnded } from './processes/children.ts';
import { type StartOptions, Stopped, startSystem } from './start.ts';

export type Command = {
  /** As it is typed. */
  readonly name: string;
  /** What it does, in whole sentences. */
  readonly summary: string;
  /** The regions that `--regions` may name; absent: there is no such option. */
  readonly joinable?: readonly string[] | undefined;
} & Pick<StartOptions, 'onReady' | 'requiredRegions' | 'ownPort' | 'natsConfig'>;

/** Runs until Ctrl-C or a failure, then ends this process. */
export async function runCommand({ name, summary, joinable, ...hooks }: Command): Promise<never> {
  const options = readOptions(name, joinable !== undefined);
  if (options.help) {
    console.log(help({ name, summary, joinable, ...hooks }));
    process.exit(0);
  }
  try {
    const regions = options.regions === undefined ? undefined : { text: options.regions, known: joinable ?? [] };
    await startSystem({ say, verbose: options.verbose, regions, ...hooks });
  } catch (error) {
    if (!(error instanceof Stopped)) {
      console.error(explain(error));
      process.exitCode = 1;
    }
  }
  // A poll of a part that never came up may still be under way.
  process.exit();
}

type Options = { readonly help: boolean; readonly verbose: boolean; readonly regions?: string };

function readOptions(name: string, hasRegions: boolean): Options {
  try {
    const { help, verbose, regions } = parseArgs({
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        verbose: { type: 'boolean', default: false },
        ...(hasRegions ? ({ regions: { type: 'string' } } as const) : {}),
      },
    }).values;
    return { help, verbose, ...(typeof regions === 'string' ? { regions } : {}) };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(`Run "${name} -- --help" for usage.`);
    process.exit(2);
  }
}

function help({ name, summary, joinable, ownPort }: Command): string {
  const own = ownPort ? `\n  ${ownPort.name.padEnd(17)} port of ${ownPort.of}` : '';
  const regions = joinable
    ? `\n  --regions LIST   two or more of ${joinable.join(',')}: a NATS server and an aggregator for each, joined
                   (ports from AGGREGATOR_PORT on); a region whose NATS is away goes through the next one`
    : '';
  return `usage: ${name} -- [--verbose]${joinable ? ' [--regions LIST]' : ''} [--help]

${summary}

options:
  --verbose        print what each process prints${regions}
  -h, --help       print this and exit

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
