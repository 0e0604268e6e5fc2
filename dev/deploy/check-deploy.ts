/**
 * `npm run check:deploy`: reports what is missing or unsafe in production's configuration, one line each, and exits
 * with code 1 if there is anything. It only reads wrangler.toml (or `--config FILE`): it can't check secrets.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { readConfig } from '../../worker/config.ts';

type Table = { readonly [name: string]: unknown };

/** RFC 2606: names that belong to nobody. */
const PLACEHOLDER = /\bexample\.(?:com|net|org)\b/;
/** A client in trouble posts up to once a second, and two beacons may arrive at once. */
const SESSION_LIMIT_MIN = 120;
/** What is set with `wrangler secret put`: in [vars] everybody who reads the repository or the dashboard sees it. */
const SECRET = /^(?:BEACON_SECRET|NATS_CREDS(?:_.*)?)$/;
const SWITCHES = ['ENVIRONMENT', 'DEV_REGION_HEADER'] as const;

/** @returns one line for each problem, none for a configuration that can be deployed */
export function deployProblems(wrangler: Table): string[] {
  const production = tableAt(wrangler, 'env', 'production');
  return [
    ...placeholderProblems(production, 'env.production'),
    ...exposureProblems(production),
    ...costProblems(production),
    ...limitProblems(production),
    ...varsProblems(tableAt(production, 'vars')),
    ...developmentProblems(wrangler),
  ];
}

function placeholderProblems(value: unknown, path: string): string[] {
  if (typeof value === 'string') return PLACEHOLDER.test(value) ? [`${path}: ${value} is a placeholder`] : [];
  if (typeof value !== 'object' || value === null) return [];
  const step = (name: string) => (Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`);
  return Object.entries(value).flatMap(([name, inner]) => placeholderProblems(inner, step(name)));
}

function exposureProblems({ routes, route, workers_dev, preview_urls }: Table): string[] {
  const routed = route !== undefined || (Array.isArray(routes) && routes.length > 0);
  return [
    ...(routed ? [] : ['env.production.routes: missing, so that the worker is reachable nowhere']),
    ...(workers_dev === false
      ? []
      : ["env.production.workers_dev: not false; workers.dev is past the zone's firewall"]),
    ...(preview_urls === false ? [] : ["env.production.preview_urls: not false; they are past the zone's firewall"]),
  ];
}

function costProblems(production: Table): string[] {
  const observability = tableAt(production, 'observability');
  const logs = tableAt(observability, 'logs');
  const rate = logs.head_sampling_rate ?? observability.head_sampling_rate;
  const cpuMs = tableAt(production, 'limits').cpu_ms;
  return [
    ...(logs.invocation_logs === false
      ? []
      : ['env.production.observability.logs.invocation_logs: not false; they hold the headers of every request']),
    ...(typeof rate === 'number' && rate < 1
      ? []
      : ['env.production.observability.logs.head_sampling_rate: not below 1, so that every log line is paid for']),
    ...(typeof cpuMs === 'number'
      ? []
      : ['env.production.limits.cpu_ms: missing, so that a request may take 30 s of CPU']),
  ];
}

function limitProblems({ ratelimits }: Table): string[] {
  const limits = new Map((Array.isArray(ratelimits) ? ratelimits : []).map((limit: Table) => [limit.name, limit]));
  const { limit, period } = tableAt(limits.get('SESSION_LIMIT') ?? {}, 'simple');
  const perMinute = (Number(limit) * 60) / Number(period);
  return [
    ...['SESSION_LIMIT', 'ADDRESS_LIMIT'].flatMap((name) =>
      limits.has(name) ? [] : [`env.production.ratelimits: ${name} is missing`],
    ),
    ...(perMinute < SESSION_LIMIT_MIN
      ? [
          `env.production.ratelimits: SESSION_LIMIT lets ${perMinute} beacons a minute through, less than ${SESSION_LIMIT_MIN}`,
        ]
      : []),
  ];
}

function varsProblems(vars: Table): string[] {
  const path = 'env.production.vars';
  const secrets = Object.keys(vars).filter((name) => SECRET.test(name));
  const wrong = vars.ENVIRONMENT === 'production' ? [] : [`${path}.ENVIRONMENT: not "production"`];
  return [
    ...secrets.map(
      (name) => `${path}.${name}: a secret in the clear; use "wrangler secret put ${name} --env production"`,
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
  // What wrangler.toml doesn't hold: the secret and the bindings, which are checked above.
  const standIns = { BEACON_SECRET: 'x'.repeat(32), SESSION_LIMIT: {}, ADDRESS_LIMIT: {} };
  const result = readConfig({ ...standIns, ...vars });
  return result.ok ? [] : [...result.problems];
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

function tableAt(table: Table, ...names: string[]): Table {
  let at: unknown = table;
  for (const name of names) at = typeof at === 'object' && at !== null ? (at as Table)[name] : undefined;
  return typeof at === 'object' && at !== null ? (at as Table) : {};
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { config: { type: 'string', default: 'wrangler.toml' } } });
  const problems = deployProblems(parseToml(await readFile(values.config, 'utf8')));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`${values.config}: production can be deployed; its secrets are not checked here`);
}
