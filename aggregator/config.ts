/**
 * The aggregator's configuration: environment variables and the topology (topology.ts), checked once and
 * frozen. The environment and the file are read in main.ts.
 */
import * as v from 'valibot';
import { SERVER_TYPES, type ServerType } from '../shared/beacon.ts';
import { RegionsSchema } from '../shared/regions.ts';
import { ServersSchema } from '../shared/servers.ts';
import { isRegionName, type Shard } from '../shared/subjects.ts';
import { LanesSchema, SessionTtlSchema, TOPOLOGY_SETTINGS, topologyFingerprint } from '../shared/topology.ts';
import { type NatsServers, NatsServersText, namesIn } from './nats-servers.ts';
import { readTopologySource } from './topology.ts';

/** A region, the JetStream domain of its NATS, and those of the regions that its Forwarders turn to when they can't reach it. */
export type RegionSources = {
  readonly name: string;
  readonly domain: string | undefined;
  readonly fallbacks: readonly { readonly name: string; readonly domain: string | undefined }[];
};

export type Config = {
  /** NATS_URL. */
  readonly nats: NatsServers;
  /** Path of a credentials file. */
  readonly natsCreds: string | undefined;
  /** NATS_FALLBACK_URL: where the fallbacks of our regions are read; undefined when that is NATS_URL. */
  readonly natsFallback: NatsServers | undefined;
  /** Path of a PEM file with the only CAs that NATS servers' certificates may be signed by. */
  readonly natsCa: string | undefined;
  /** The regions that this process consumes. */
  readonly regions: readonly string[];
  /** Where in NATS their messages are. */
  readonly regionSources: readonly RegionSources[];
  /** All REGIONS of the topology, consumed by this process or by others. */
  readonly topologyRegions: readonly string[];
  /** Origins of the known media servers. */
  readonly servers: readonly string[];
  readonly shard: Shard;
  readonly lanes: number;
  /** Fingerprint of the environment's topology, for comparison with the worker's. */
  readonly topology: string;
  readonly ttlSeconds: number;
  readonly maxSessions: number;
  readonly maxSessionSeries: number;
  /** Types of media servers whose packets are read; none by default. */
  readonly mediaServerTypes: readonly ServerType[];
  /** Where packets are read: with everything else from the stream HEALTH, or alone from core NATS, where there is no stream. */
  readonly mediaServerFeed: (typeof MEDIA_SERVER_FEEDS)[number];
  /** The key of the hashes that stand for ids in packets; set where they are read. */
  readonly idHashSecret: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly metricsToken: string | undefined;
  /** What canaries must be signed with. */
  readonly canarySecret: string | undefined;
  /** Addresses of the other shards' aggregators, without a slash at the end. */
  readonly boardPeers: readonly string[];
  readonly logLevel: LogLevel;
};

/** Either the configuration or every problem with it, one readable line each. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] };

type LogLevel = (typeof LOG_LEVELS)[number];
type Environment = { readonly [name: string]: string | undefined };

const MEDIA_SERVER_FEEDS = ['stream', 'core'] as const;
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** A header's value: what a scraper can send after `Bearer `. */
const TOKEN = /^[\x21-\x7e]{1,512}$/;

const Names = v.pipe(
  v.string(),
  v.transform((list) => namesIn(list)),
  v.minLength(1, 'is empty'),
  v.everyItem(isRegionName, 'has an invalid region name (allowed: lower-case letters, digits, inner hyphens)'),
);

const RegionList = v.pipe(
  Names,
  v.maxLength(64, 'has more than 64 regions'),
  v.check((names) => new Set(names).size === names.length, 'lists a region twice'),
  v.transform((names) => names.map((name): TableRow => ({ name, domain: undefined, fallback: [] }))),
);

/** What of a row of the region table matters here. */
type TableRow = { readonly name: string; readonly domain?: string | undefined; readonly fallback: readonly string[] };

/** A region table as in wrangler.toml, or a list of names: without domains and fallbacks. */
const Regions = v.lazy((value) => (typeof value === 'string' ? RegionList : RegionsSchema));

const ShardText = v.pipe(
  v.string(),
  v.regex(/^\d{1,3}\/\d{1,3}$/, 'is not s/S, for example 0/2'),
  v.transform((text): Shard => {
    const [index = 0, count = 0] = text.split('/').map(Number);
    return { index, count };
  }),
  v.check(({ index, count }) => index < count, 'has an index that is not below its count (the first of two is 0/2)'),
);

const MediaServerTypes = v.pipe(
  v.string(),
  v.transform((list) => namesIn(list)),
  v.everyItem(isServerType, `is not a list of ${SERVER_TYPES.join(', ')}`),
  v.transform((types) => SERVER_TYPES.filter((type) => types.includes(type))),
);

/** As BEACON_SECRET has at least. */
const SECRET_BYTES_MIN = 32;

const Secret = v.pipe(
  v.string(),
  v.check((text) => Buffer.byteLength(text) >= SECRET_BYTES_MIN, `is shorter than ${SECRET_BYTES_MIN} bytes`),
);

const PEERS_MAX = 128;

const BoardPeers = v.pipe(
  v.string(),
  v.transform((list) => namesIn(list)),
  v.maxLength(PEERS_MAX, `has more than ${PEERS_MAX} addresses`),
  v.everyItem(
    (url) => peerAddress(url) !== undefined,
    'is not a list of http://host:port or https://host:port, without user name, password, query or fragment',
  ),
  v.transform((urls) => urls.flatMap((url) => peerAddress(url) ?? [])),
  v.check((addresses) => new Set(addresses).size === addresses.length, 'lists an address twice'),
);

const Settings = v.object({
  NATS_URL: NatsServersText,
  NATS_FALLBACK_URL: v.optional(NatsServersText),
  NATS_CREDS: v.optional(v.string()),
  NATS_CA: v.optional(v.string()),
  REGIONS: Regions,
  SERVERS: ServersSchema,
  REGION: v.optional(Names),
  SHARD: v.optional(ShardText, '0/1'),
  LANES: LanesSchema,
  SESSION_TTL_SECONDS: SessionTtlSchema,
  MAX_SESSIONS: v.optional(integer(1, 10_000_000), '200000'),
  MAX_SESSION_SERIES: v.optional(integer(0, 10_000_000), '50000'),
  MEDIA_SERVER_TYPES: v.optional(MediaServerTypes, ''),
  MEDIA_SERVER_FEED: v.optional(
    v.picklist(MEDIA_SERVER_FEEDS, `is not one of ${MEDIA_SERVER_FEEDS.join(', ')}`),
    'stream',
  ),
  ID_HASH_SECRET: v.optional(Secret),
  HOST: v.optional(v.pipe(v.string(), v.regex(/^\S+$/, 'is not a host name or address')), '0.0.0.0'),
  PORT: v.optional(integer(0, 65_535), '9464'),
  METRICS_TOKEN: v.optional(v.pipe(v.string(), v.regex(TOKEN, 'is not 1 to 512 visible ASCII characters'))),
  CANARY_SECRET: v.optional(Secret),
  BOARD_PEERS: v.optional(BoardPeers, ''),
  LOG_LEVEL: v.optional(v.picklist(LOG_LEVELS, `is not one of ${LOG_LEVELS.join(', ')}`), 'info'),
});

/** Rules between settings; each is checked as soon as its own settings are sound, whatever else is not. */
const Schema = v.pipe(
  Settings,
  v.forward(
    v.partialCheck(
      [['REGION'], ['REGIONS']],
      ({ REGION = [], REGIONS }) => REGION.every((name) => REGIONS.some((region) => region.name === name)),
      'has a region that is not in REGIONS',
    ),
    ['REGION'],
  ),
  v.forward(
    v.partialCheck(
      [['SHARD'], ['LANES']],
      ({ SHARD, LANES }) => SHARD.count <= LANES,
      'has more shards than there are LANES',
    ),
    ['SHARD'],
  ),
  v.forward(
    v.partialCheck(
      [['MEDIA_SERVER_TYPES'], ['ID_HASH_SECRET']],
      ({ MEDIA_SERVER_TYPES, ID_HASH_SECRET }) => MEDIA_SERVER_TYPES.length === 0 || ID_HASH_SECRET !== undefined,
      'is required, because MEDIA_SERVER_TYPES is set: ids in packets may name people, and are hashed with it',
    ),
    ['ID_HASH_SECRET'],
  ),
  v.forward(
    v.partialCheck(
      [['MEDIA_SERVER_TYPES'], ['MEDIA_SERVER_FEED']],
      ({ MEDIA_SERVER_TYPES, MEDIA_SERVER_FEED }) => MEDIA_SERVER_FEED === 'stream' || MEDIA_SERVER_TYPES.length > 0,
      'is core, where packets are all that is read: set MEDIA_SERVER_TYPES',
    ),
    ['MEDIA_SERVER_FEED'],
  ),
);

/** What only the machine can answer. */
export type Machine = { readonly canRead: (path: string) => boolean };

/**
 * @param env the process environment; an empty value counts as not set
 * @param wranglerToml the text of wrangler.toml, read when ENVIRONMENT names one of its tables;
 *   undefined when there is no such file
 */
export function readConfig(env: Environment, wranglerToml: string | undefined, machine: Machine): ConfigResult {
  const source = readTopologySource(env, wranglerToml);
  const values: { [name: string]: unknown } = {};
  for (const name of Object.keys(Settings.entries)) if (env[name]) values[name] = env[name];
  Object.assign(values, source.values);
  // The table's, unless the environment has one: one that differs from the worker's shows in the fingerprint.
  values.SESSION_TTL_SECONDS ??= source.ttl;
  const parsed = v.safeParse(Schema, values);
  const problems = [...source.problems];
  for (const issue of parsed.issues ?? []) {
    const path = v.getDotPath(issue) ?? '';
    const ofTopology = TOPOLOGY_SETTINGS.some((name) => path.split('.')[0] === name);
    // That one of them is missing has been said above, with what to do about it.
    if (ofTopology && source.problems.length > 0 && values[path] === undefined) continue;
    const place = ofTopology && source.table !== '' ? `wrangler.toml ${source.table} ${path}` : path;
    problems.push(`${place}: ${describe(issue)}`);
  }
  for (const name of ['NATS_CREDS', 'NATS_CA'] as const) {
    if (env[name] && !machine.canRead(env[name])) problems.push(`${name}: is not a readable file`);
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems };
  return { ok: true, config: toConfig(parsed.output) };
}

function toConfig(values: v.InferOutput<typeof Schema>): Config {
  const names = values.REGIONS.map(({ name }) => name);
  const regions = [...new Set(values.REGION ?? names)];
  return Object.freeze({
    nats: values.NATS_URL,
    natsFallback: values.NATS_FALLBACK_URL,
    natsCreds: values.NATS_CREDS,
    natsCa: values.NATS_CA,
    regions,
    regionSources: regions.map((name) => sourcesOf(name, values.REGIONS)),
    topologyRegions: names,
    servers: values.SERVERS,
    shard: values.SHARD,
    lanes: values.LANES,
    topology: topologyFingerprint({
      regions: names,
      servers: values.SERVERS,
      lanes: values.LANES,
      ttlSeconds: values.SESSION_TTL_SECONDS,
    }),
    ttlSeconds: values.SESSION_TTL_SECONDS,
    maxSessions: values.MAX_SESSIONS,
    maxSessionSeries: values.MAX_SESSION_SERIES,
    mediaServerTypes: values.MEDIA_SERVER_TYPES,
    mediaServerFeed: values.MEDIA_SERVER_FEED,
    idHashSecret: values.ID_HASH_SECRET,
    host: values.HOST,
    port: values.PORT,
    metricsToken: values.METRICS_TOKEN,
    canarySecret: values.CANARY_SECRET,
    boardPeers: values.BOARD_PEERS,
    logLevel: values.LOG_LEVEL,
  });
}

function sourcesOf(name: string, table: readonly TableRow[]): RegionSources {
  const domainOf = (region: string) => table.find((row) => row.name === region)?.domain;
  const fallbacks = table.find((row) => row.name === name)?.fallback ?? [];
  return {
    name,
    domain: domainOf(name),
    fallbacks: fallbacks.map((fallback) => ({ name: fallback, domain: domainOf(fallback) })),
  };
}

/** METRICS_TOKEN is sent to it: a password in the address would be one that is never used. */
function peerAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, search, hash, origin, pathname } = new URL(text);
  if (!/^https?:$/.test(protocol) || username || password || search || hash) return undefined;
  return `${origin}${pathname}`.replace(/\/+$/, '');
}

function isServerType(text: string): text is ServerType {
  return (SERVER_TYPES as readonly string[]).includes(text);
}

function integer(min: number, max: number) {
  const message = `is not an integer from ${min} to ${max}`;
  return v.pipe(
    v.string(message),
    v.regex(/^\d{1,10}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

function describe(issue: v.BaseIssue<unknown>): string {
  return issue.received === 'undefined' ? 'is required' : issue.message;
}
