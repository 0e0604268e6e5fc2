/**
 * The worker's configuration: read once from its bindings, checked as a whole, frozen. With any
 * problem the worker does not start; all problems are named at once, and no secret's value is shown.
 */
import * as v from 'valibot';
import { type Region, RegionsSchema } from '../shared/regions.ts';
import { ServersSchema } from '../shared/servers.ts';
import { FORWARDERS_MAX } from '../shared/subjects.ts';
import { LanesSchema, SessionTtlSchema, topologyFingerprint } from '../shared/topology.ts';
import { credsIn, credsProblems, type NatsCreds, userinfoProblem } from './nats-access.ts';
import { TOKEN_MAX_SECONDS } from './receive/claims.ts';
import { type AllowedOrigins, parseOrigins } from './receive/origins.ts';
import { parseRevoked, type Revoked } from './receive/revoked.ts';

export type Config = {
  readonly lanes: number;
  /** Forwarders of each region. */
  readonly forwarders: number;
  /** Aggregators expire a session that is silent for this long; `GET /v1/region` tells reporters. */
  readonly ttlSeconds: number;
  /** Fingerprint of the topology, for comparison with the aggregators'. */
  readonly topology: string;
  readonly regions: readonly Region[];
  /** Those whose beacons are posted here: all of them at Cloudflare, one where REGION says so. */
  readonly servedRegions: readonly Region[];
  /** Origins of the configured media servers. */
  readonly servers: readonly string[];
  readonly allowedOrigins: AllowedOrigins;
  readonly beaconSecret: string | undefined;
  readonly jwksUrl: string | undefined;
  /** What canaries are signed with; undefined where there is no secret at all. */
  readonly canarySecret: string | undefined;
  /** The most seconds that a token may have left when it is used. */
  readonly tokenMaxSeconds: number;
  readonly revoked: Revoked;
  /** NATS servers of regions that list none of their own. */
  readonly natsServers: readonly string[];
  readonly natsCreds: NatsCreds;
  readonly devRegionHeader: boolean;
};

/** What `npm start` and the tests run a nats-server on when they say nothing else. */
const DEVELOPMENT_NATS = 'nats://127.0.0.1:4222';
/** RFC 7518, 3.2: a key of HS256 has at least the size of its hash. */
const SECRET_BYTES_MIN = 32;

/** A token that is good for months is a password. */
const TOKEN_MAX_SECONDS_MAX = 31 * 86_400;

const Text = v.optional(v.pipe(v.string('is not text'), v.nonEmpty('is empty')));

const VarsSchema = v.object({
  ENVIRONMENT: v.picklist(['development', 'production'], 'is not development or production'),
  LANES: LanesSchema,
  SESSION_TTL_SECONDS: SessionTtlSchema,
  FORWARDERS: v.pipe(
    v.optional(v.string('is not text'), '1'),
    v.check(isForwarders, `is not an integer from 1 to ${FORWARDERS_MAX}`),
    v.transform(Number),
  ),
  REGIONS: RegionsSchema,
  REGION: Text,
  SERVERS: ServersSchema,
  ALLOWED_ORIGINS: v.optional(v.string('is not text'), ''),
  BEACON_SECRET: Text,
  BEACON_JWKS_URL: Text,
  CANARY_SECRET: Text,
  TOKEN_MAX_SECONDS: v.optional(
    v.pipe(
      v.string('is not text'),
      v.regex(/^\d{1,9}$/, 'is not a number of seconds'),
      v.transform(Number),
      v.minValue(60, 'is less than a minute'),
      v.maxValue(TOKEN_MAX_SECONDS_MAX, 'is more than 31 days'),
    ),
    `${TOKEN_MAX_SECONDS}`,
  ),
  REVOKED: v.optional(v.string('is not text'), ''),
  NATS_URL: Text,
  DEV_REGION_HEADER: v.optional(v.picklist(['on', 'off'], 'is not on or off'), 'off'),
});

/** The bindings that are configuration: those of `Env`, and any that a test makes up. */
export type ConfigEnv = { readonly [name: string]: unknown };

/** Either the configuration or every problem with it, one readable line each. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

/** @throws Error naming every problem of `env` */
export function parseConfig(env: ConfigEnv): Config {
  const result = readConfig(env);
  if (!result.ok) throw new Error(`invalid configuration: ${result.problems.join('; ')}`);
  return result.config;
}

export function readConfig(bindings: ConfigEnv): ConfigResult {
  // A workerd of one's own binds null for an environment variable that is not set.
  const env = Object.fromEntries(Object.entries(bindings).filter(([, value]) => value !== null));
  // A deployment without `--env production` has none: it gets the message that says which there are.
  const vars = v.safeParse(VarsSchema, { ...env, ENVIRONMENT: env.ENVIRONMENT ?? '' });
  // Whatever does not call itself development is held to production's rules.
  const production = env.ENVIRONMENT !== 'development';
  const { origins, problems: originProblems } = parseOrigins(String(env.ALLOWED_ORIGINS ?? ''), !production);
  const { revoked, problems: revokedProblems } = parseRevoked(typeof env.REVOKED === 'string' ? env.REVOKED : '');
  const problems = [
    ...(vars.issues ?? []).map((issue) => `${v.getDotPath(issue) ?? 'bindings'}: ${issue.message}`),
    ...originProblems.map((problem) => `ALLOWED_ORIGINS: ${problem}`),
    ...revokedProblems.map((problem) => `REVOKED: ${problem}`),
    ...credsProblems(env),
    ...(env.BEACON_SECRET || env.BEACON_JWKS_URL ? [] : ['BEACON_SECRET: is required, unless BEACON_JWKS_URL is set']),
    ...urlProblems('BEACON_JWKS_URL', env.BEACON_JWKS_URL, production ? ['https'] : ['https', 'http']),
    ...listOf(env.NATS_URL).flatMap((url) => urlProblems('NATS_URL', url, ['nats', 'tls'])),
    ...(production ? productionProblems(env) : []),
    ...userinfoProblems('NATS_URL', listOf(env.NATS_URL)),
    ...(vars.success ? vars.output.REGIONS : []).flatMap(({ name, nats }) =>
      userinfoProblems(`REGIONS: ${name}`, nats),
    ),
    ...(vars.success && servedOf(vars.output).length === 0 ? ['REGION: is not one of REGIONS'] : []),
    ...(production && vars.success ? natsProblems(vars.output.REGIONS, env.NATS_URL) : []),
  ];
  if (!vars.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, config: toConfig(vars.output, { origins, revoked, natsCreds: credsIn(env) }) };
}

function servedOf({ REGIONS, REGION }: v.InferOutput<typeof VarsSchema>): Region[] {
  return REGIONS.filter(({ name }) => REGION === undefined || name === REGION);
}

type Parsed = { readonly origins: AllowedOrigins; readonly revoked: Revoked; readonly natsCreds: NatsCreds };

function toConfig(output: v.InferOutput<typeof VarsSchema>, { origins, revoked, natsCreds }: Parsed): Config {
  return Object.freeze({
    lanes: output.LANES,
    forwarders: output.FORWARDERS,
    ttlSeconds: output.SESSION_TTL_SECONDS,
    topology: topologyFingerprint({
      regions: output.REGIONS.map(({ name }) => name),
      servers: output.SERVERS,
      lanes: output.LANES,
      ttlSeconds: output.SESSION_TTL_SECONDS,
    }),
    regions: output.REGIONS,
    servedRegions: servedOf(output),
    servers: output.SERVERS,
    allowedOrigins: origins,
    beaconSecret: output.BEACON_SECRET,
    jwksUrl: output.BEACON_JWKS_URL,
    canarySecret: output.CANARY_SECRET ?? output.BEACON_SECRET,
    tokenMaxSeconds: output.TOKEN_MAX_SECONDS,
    revoked,
    natsServers: listOf(output.NATS_URL ?? (output.ENVIRONMENT === 'development' ? DEVELOPMENT_NATS : '')),
    natsCreds,
    devRegionHeader: output.DEV_REGION_HEADER === 'on',
  });
}

/** Development's switches are off, and what development may leave out is there. */
function productionProblems(env: ConfigEnv): string[] {
  const problems: string[] = [];
  if (env.DEV_REGION_HEADER === 'on') problems.push('DEV_REGION_HEADER: is on, which only development allows');
  for (const binding of ['SESSION_LIMIT', 'ADDRESS_LIMIT']) {
    if (env[binding] === undefined) problems.push(`${binding}: the rate-limit binding is missing`);
  }
  for (const name of ['BEACON_SECRET', 'CANARY_SECRET']) {
    const secret = env[name];
    if (typeof secret === 'string' && new TextEncoder().encode(secret).byteLength < SECRET_BYTES_MIN) {
      problems.push(`${name}: is shorter than ${SECRET_BYTES_MIN} bytes`);
    }
  }
  return problems;
}

function natsProblems(regions: readonly Region[], natsUrl: unknown): string[] {
  const without = natsUrl ? [] : regions.filter((region) => region.nats.length === 0);
  return without.map((region) => `REGIONS: ${region.name} has no nats servers, and NATS_URL is not set`);
}

function isForwarders(text: string): boolean {
  return /^[1-9][0-9]{0,2}$/.test(text) && Number(text) <= FORWARDERS_MAX;
}

function userinfoProblems(setting: string, urls: readonly string[]): string[] {
  const problem = userinfoProblem(urls);
  return problem === undefined ? [] : [`${setting}: ${problem}`];
}

function urlProblems(name: string, url: unknown, schemes: readonly string[]): string[] {
  if (typeof url !== 'string' || url === '') return [];
  const valid = URL.canParse(url) && schemes.includes(url.slice(0, url.indexOf('://')));
  return valid ? [] : [`${name}: is not a URL with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`];
}

function listOf(list: unknown): string[] {
  return typeof list === 'string' ? list.split(',').flatMap((item) => item.trim() || []) : [];
}
