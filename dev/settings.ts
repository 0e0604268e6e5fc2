/**
 * What `npm start` reads from the environment. Its own settings and those of both apps are checked here, so every
 * problem is reported before anything starts.
 */
import * as v from 'valibot';
import { readConfig as readAggregatorConfig } from '../aggregator/config.ts';
import { readWranglerVars, type Values } from '../aggregator/topology.ts';
import type { Region } from '../shared/regions.ts';
import { TOPOLOGY_SETTINGS } from '../shared/topology.ts';
import { readConfig as readWorkerConfig } from '../worker/config.ts';
import { DEVELOPMENT_SECRET } from './token.ts';

export type Settings = {
  readonly workerPort: number;
  readonly aggregatorPort: number;
  /** Of {@link SettingsSources.ownPort}; undefined when the command has none, or one without a default that is not set. */
  readonly ownPort: number | undefined;
  /** Undefined: a nats-server of our own. */
  readonly natsUrl: string | undefined;
  readonly secret: string;
  readonly ttlSeconds: number;
  /** Where the aggregator listens. */
  readonly host: string;
  readonly metricsToken: string | undefined;
  /** Names of the regions that the worker knows. */
  readonly regions: readonly string[];
  readonly regionTable: readonly Region[];
  /** Variables of the worker over wrangler.toml's; NATS_URL comes to them when it is known. */
  readonly workerVars: { readonly [name: string]: string };
  /** The aggregator's environment; NATS_URL comes to it when it is known. */
  readonly aggregatorEnv: Environment;
};

/** Either the settings or every problem with them, one readable line each. */
export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly string[] };

export type SettingsSources = {
  readonly env: Environment;
  /** The text of wrangler.toml. */
  readonly wranglerToml: string;
  /** The text of a file. @throws when it can't be read */
  readonly readFile: (path: string) => string;
  /** The setting with the port of a server that the command itself runs. */
  readonly ownPort?: OwnPort | undefined;
};

export type OwnPort = {
  readonly name: string;
  /** What it is the port of, for the help. */
  readonly of: string;
  /** Undefined: the command finds one that is free. */
  readonly byDefault?: number;
};

type Environment = { readonly [name: string]: string | undefined };

/** The worker's settings that the environment may override in development. */
const WORKER_VARS = [
  ...TOPOLOGY_SETTINGS,
  'SESSION_TTL_SECONDS',
  'ALLOWED_ORIGINS',
  'BEACON_JWKS_URL',
  'CANARY_SECRET',
] as const;

/** In place of the address of the nats-server that is still to be started. */
const SOME_NATS_URL = 'nats://127.0.0.1:4222';

/** By default. */
const PORTS = { WORKER_PORT: '8787', AGGREGATOR_PORT: '9464' } as const;

const PORT_PROBLEM = 'is not a port number from 1 to 65535';

const Port = v.pipe(
  v.string(),
  v.check((text) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535, PORT_PROBLEM),
  v.transform(Number),
);

const Schema = v.pipe(
  v.object({
    WORKER_PORT: v.optional(Port, PORTS.WORKER_PORT),
    AGGREGATOR_PORT: v.optional(Port, PORTS.AGGREGATOR_PORT),
    NATS_URL: v.optional(v.string()),
    BEACON_SECRET: v.optional(v.string(), DEVELOPMENT_SECRET),
    ENVIRONMENT: v.optional(v.literal('development', 'npm start runs development only; unset it')),
  }),
  v.forward(
    v.partialCheck(
      [['WORKER_PORT'], ['AGGREGATOR_PORT']],
      ({ WORKER_PORT, AGGREGATOR_PORT }) => WORKER_PORT !== AGGREGATOR_PORT,
      'is the same as WORKER_PORT',
    ),
    ['AGGREGATOR_PORT'],
  ),
);

export function readSettings({ env, wranglerToml, readFile, ownPort }: SettingsSources): SettingsResult {
  // An empty variable counts as not set, as it does for the apps.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const read = readWranglerVars(wranglerToml, 'development');
  if (!read.ok) return { ok: false, problems: [read.problem] };
  const own = v.safeParse(Schema, given);
  const port = readOwnPort(ownPort, given);
  const workerVars = {
    ...pick(given, WORKER_VARS),
    BEACON_SECRET: given.BEACON_SECRET ?? DEVELOPMENT_SECRET,
    // Said here and nowhere in wrangler.toml, so that no deployment can be development.
    ENVIRONMENT: 'development',
    DEV_REGION_HEADER: 'on',
    ...credentials(given.NATS_CREDS, readFile),
  };
  const aggregatorEnv = environmentOfAggregator(given, read.vars);
  const natsUrl = given.NATS_URL ?? SOME_NATS_URL;
  const aggregator = readAggregatorConfig({ ...aggregatorEnv, NATS_URL: natsUrl }, undefined, {
    canRead: (path) => textOf(path, readFile) !== undefined,
  });
  const worker = readWorkerConfig({ ...read.vars, ...workerVars, NATS_URL: natsUrl });
  const problems = withoutRepeats([
    [...(own.issues ?? []).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`), ...port.problems],
    aggregator.ok ? [] : aggregator.problems,
    worker.ok ? [] : worker.problems,
  ]);
  if (!own.success || port.problems.length > 0 || !aggregator.ok || !worker.ok) return { ok: false, problems };
  return {
    ok: true,
    settings: {
      workerPort: own.output.WORKER_PORT,
      aggregatorPort: own.output.AGGREGATOR_PORT,
      ownPort: port.value,
      natsUrl: own.output.NATS_URL,
      secret: own.output.BEACON_SECRET,
      ttlSeconds: aggregator.config.ttlSeconds,
      host: aggregator.config.host,
      metricsToken: aggregator.config.metricsToken,
      regions: worker.config.regions.map(({ name }) => name),
      regionTable: worker.config.regions,
      workerVars,
      aggregatorEnv: { ...aggregatorEnv, PORT: `${own.output.AGGREGATOR_PORT}` },
    },
  };
}

function readOwnPort(ownPort: OwnPort | undefined, given: Environment): { value?: number; problems: string[] } {
  if (ownPort === undefined) return { problems: [] };
  const { name, byDefault } = ownPort;
  const text = given[name] ?? byDefault?.toString();
  if (text === undefined) return { problems: [] };
  const read = v.safeParse(Port, text);
  if (!read.success) return { problems: [`${name}: ${PORT_PROBLEM}`] };
  const same = Object.entries(PORTS).find(([other, usual]) => Number(given[other] ?? usual) === read.output);
  return { value: read.output, problems: same ? [`${name}: is the same as ${same[0]}`] : [] };
}

/**
 * The topology is development's with what the environment changes of it. It is resolved here, once, and both apps
 * are given the same: on its own the aggregator takes it from one source only.
 */
function environmentOfAggregator(given: Environment, vars: Values): Environment {
  const { BEACON_SECRET: _secret, ENVIRONMENT: _environment, PORT: _port, ...rest } = given;
  const shared = [...TOPOLOGY_SETTINGS, 'SESSION_TTL_SECONDS'].map((name) => {
    const value = given[name] ?? vars[name];
    return [name, typeof value === 'string' ? value : JSON.stringify(value)];
  });
  return { HOST: '127.0.0.1', ...rest, ...Object.fromEntries(shared) };
}

/** The aggregator takes a path, the worker the text. The aggregator reports a file that can't be read. */
function credentials(path: string | undefined, readFile: (path: string) => string): { NATS_CREDS?: string } {
  const text = path === undefined ? undefined : textOf(path, readFile);
  return text === undefined ? {} : { NATS_CREDS: text };
}

/** Undefined for a file that can't be read. */
function textOf(path: string, readFile: (path: string) => string): string | undefined {
  try {
    return readFile(path);
  } catch {
    return undefined;
  }
}

/** Leaves out problems of a setting that an earlier reader has already reported. */
function withoutRepeats(readers: readonly (readonly string[])[]): string[] {
  const settingOf = (problem: string) => /^[A-Z_]+/.exec(problem)?.[0] ?? problem;
  const named = new Set<string>();
  const all: string[] = [];
  for (const problems of readers) {
    const fresh = problems.filter((problem) => !named.has(settingOf(problem)));
    for (const problem of fresh) named.add(settingOf(problem));
    all.push(...fresh);
  }
  return all;
}

function pick(given: Environment, names: readonly string[]): { [name: string]: string } {
  return Object.fromEntries(names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
}
