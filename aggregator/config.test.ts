import { describe, expect, it } from 'vitest';
import { type Config, readConfig } from './config.ts';

const WRANGLER = `
[vars]
LANES = "8"
SERVERS = ["https://media.example/path", "wss://media.example"]
REGIONS = [
  { name = "apac", latitude = 1.3, longitude = 103.8 },
  { name = "eu-west", latitude = 50.1, longitude = 8.7 },
]

[env.production.vars]
LANES = "32"
SESSION_TTL_SECONDS = "45"
SERVERS = ["https://production.example"]
REGIONS = [{ name = "oc", latitude = -33.9, longitude = 151.2 }]
`;
const DEVELOPMENT = { NATS_URL: 'nats://broker:4222', ENVIRONMENT: 'development' };
const OUTRIGHT = { REGIONS: 'sa,oc', SERVERS: 'https://a.example', LANES: '32' };
const ADDRESSES =
  'BOARD_PEERS: is not a list of http://host:port or https://host:port, without user name, password, query or fragment';
const SECRET = 'a-secret-of-thirty-two-bytes-for-ids';
const machine = { canRead: (path: string) => path === '/creds' };

function readAll(env: Record<string, string>, wrangler: string | undefined = WRANGLER): Config {
  const result = readConfig(env, wrangler, machine);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}

/** Over a sound environment, that of development. */
function read(env: Record<string, string> = {}): Config {
  return readAll({ ...DEVELOPMENT, ...env });
}

function problems(env: Record<string, string>, wrangler: string | undefined = WRANGLER): readonly string[] {
  const result = readConfig(env, wrangler, machine);
  return result.ok ? [] : result.problems;
}

describe('readConfig', () => {
  it('has a default for all but NATS_URL and the topology', () => {
    expect(read()).toEqual({
      nats: { servers: ['broker:4222'], tls: false, login: undefined },
      natsFallback: undefined,
      natsCreds: undefined,
      natsCa: undefined,
      regions: ['apac', 'eu-west'],
      regionSources: ['apac', 'eu-west'].map((name) => ({ name, domain: undefined, fallbacks: [] })),
      topologyRegions: ['apac', 'eu-west'],
      servers: ['https://media.example', 'wss://media.example'],
      shard: { index: 0, count: 1 },
      lanes: 8,
      topology: expect.stringMatching(/^[0-9a-f]{16}$/),
      ttlSeconds: 30,
      maxSessions: 200_000,
      maxSessionSeries: 50_000,
      mediaServerTypes: [],
      mediaServerFeed: 'stream',
      idHashSecret: undefined,
      host: '0.0.0.0',
      port: 9464,
      metricsToken: undefined,
      canarySecret: undefined,
      boardPeers: [],
      logLevel: 'info',
    });
    expect(Object.isFrozen(read())).toBe(true);
  });

  it.each<[Record<string, string>, Partial<Config>]>([
    [{ REGION: 'eu-west' }, { regions: ['eu-west'], topologyRegions: ['apac', 'eu-west'] }],
    [{ REGION: ' apac , apac,eu-west' }, { regions: ['apac', 'eu-west'] }],
    [{ SHARD: '1/3' }, { shard: { index: 1, count: 3 } }],
    [{ SESSION_TTL_SECONDS: '1' }, { ttlSeconds: 1 }],
    [
      { PORT: '0', HOST: '::1' },
      { port: 0, host: '::1' },
    ],
    [{ METRICS_TOKEN: 's3cret' }, { metricsToken: 's3cret' }],
    [{ CANARY_SECRET: 'x'.repeat(32) }, { canarySecret: 'x'.repeat(32) }],
    [{ METRICS_TOKEN: '' }, { metricsToken: undefined }],
    [{ BOARD_PEERS: 'http://agg-1:9464, https://b/' }, { boardPeers: ['http://agg-1:9464', 'https://b'] }],
    [{ BOARD_PEERS: 'http://[::1]:9464/agg/2/' }, { boardPeers: ['http://[::1]:9464/agg/2'] }],
    [
      { MEDIA_SERVER_TYPES: 'websocket, webtransport,websocket', ID_HASH_SECRET: SECRET },
      { mediaServerTypes: ['webtransport', 'websocket'], idHashSecret: SECRET },
    ],
    [{ NATS_CREDS: '/creds' }, { natsCreds: '/creds' }],
    [{ NATS_CA: '/creds' }, { natsCa: '/creds' }],
    [{ NATS_URL: 'a:4222, tls://b' }, { nats: { servers: ['a:4222', 'b'], tls: true, login: undefined } }],
    [{ NATS_URL: 'nats://u:p%40ss@a' }, { nats: { servers: ['a'], tls: false, login: { user: 'u', pass: 'p@ss' } } }],
    [{ NATS_FALLBACK_URL: 'hub' }, { natsFallback: { servers: ['hub'], tls: false, login: undefined } }],
  ])('%j', (env, expected) => {
    expect(read(env)).toMatchObject(expected);
  });

  it.each<[Record<string, string>, string]>([
    [{ NATS_URL: '' }, 'NATS_URL: is required'],
    [{ CANARY_SECRET: 'short' }, 'CANARY_SECRET: is shorter than 32 bytes'],
    [{ NATS_URL: 'http://broker' }, 'NATS_URL: is not a list of nats://host:port or tls://host:port'],
    [{ NATS_FALLBACK_URL: 'http://hub' }, 'NATS_FALLBACK_URL: is not a list of nats://host:port or tls://host:port'],
    [{ NATS_URL: 'nats://u:p@a,nats://b' }, 'NATS_URL: has servers with different user names or passwords'],
    [{ NATS_CREDS: '/gone' }, 'NATS_CREDS: is not a readable file'],
    [{ NATS_CA: '/gone' }, 'NATS_CA: is not a readable file'],
    [{ REGION: 'sa' }, 'REGION: has a region that is not in REGIONS'],
    [{ SHARD: '2/2' }, 'SHARD: has an index that is not below its count (the first of two is 0/2)'],
    [{ SHARD: '0/9' }, 'SHARD: has more shards than there are LANES'],
    [{ SHARD: 'first' }, 'SHARD: is not s/S, for example 0/2'],
    [{ SESSION_TTL_SECONDS: '0' }, 'SESSION_TTL_SECONDS: is not an integer from 1 to 3600'],
    [{ SESSION_TTL_SECONDS: '2.5' }, 'SESSION_TTL_SECONDS: is not an integer from 1 to 3600'],
    [{ MAX_SESSIONS: '-1' }, 'MAX_SESSIONS: is not an integer from 1 to 10000000'],
    [{ PORT: '65536' }, 'PORT: is not an integer from 0 to 65535'],
    [{ METRICS_TOKEN: 'two words' }, 'METRICS_TOKEN: is not 1 to 512 visible ASCII characters'],
    [{ BOARD_PEERS: 'agg-1:9464' }, ADDRESSES],
    [{ BOARD_PEERS: 'http://a,ftp://b' }, ADDRESSES],
    [{ BOARD_PEERS: 'http://user:pass@a' }, ADDRESSES],
    [{ BOARD_PEERS: 'http://a?b' }, ADDRESSES],
    [{ BOARD_PEERS: 'http://a,http://A/' }, 'BOARD_PEERS: lists an address twice'],
    [
      { MEDIA_SERVER_TYPES: 'sfu', ID_HASH_SECRET: SECRET },
      'MEDIA_SERVER_TYPES: is not a list of webtransport, websocket, webrtc',
    ],
    [
      { MEDIA_SERVER_TYPES: 'websocket' },
      'ID_HASH_SECRET: is required, because MEDIA_SERVER_TYPES is set: ids in packets may name people, and are hashed with it',
    ],
    [
      { MEDIA_SERVER_FEED: 'core' },
      'MEDIA_SERVER_FEED: is core, where packets are all that is read: set MEDIA_SERVER_TYPES',
    ],
    [{ MEDIA_SERVER_FEED: 'x' }, 'MEDIA_SERVER_FEED: is not one of stream, core'],
    [{ ID_HASH_SECRET: 'short' }, 'ID_HASH_SECRET: is shorter than 32 bytes'],
    [{ HOST: 'two words' }, 'HOST: is not a host name or address'],
  ])('rejects %j', (env, problem) => {
    expect(problems({ ...DEVELOPMENT, ...env })).toEqual([problem]);
  });

  it('names every problem at once', () => {
    const all = problems({ REGION: 'Moon', SHARD: '3/2', PORT: 'x', LOG_LEVEL: 'loud', LANES: '0' });
    const names = ['REGIONS', 'SERVERS', 'NATS_URL', 'LANES', 'REGION', 'SHARD', 'PORT', 'LOG_LEVEL'];
    expect(all.map((problem) => problem.split(':')[0]).toSorted()).toEqual(names.toSorted());
  });
});

describe('the topology', () => {
  const production = { NATS_URL: 'nats://broker', ENVIRONMENT: 'production' };
  const bare = { NATS_URL: 'nats://broker' };

  it("is that of the environment's table in wrangler.toml", () => {
    const { regions, servers, lanes } = readAll(production);
    expect({ regions, servers, lanes }).toEqual({
      regions: ['oc'],
      servers: ['https://production.example'],
      lanes: 32,
    });
    expect(read()).toMatchObject({ regions: ['apac', 'eu-west'], lanes: 8 });
    expect(readAll(production).topology).not.toBe(read().topology);
  });

  it("has the TTL of the environment's table, which the environment may override", () => {
    expect(readAll(production).ttlSeconds).toBe(45);
    expect(read().ttlSeconds).toBe(30);
    const overridden = readAll({ ...production, SESSION_TTL_SECONDS: '60' });
    expect(overridden.ttlSeconds).toBe(60);
    // The worker still tells reporters 45 s, and that shows.
    expect(overridden.topology).not.toBe(readAll(production).topology);
  });

  it('is given outright, and wrangler.toml is not looked at', () => {
    for (const wrangler of [undefined, WRANGLER, 'vars = ']) {
      const { regions, servers, lanes } = readAll({ ...bare, ...OUTRIGHT }, wrangler);
      expect({ regions, servers, lanes }).toEqual({ regions: ['sa', 'oc'], servers: ['https://a.example'], lanes: 32 });
    }
  });

  it('says in which JetStream domains the messages of each region are', () => {
    const row = { latitude: 0, longitude: 0, nats: ['tls://n'] };
    const table = [
      { ...row, name: 'sa', domain: 'sa', fallback: ['oc', 'me'] },
      { ...row, name: 'oc', domain: 'ocean' },
      { ...row, name: 'me' },
    ];
    const { regionSources } = readAll({ ...bare, ...OUTRIGHT, REGIONS: JSON.stringify(table), REGION: 'sa,oc' });
    const fallbacks = [
      { name: 'oc', domain: 'ocean' },
      { name: 'me', domain: undefined },
    ];
    expect(regionSources).toEqual([
      { name: 'sa', domain: 'sa', fallbacks },
      { name: 'oc', domain: 'ocean', fallbacks: [] },
    ]);
  });

  it("has a fingerprint that REGION, SHARD and a region's other members don't change", () => {
    const table =
      '[{"name":"sa","latitude":-23,"longitude":-46,"colos":["GRU"],"domain":"sa","fallback":["oc"]},{"name":"oc","latitude":0,"longitude":0,"nats":["tls://n"]}]';
    const { topology } = readAll({ ...bare, ...OUTRIGHT });
    expect(readAll({ ...bare, ...OUTRIGHT, REGIONS: table, REGION: 'sa', SHARD: '1/2' }).topology).toBe(topology);
    expect(readAll({ ...bare, ...OUTRIGHT, LANES: '31' }).topology).not.toBe(topology);
  });

  it.each<[string, Record<string, string>, string | undefined, string[]]>([
    [
      'nothing that says which',
      {},
      WRANGLER,
      ['ENVIRONMENT: is required (development or production), unless all of REGIONS, SERVERS and LANES are set'],
    ],
    ['an unknown environment', { ENVIRONMENT: 'staging' }, WRANGLER, ['ENVIRONMENT: is not development or production']],
    [
      'an environment, but no file',
      { ENVIRONMENT: 'production' },
      undefined,
      ['ENVIRONMENT: is set, but there is no wrangler.toml to read; set all of REGIONS, SERVERS and LANES instead'],
    ],
    [
      'an environment without a table',
      { ENVIRONMENT: 'production' },
      '[vars]\nLANES = "1"',
      ['wrangler.toml: has no table [env.production.vars]'],
    ],
    [
      'a table without one of the three',
      { ENVIRONMENT: 'development' },
      WRANGLER.replace('LANES = "8"', ''),
      ['wrangler.toml: [vars] has no LANES'],
    ],
    [
      'a table with a bad value',
      { ENVIRONMENT: 'production' },
      WRANGLER.replace('"32"', '"0"'),
      ['wrangler.toml [env.production.vars] LANES: is not an integer from 1 to 256'],
    ],
    [
      'a damaged file',
      { ENVIRONMENT: 'production' },
      'vars = ',
      [expect.stringMatching(/^wrangler\.toml: .+/) as unknown as string],
    ],
    [
      'one outright over a table',
      { ENVIRONMENT: 'production', LANES: '8' },
      WRANGLER,
      [
        'ENVIRONMENT: is set, and LANES is too; unset ENVIRONMENT and set all of REGIONS, SERVERS and LANES, or unset those to read wrangler.toml',
      ],
    ],
    [
      'all outright and a table',
      { ENVIRONMENT: 'production', ...OUTRIGHT },
      WRANGLER,
      [
        'ENVIRONMENT: is set, and REGIONS and SERVERS and LANES are too; unset ENVIRONMENT and set all of REGIONS, SERVERS and LANES, or unset those to read wrangler.toml',
      ],
    ],
    [
      'one outright alone',
      { LANES: '8' },
      WRANGLER,
      [
        'REGIONS: is required, because LANES is set; set all of REGIONS, SERVERS and LANES, or ENVIRONMENT alone',
        'SERVERS: is required, because LANES is set; set all of REGIONS, SERVERS and LANES, or ENVIRONMENT alone',
      ],
    ],
    [
      'two outright',
      { REGIONS: 'sa', SERVERS: 'https://a.example' },
      WRANGLER,
      [
        'LANES: is required, because REGIONS and SERVERS are set; set all of REGIONS, SERVERS and LANES, or ENVIRONMENT alone',
      ],
    ],
    [
      'a bad region name',
      { ...OUTRIGHT, REGIONS: 'Nowhere' },
      undefined,
      ['REGIONS: has an invalid region name (allowed: lower-case letters, digits, inner hyphens)'],
    ],
    ['a region twice', { ...OUTRIGHT, REGIONS: 'sa,sa' }, undefined, ['REGIONS: lists a region twice']],
    [
      'a region without a place',
      { ...OUTRIGHT, REGIONS: '[{"name":"sa","longitude":0}]' },
      undefined,
      ['REGIONS.0.latitude: is required'],
    ],
    ['an invalid server', { ...OUTRIGHT, SERVERS: 'media' }, undefined, ['SERVERS: is not a server URL: "media"']],
    ['too many lanes', { ...OUTRIGHT, LANES: '257' }, undefined, ['LANES: is not an integer from 1 to 256']],
  ])('is refused with %s', (_, env, wrangler, expected) => {
    // Not by its default: undefined here means that there is no file.
    const result = readConfig({ ...bare, ...env }, wrangler, machine);
    expect(result.ok ? [] : result.problems).toEqual(expected);
  });

  it.each([
    [{ SERVERS: 'https://a.example,https://b.example' }, { servers: ['https://a.example', 'https://b.example'] }],
    [{ SERVERS: '["https://a.example"]' }, { servers: ['https://a.example'] }],
    [{ REGIONS: '[{"name":"sa","latitude":-23,"longitude":-46}]' }, { regions: ['sa'] }],
  ])('is read as a list or as JSON: %j', (env, expected) => {
    expect(readAll({ ...bare, ...OUTRIGHT, ...env })).toMatchObject(expected);
  });
});
