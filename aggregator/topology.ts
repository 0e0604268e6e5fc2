/**
 * Where the aggregator's REGIONS, SERVERS and LANES come from: all of them from the environment, or all of
 * them from the table of wrangler.toml that the worker of the same environment is deployed with. Never some
 * from each, and never by default: with another topology than the worker's, beacons are published that
 * nobody reads, which looks like a quiet day.
 */
import { parse as parseToml } from 'smol-toml';
import { TOPOLOGY_SETTINGS } from '../shared/topology.ts';

/** The environments that wrangler.toml has a table for; the worker's ENVIRONMENT is one of them too. */
export const ENVIRONMENTS = ['development', 'production'] as const;

export type EnvironmentName = (typeof ENVIRONMENTS)[number];

/** Settings as they were written, unchecked, by name. */
export type Values = { readonly [name: string]: unknown };

export type TopologySource = {
  /** REGIONS, SERVERS and LANES, as far as they were found. */
  readonly values: Values;
  /** SESSION_TTL_SECONDS of the table that they are from; undefined when the table has none, or there is no table. */
  readonly ttl?: unknown;
  /** Why they are not from one source, one line each; empty when they are. */
  readonly problems: readonly string[];
  /** The place in wrangler.toml that the values are from, as messages name it; empty for environment variables. */
  readonly table: string;
};

export type VarsResult =
  | { readonly ok: true; readonly vars: Values }
  | { readonly ok: false; readonly problem: string };

const ALL = 'REGIONS, SERVERS and LANES';

/**
 * @param env the process environment; an empty value counts as not set
 * @param wranglerToml the text of wrangler.toml; undefined when there is none
 */
export function readTopologySource(
  env: { readonly [name: string]: string | undefined },
  wranglerToml: string | undefined,
): TopologySource {
  const given = TOPOLOGY_SETTINGS.filter((name) => env[name]);
  if (given.length === 0) return readTable(env.ENVIRONMENT || undefined, wranglerToml);
  const values = Object.fromEntries(given.map((name) => [name, parseArray(env[name])]));
  const isAre = given.length === 1 ? 'is' : 'are';
  if (env.ENVIRONMENT) {
    const both = `ENVIRONMENT: is set, and ${given.join(' and ')} ${isAre} too; unset ENVIRONMENT and set all of ${ALL}, or unset those to read wrangler.toml`;
    return { values, problems: [both], table: '' };
  }
  const problems = TOPOLOGY_SETTINGS.filter((name) => !env[name]).map(
    (name) =>
      `${name}: is required, because ${given.join(' and ')} ${isAre} set; set all of ${ALL}, or ENVIRONMENT alone`,
  );
  return { values, problems, table: '' };
}

function readTable(environment: string | undefined, wranglerToml: string | undefined): TopologySource {
  const failed = (problem: string) => ({ values: {}, problems: [problem], table: '' });
  if (environment === undefined) {
    return failed(`ENVIRONMENT: is required (${ENVIRONMENTS.join(' or ')}), unless all of ${ALL} are set`);
  }
  if (!isEnvironment(environment)) return failed(`ENVIRONMENT: is not ${ENVIRONMENTS.join(' or ')}`);
  if (wranglerToml === undefined) {
    return failed(`ENVIRONMENT: is set, but there is no wrangler.toml to read; set all of ${ALL} instead`);
  }
  const table = tableName(environment);
  const read = readWranglerVars(wranglerToml, environment);
  if (!read.ok) return failed(read.problem);
  const missing = TOPOLOGY_SETTINGS.filter((name) => read.vars[name] === undefined);
  const values = Object.fromEntries(TOPOLOGY_SETTINGS.map((name) => [name, read.vars[name]]));
  const problems = missing.map((name) => `wrangler.toml: ${table} has no ${name}`);
  return { values, ttl: read.vars.SESSION_TTL_SECONDS, problems, table };
}

/** The worker's variables of an environment in wrangler.toml: development's are the top level's. */
export function readWranglerVars(wranglerToml: string, environment: EnvironmentName): VarsResult {
  let parsed: unknown;
  try {
    parsed = parseToml(wranglerToml);
  } catch (error) {
    // smol-toml's message draws the place over several lines; the first says it.
    const [first] = String(error instanceof Error ? error.message : error).split('\n');
    return { ok: false, problem: `wrangler.toml: ${first}` };
  }
  const vars = member(environment === 'development' ? parsed : member(member(parsed, 'env'), environment), 'vars');
  if (typeof vars !== 'object' || vars === null) {
    return { ok: false, problem: `wrangler.toml: has no table ${tableName(environment)}` };
  }
  return { ok: true, vars: vars as Values };
}

function tableName(environment: EnvironmentName): string {
  return environment === 'development' ? '[vars]' : `[env.${environment}.vars]`;
}

function isEnvironment(name: string): name is EnvironmentName {
  return (ENVIRONMENTS as readonly string[]).includes(name);
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Values)[name] : undefined;
}

/** A JSON array out of the environment; anything else, damaged JSON too, is left to the schema. */
function parseArray(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trimStart().startsWith('[')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
