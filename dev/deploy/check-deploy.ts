/**
 * `npm run check:deploy`: reports what is a placeholder, missing, unsafe or contradictory in an environment's configuration,
 * one line each, and exits with code 1 if there is anything. It only reads files: it can't check secrets, and names them.
 */
import { readFile } from 'node:fs/promises';
import { parse as parseToml } from 'smol-toml';
import { type Config, readConfig } from '../../worker/config.ts';
import { credsVariable } from '../../worker/nats-access.ts';
import { readOptions } from '../options.ts';
import { aggregatorProblems } from './aggregator.ts';
import { sharedProblems } from './between-environments.ts';
import { regionProblems } from './regions.ts';
import { type Table, tableAt, tablesAt } from './table.ts';

/** RFC 2606: names that belong to nobody. */
const PLACEHOLDER = /\bexample\.(?:com|net|org)\b/;
/** A client in trouble posts up to once a second, and two beacons may arrive at once. */
const SESSION_LIMIT_MIN = 120;
/** What is set with `wrangler secret put`: in [vars] everybody who reads the repository or the dashboard sees it. */
const SECRET = /^(?:BEACON_SECRET|CANARY_SECRET|NATS_CREDS(?:_.*)?)$/;
const SWITCHES = ['ENVIRONMENT', 'DEV_REGION_HEADER'] as const;
/** Once a minute: as often as shared/canary.ts and the alerts expect one. */
const CRON = '* * * * *';
const OBJECT_CLASS = 'Forwarder';

/**
 * @param name the table of wrangler.toml below `env`
 * @returns one line for each problem, none for an environment that can be deployed
 */
export function deployProblems(wrangler: Table, name = 'production'): string[] {
  const names = Object.keys(tableAt(wrangler, 'env'));
  if (!names.includes(name)) return [`env.${name}: no such environment; there is ${names.join(', ') || 'none'}`];
  const table = tableAt(wrangler, 'env', name);
  const at: At = { path: `env.${name}`, name };
  return [
    ...placeholderProblems(table, at.path),
    ...exposureProblems(table, at),
    ...costProblems(table, at),
    ...limitProblems(table, at),
    ...objectProblems(table, at),
    ...cronProblems(table, at),
    ...varsProblems(tableAt(table, 'vars'), at),
    ...sharedProblems(wrangler, name),
    ...developmentProblems(wrangler),
  ];
}

/** The worker's configuration; undefined while it would refuse to start. */
export function workerConfigOf(wrangler: Table, name: string): Config | undefined {
  const result = configOf(tableAt(wrangler, 'env', name, 'vars'));
  return result.ok ? result.config : undefined;
}

/** The commands that set what no file holds. */
export function secretCommands(wrangler: Table, name: string): string[] {
  const vars = tableAt(wrangler, 'env', name, 'vars');
  const put = (secret: string) => `npx wrangler secret put ${secret} --env ${name}`;
  return [
    ...(vars.BEACON_JWKS_URL === undefined
      ? [`${put('BEACON_SECRET')}   (or BEACON_JWKS_URL in the table's vars)`]
      : []),
    put('CANARY_SECRET'),
    ...tablesAt(vars, 'REGIONS').map((region) => put(credsVariable(String(region.name)))),
  ];
}

/** Where messages say that a problem is. */
type At = { readonly path: string; readonly name: string };

function placeholderProblems(value: unknown, path: string): string[] {
  if (typeof value === 'string') return PLACEHOLDER.test(value) ? [`${path}: ${value} is a placeholder`] : [];
  if (typeof value !== 'object' || value === null) return [];
  const step = (name: string) => (Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`);
  return Object.entries(value).flatMap(([name, inner]) => placeholderProblems(inner, step(name)));
}

function exposureProblems({ routes, route, workers_dev, preview_urls }: Table, { path }: At): string[] {
  const routed = route !== undefined || (Array.isArray(routes) && routes.length > 0);
  return [
    ...(routed ? [] : [`${path}.routes: missing, so that the worker is reachable nowhere`]),
    ...(workers_dev === false ? [] : [`${path}.workers_dev: not false; workers.dev is past the zone's firewall`]),
    ...(preview_urls === false ? [] : [`${path}.preview_urls: not false; they are past the zone's firewall`]),
  ];
}

function costProblems(table: Table, { path }: At): string[] {
  const observability = tableAt(table, 'observability');
  const logs = tableAt(observability, 'logs');
  const rate = logs.head_sampling_rate ?? observability.head_sampling_rate;
  const cpuMs = tableAt(table, 'limits').cpu_ms;
  return [
    ...(logs.invocation_logs === false
      ? []
      : [`${path}.observability.logs.invocation_logs: not false; they hold the headers of every request`]),
    ...(typeof rate === 'number' && rate < 1
      ? []
      : [`${path}.observability.logs.head_sampling_rate: not below 1, so that every log line is paid for`]),
    ...(typeof cpuMs === 'number' ? [] : [`${path}.limits.cpu_ms: missing, so that a request may take 30 s of CPU`]),
  ];
}

function limitProblems({ ratelimits }: Table, { path }: At): string[] {
  const limits = new Map((Array.isArray(ratelimits) ? ratelimits : []).map((limit: Table) => [limit.name, limit]));
  const { limit, period } = tableAt(limits.get('SESSION_LIMIT') ?? {}, 'simple');
  const perMinute = (Number(limit) * 60) / Number(period);
  return [
    ...['SESSION_LIMIT', 'ADDRESS_LIMIT'].flatMap((name) =>
      limits.has(name) ? [] : [`${path}.ratelimits: ${name} is missing`],
    ),
    ...(perMinute < SESSION_LIMIT_MIN
      ? [`${path}.ratelimits: SESSION_LIMIT lets ${perMinute} beacons a minute through, less than ${SESSION_LIMIT_MIN}`]
      : []),
  ];
}

function varsProblems(vars: Table, { path: environment, name }: At): string[] {
  const path = `${environment}.vars`;
  const secrets = Object.keys(vars).filter((secret) => SECRET.test(secret));
  const wrong = vars.ENVIRONMENT === 'production' ? [] : [`${path}.ENVIRONMENT: not "production"`];
  return [
    ...secrets.map(
      (secret) => `${path}.${secret}: a secret in the clear; use "wrangler secret put ${secret} --env ${name}"`,
    ),
    ...(vars.ALLOWED_ORIGINS ? [] : [`${path}.ALLOWED_ORIGINS: missing, so that no page may post`]),
    ...natsUrls(vars).flatMap((url) => natsUrlProblems(url, path)),
    ...wrong,
    // The worker's own checks, by which it would refuse to start.
    ...(wrong.length > 0 ? [] : startProblems(vars).map((problem) => `${path}: ${problem}`)),
  ];
}

function natsUrls({ NATS_URL, REGIONS }: Table): string[] {
  const regions = Array.isArray(REGIONS) ? REGIONS : [];
  const listed = regions.flatMap((region: Table) => (Array.isArray(region.nats) ? region.nats : []));
  return [...listed, ...(typeof NATS_URL === 'string' ? NATS_URL.split(',') : [])].map(String);
}

/** Without the URL's own text where it may hold a password. */
function natsUrlProblems(url: string, path: string): string[] {
  if (url.includes('@')) return [`${path}: a NATS URL has a login in it; use a credentials secret`];
  return url.startsWith('tls://') ? [] : [`${path}: ${url} is not tls://`];
}

function startProblems(vars: Table): string[] {
  const result = configOf(vars);
  if (!result.ok) return [...result.problems];
  return regionProblems(result.config.regions).map((problem) => `REGIONS: ${problem}`);
}

function configOf(vars: Table) {
  // What wrangler.toml doesn't hold: the secret and the bindings, which are checked above.
  return readConfig({ BEACON_SECRET: 'x'.repeat(32), SESSION_LIMIT: {}, ADDRESS_LIMIT: {}, ...vars });
}

/** A binding is not inherited, and a class without its migration can't be deployed. */
function objectProblems(table: Table, { path }: At): string[] {
  const bindings = tablesAt(table, 'durable_objects', 'bindings');
  const migrations = tablesAt(table, 'migrations');
  const listed = (name: string) =>
    migrations.flatMap((migration) => (Array.isArray(migration[name]) ? migration[name] : []));
  const tags = migrations.map(({ tag }) => tag);
  return [
    ...(bindings.some(({ name, class_name }) => name === 'FORWARDER' && class_name === OBJECT_CLASS)
      ? []
      : [`${path}.durable_objects.bindings: FORWARDER of the class ${OBJECT_CLASS} is missing`]),
    ...(listed('new_sqlite_classes').includes(OBJECT_CLASS)
      ? []
      : [`${path}.migrations: none has ${OBJECT_CLASS} in new_sqlite_classes, without which it has no spool`]),
    ...(listed('deleted_classes').includes(OBJECT_CLASS)
      ? [`${path}.migrations: one deletes ${OBJECT_CLASS}, and with it every spool`]
      : []),
    ...(new Set(tags).size === tags.length ? [] : [`${path}.migrations: a tag stands twice, of which one is skipped`]),
  ];
}

function cronProblems(table: Table, { path }: At): string[] {
  const { crons } = tableAt(table, 'triggers');
  return Array.isArray(crons) && crons.includes(CRON)
    ? []
    : [`${path}.triggers.crons: "${CRON}" is missing, so that no canary is sent`];
}

/** `wrangler deploy` without an environment deploys the top level: it must not start, and must not be reachable. */
function developmentProblems(wrangler: Table): string[] {
  const vars = tableAt(wrangler, 'vars');
  return [
    ...SWITCHES.flatMap((name) =>
      vars[name] === undefined
        ? []
        : [`vars.${name}: set at the top level, which "wrangler deploy" without --env puts on the internet`],
    ),
    ...(wrangler.workers_dev === false ? [] : ['workers_dev: not false at the top level']),
    ...(wrangler.routes === undefined && wrangler.route === undefined ? [] : ['routes: set at the top level']),
  ];
}

if (import.meta.main) {
  const { config, env, aggregator } = readOptions({
    name: 'npm run check:deploy',
    summary:
      'Names everything in the configuration that is a placeholder, missing, unsafe or contradicts something else.',
    options: {
      env: { type: 'string', default: 'production' },
      config: { type: 'string', default: 'wrangler.toml' },
      aggregator: { type: 'string', multiple: true, default: [] },
    },
    help: {
      env: 'NAME: the environment of wrangler.toml (production)',
      config: 'FILE: another wrangler.toml',
      aggregator: 'FILE: an environment file or Helm values of aggregators, to be compared with it; may be repeated',
    },
  });
  const text = await read(config);
  const wrangler = parse(text, config);
  const worker = workerConfigOf(wrangler, env);
  const problems = [
    ...deployProblems(wrangler, env),
    ...(worker === undefined
      ? []
      : await Promise.all(
          aggregator.map(async (name) => aggregatorProblems({ name, text: await read(name) }, worker, text)),
        )),
  ].flat();
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else {
    console.log(`${config}: ${env} can be deployed, once its secrets are set, which are not checked here:`);
    for (const command of secretCommands(wrangler, env)) console.log(`  ${command}`);
  }
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) =>
    fail(`${file}: cannot be read (${error.code})`),
  );
}

function parse(text: string, file: string): Table {
  try {
    return parseToml(text);
  } catch (error) {
    return fail(`${file}: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`);
  }
}

function fail(line: string): never {
  console.error(line);
  process.exit(2);
}
