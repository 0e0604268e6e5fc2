import { readFileSync } from 'node:fs';
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
`;
const machine = { canRead: (path: string) => path === '/creds' };

function read(env: Record<string, string> = {}, wrangler: string | undefined = WRANGLER): Config {
  const result = readConfig({ NATS_URL: 'nats://broker:4222', ...env }, wrangler, machine);
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config;
}

function problems(env: Record<string, string>, wrangler: string | undefined = WRANGLER): readonly string[] {
  const result = readConfig(env, wrangler, machine);
  return result.ok ? [] : result.problems;
}

describe('readConfig', () => {
  it('has a default for all but NATS_URL', () => {
    expect(read()).toEqual({
      natsServers: ['broker:4222'],
      natsLogin: undefined,
      natsTls: false,
      natsCreds: undefined,
      regions: ['apac', 'eu-west'],
      servers: ['https://media.example', 'wss://media.example'],
      shard: { index: 0, count: 1 },
      lanes: 8,
      ttlSeconds: 30,
      maxSessions: 200_000,
      maxSessionSeries: 50_000,
      host: '0.0.0.0',
      port: 9464,
      metricsToken: undefined,
      logLevel: 'info',
    });
    expect(Object.isFrozen(read())).toBe(true);
  });

  it('reads the wrangler.toml of this repository', () => {
    const wrangler = readFileSync(new URL('../wrangler.toml', import.meta.url), 'utf8');
    expect(read({}, wrangler).regions).toContain('apac');
  });

  it.each<[Record<string, string>, Partial<Config>]>([
    [{ REGION: 'eu-west' }, { regions: ['eu-west'] }],
    [{ REGION: ' apac , apac,eu-west' }, { regions: ['apac', 'eu-west'] }],
    [{ REGIONS: 'sa,oc' }, { regions: ['sa', 'oc'] }],
    [{ REGIONS: '[{"name":"sa","latitude":-23,"longitude":-46}]' }, { regions: ['sa'] }],
    [{ SERVERS: 'https://a.example,https://b.example' }, { servers: ['https://a.example', 'https://b.example'] }],
    [{ SERVERS: '["https://a.example"]' }, { servers: ['https://a.example'] }],
    [{ SHARD: '1/3' }, { shard: { index: 1, count: 3 } }],
    [{ LANES: '32' }, { lanes: 32 }],
    [{ SESSION_TTL_SECONDS: '1' }, { ttlSeconds: 1 }],
    [
      { PORT: '0', HOST: '::1' },
      { port: 0, host: '::1' },
    ],
    [{ METRICS_TOKEN: 's3cret' }, { metricsToken: 's3cret' }],
    [{ METRICS_TOKEN: '' }, { metricsToken: undefined }],
    [{ NATS_CREDS: '/creds' }, { natsCreds: '/creds' }],
    [{ NATS_URL: 'a:4222, tls://b' }, { natsServers: ['a:4222', 'b'], natsTls: true }],
    [{ NATS_URL: 'nats://u:p%40ss@a' }, { natsServers: ['a'], natsLogin: { user: 'u', pass: 'p@ss' } }],
  ])('%j', (env, expected) => {
    expect(read(env)).toMatchObject(expected);
  });

  it.each<[Record<string, string>, string]>([
    [{ NATS_URL: '' }, 'NATS_URL: is required'],
    [{ NATS_URL: 'http://broker' }, 'NATS_URL: is not a list of nats://host:port or tls://host:port'],
    [{ NATS_URL: 'nats://u:p@a,nats://b' }, 'NATS_URL: has addresses with different logins'],
    [{ NATS_CREDS: '/gone' }, 'NATS_CREDS: is not a file that can be read'],
    [{ REGION: 'sa' }, 'REGION: names a region that is not configured'],
    [{ REGIONS: 'Nowhere' }, 'REGIONS: has a name that is no region name (lower-case letters, digits, inner hyphens)'],
    [{ REGIONS: 'sa,sa' }, 'REGIONS: lists a region twice'],
    [{ REGIONS: '[{"name":"sa","longitude":0}]' }, 'REGIONS.0.latitude: is required'],
    [{ SERVERS: 'media' }, 'SERVERS: not a server URL: "media"'],
    [{ SHARD: '2/2' }, 'SHARD: has an index that is not below its count'],
    [{ SHARD: '0/9' }, 'SHARD: has more shards than LANES'],
    [{ SHARD: 'first' }, 'SHARD: is not s/S, for example 0/2'],
    [{ LANES: '257' }, 'LANES: is not an integer from 1 to 256'],
    [{ SESSION_TTL_SECONDS: '0' }, 'SESSION_TTL_SECONDS: is not an integer from 1 to 3600'],
    [{ SESSION_TTL_SECONDS: '2.5' }, 'SESSION_TTL_SECONDS: is not an integer from 1 to 3600'],
    [{ MAX_SESSIONS: '-1' }, 'MAX_SESSIONS: is not an integer from 1 to 10000000'],
    [{ PORT: '65536' }, 'PORT: is not an integer from 0 to 65535'],
    [{ METRICS_TOKEN: 'two words' }, 'METRICS_TOKEN: is not 1 to 512 visible ASCII characters'],
  ])('refuses %j', (env, problem) => {
    expect(problems({ NATS_URL: 'nats://broker', ...env })).toEqual([problem]);
  });

  it('names every problem at once', () => {
    const all = problems({ REGION: 'sa', SHARD: '3/2', PORT: 'x', LOG_LEVEL: 'loud' });
    expect(all.map((problem) => problem.split(':')[0])).toEqual(['NATS_URL', 'SHARD', 'PORT', 'LOG_LEVEL', 'REGION']);
  });

  it('does without wrangler.toml when both lists are set, and says so when it is damaged', () => {
    const bare = readConfig({ NATS_URL: 'n', REGIONS: 'sa', SERVERS: 'https://a.example' }, undefined, machine);
    expect(bare).toMatchObject({ ok: true, config: { regions: ['sa'], lanes: 16 } });
    expect(readConfig({ NATS_URL: 'n' }, undefined, machine)).toEqual({
      ok: false,
      problems: ['REGIONS: is required', 'SERVERS: is required'],
    });
    expect(problems({ NATS_URL: 'n' }, 'vars = ')).toEqual([expect.stringContaining('wrangler.toml: ')]);
  });
});
