import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSettings, type Settings } from './settings.ts';
import { DEVELOPMENT_SECRET } from './token.ts';

type Environment = { readonly [name: string]: string | undefined };

const wranglerToml = readFileSync(new URL('../wrangler.toml', import.meta.url), 'utf8');

function readFile(path: string): string {
  if (path !== '/creds') throw new Error(`no file ${path}`);
  return 'the text of the credentials';
}

function read(env: Environment): Settings {
  const result = readSettings({ env, wranglerToml, readFile });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.settings;
}

function problems(env: Environment): readonly string[] {
  const result = readSettings({ env, wranglerToml, readFile });
  return result.ok ? [] : result.problems;
}

it('needs nothing, and listens on loopback', () => {
  const settings = read({ NATS_URL: '' });
  expect(settings).toMatchObject({
    workerPort: 8787,
    aggregatorPort: 9464,
    ownPort: undefined,
    host: '127.0.0.1',
    natsUrl: undefined,
    secret: DEVELOPMENT_SECRET,
    ttlSeconds: 30,
    workerVars: { BEACON_SECRET: DEVELOPMENT_SECRET, ENVIRONMENT: 'development', DEV_REGION_HEADER: 'on' },
  });
  expect(settings.aggregatorEnv).toMatchObject({ HOST: '127.0.0.1', PORT: '9464' });
  expect(settings.regions).toContain('apac');
});

it('gives both apps the same topology, whole', () => {
  const { aggregatorEnv, workerVars } = read({ LANES: '4', ENVIRONMENT: 'development' });
  expect(workerVars.LANES).toBe('4');
  expect(aggregatorEnv.LANES).toBe('4');
  expect(JSON.parse(aggregatorEnv.REGIONS ?? '')).toContainEqual(expect.objectContaining({ name: 'apac' }));
  expect(JSON.parse(aggregatorEnv.SERVERS ?? '')).toContain('https://media-apac-1.example.com');
  // From one source only: either would be refused beside the three.
  expect(aggregatorEnv.ENVIRONMENT).toBeUndefined();
});

it('passes the settings of each app on to it, and secrets to the worker alone', () => {
  const { aggregatorEnv, workerVars, secret } = read({
    SERVERS: 'https://a.example',
    REGION: 'apac',
    BEACON_SECRET: 's',
    NATS_CREDS: '/creds',
    HOST: '0.0.0.0',
    PORT: '1',
    AGGREGATOR_PORT: '9000',
  });
  expect(secret).toBe('s');
  expect(workerVars).toEqual({
    SERVERS: 'https://a.example',
    BEACON_SECRET: 's',
    ENVIRONMENT: 'development',
    DEV_REGION_HEADER: 'on',
    NATS_CREDS: 'the text of the credentials',
  });
  expect(aggregatorEnv).toMatchObject({ REGION: 'apac', NATS_CREDS: '/creds', HOST: '0.0.0.0', PORT: '9000' });
  expect(aggregatorEnv).not.toHaveProperty('BEACON_SECRET');
});

it.each<[Environment, string[]]>([
  [
    { WORKER_PORT: '70000', AGGREGATOR_PORT: '0' },
    ['WORKER_PORT: is not a port number from 1 to 65535', 'AGGREGATOR_PORT: is not a port number from 1 to 65535'],
  ],
  [{ WORKER_PORT: '9464' }, ['AGGREGATOR_PORT: is the same as WORKER_PORT']],
  [{ ENVIRONMENT: 'production' }, ['ENVIRONMENT: npm start runs development only; unset it']],
  [{ NATS_CREDS: '/gone' }, ['NATS_CREDS: is not a readable file']],
  // Both apps have the setting.
  [{ LANES: '0' }, ['LANES: is not an integer from 1 to 256']],
  [{ NATS_URL: 'http://broker' }, ['NATS_URL: is not a list of nats://host:port or tls://host:port']],
  // The aggregator would make do with names.
  [{ REGIONS: 'sa,oc' }, ['REGIONS: is not JSON']],
  [{ ALLOWED_ORIGINS: '*' }, ['ALLOWED_ORIGINS: is not an exact origin: "*"']],
])('rejects %j', (env, expected) => {
  expect(problems(env)).toEqual(expected);
});

it("names every problem at once: its own, the aggregator's and the worker's", () => {
  const all = problems({ WORKER_PORT: 'abc', LANES: '0', SESSION_TTL_SECONDS: 'soon', ALLOWED_ORIGINS: 'x' });
  const settings = all.map((problem) => problem.split(':')[0]);
  expect(settings).toEqual(['WORKER_PORT', 'LANES', 'SESSION_TTL_SECONDS', 'ALLOWED_ORIGINS']);
});

describe('the port of a server that the command itself runs', () => {
  const ownPort = { name: 'CALL_PORT', of: 'the page', byDefault: 8788 };

  it.each([
    [{}, 8788],
    [{ CALL_PORT: '' }, 8788],
    [{ CALL_PORT: '9000' }, 9000],
  ])('with %j is %i', (env, expected) => {
    const result = readSettings({ env, wranglerToml, readFile, ownPort });
    expect(result).toMatchObject({ ok: true, settings: { ownPort: expected } });
    const { byDefault, ...withoutDefault } = ownPort;
    const free = readSettings({ env, wranglerToml, readFile, ownPort: withoutDefault });
    expect(free).toMatchObject({ ok: true, settings: { ownPort: expected === byDefault ? undefined : expected } });
  });

  it.each([
    [{ CALL_PORT: 'abc' }, 'CALL_PORT: is not a port number from 1 to 65535'],
    [{ CALL_PORT: '9464' }, 'CALL_PORT: is the same as AGGREGATOR_PORT'],
    [{ WORKER_PORT: '8788' }, 'CALL_PORT: is the same as WORKER_PORT'],
  ])('can not be so with %j', (env, problem) => {
    expect(readSettings({ env, wranglerToml, readFile, ownPort })).toEqual({ ok: false, problems: [problem] });
  });
});
