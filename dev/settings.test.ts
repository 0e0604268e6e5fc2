import { expect, it } from 'vitest';
import { readSettings } from './settings.ts';
import { DEVELOPMENT_SECRET } from './token.ts';

it('needs nothing', () => {
  expect(readSettings({ NATS_URL: '' })).toMatchObject({
    workerPort: 8787,
    aggregatorPort: 9464,
    natsUrl: undefined,
    secret: DEVELOPMENT_SECRET,
    workerVars: {},
  });
});

it('passes the settings of the worker on, and only those', () => {
  const env = { LANES: '4', SERVERS: 'https://a.example', REGION: 'apac', BEACON_SECRET: 's' };
  expect(readSettings(env)).toMatchObject({ secret: 's' });
  expect(readSettings(env).workerVars).toEqual({ LANES: '4', SERVERS: 'https://a.example' });
});

it.each([
  [{ WORKER_PORT: 'http' }, 'WORKER_PORT'],
  [{ WORKER_PORT: '70000', AGGREGATOR_PORT: '0' }, /WORKER_PORT.*\nAGGREGATOR_PORT/],
  [{ WORKER_PORT: '9464' }, 'both 9464'],
])('refuses %o', (env, message) => {
  expect(() => readSettings(env)).toThrow(message);
});
