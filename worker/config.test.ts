import { describe, expect, it } from 'vitest';
import { topologyFingerprint } from '../shared/topology.ts';
import { parseConfig, readConfig } from './config.ts';

const limit = { limit: async () => ({ success: true }) };
const region = { name: 'apac', latitude: 1.35, longitude: 103.8 };
const development = {
  ENVIRONMENT: 'development',
  LANES: '16',
  SERVERS: ['https://media-1.example.com/x'],
  REGIONS: [region],
  BEACON_SECRET: 'short',
};
const production = {
  ...development,
  ENVIRONMENT: 'production',
  ALLOWED_ORIGINS: 'https://app.example.com',
  REGIONS: [{ ...region, nats: ['tls://nats.apac.example.com:4222'] }],
  BEACON_SECRET: 'a-secret-of-the-tests-0123456789abcdef',
  SESSION_LIMIT: limit,
  ADDRESS_LIMIT: limit,
};

describe('parseConfig', () => {
  it('reads development, with a nats-server on this machine by default', () => {
    expect(parseConfig(development)).toMatchObject({
      lanes: 16,
      servers: ['https://media-1.example.com'],
      natsServers: ['nats://127.0.0.1:4222'],
      devRegionHeader: false,
    });
    const env = { ...development, NATS_URL: 'nats://a:1, nats://b:2', DEV_REGION_HEADER: 'on' };
    expect(parseConfig(env)).toMatchObject({ natsServers: ['nats://a:1', 'nats://b:2'], devRegionHeader: true });
  });

  it('limits tokens to a day, and reads what is revoked', () => {
    expect(parseConfig(development)).toMatchObject({ tokenMaxSeconds: 86_400, revoked: new Set() });
    const env = { ...development, TOKEN_MAX_SECONDS: '600', REVOKED: 'm-1/s-1, key-7,' };
    expect(parseConfig(env)).toMatchObject({ tokenMaxSeconds: 600, revoked: new Set(['m-1/s-1', 'key-7']) });
  });

  it('reads production, and is frozen', () => {
    const config = parseConfig(production);
    expect(config).toMatchObject({ natsServers: [], devRegionHeader: false });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it.each<[string, object, RegExp]>([
    ['an environment that does not exist', { ENVIRONMENT: 'staging' }, /ENVIRONMENT: is not development or production/],
    ['no lanes', { LANES: undefined }, /LANES: is not an integer/],
    ['lanes that are no number', { LANES: '16x' }, /LANES: is not an integer from 1 to 256/],
    ['zero lanes', { LANES: '0' }, /LANES: is not an integer from 1 to 256/],
    ['too many lanes', { LANES: '257' }, /LANES: is not an integer from 1 to 256/],
    ['no regions', { REGIONS: [] }, /REGIONS: has no region/],
    ['a region with a bad name', { REGIONS: [{ ...region, name: 'a.b' }] }, /REGIONS.0.name: is not a region name/],
    [
      'a fallback that is not a region',
      { REGIONS: [{ ...region, fallback: ['apca'] }] },
      /REGIONS: has a fallback of apac that is not a region: apca/,
    ],
    ['an invalid server', { SERVERS: 'media-1' }, /SERVERS: is not a server URL/],
    ['neither secret nor JWKS', { BEACON_SECRET: undefined }, /BEACON_SECRET: is required, unless/],
    ['an empty secret', { BEACON_SECRET: '' }, /BEACON_SECRET: is empty/],
    ['an invalid JWKS URL', { BEACON_JWKS_URL: 'jwks.json' }, /BEACON_JWKS_URL: is not a URL with https/],
    ['an invalid NATS URL', { NATS_URL: 'nats://a:1,http://b' }, /NATS_URL: is not a URL with nats/],
    ['an origin with a path', { ALLOWED_ORIGINS: 'https://a.example/x' }, /ALLOWED_ORIGINS: is not an exact origin/],
    ['a wildcard for an origin', { ALLOWED_ORIGINS: '*' }, /ALLOWED_ORIGINS/],
    ['any port of another host', { ALLOWED_ORIGINS: 'https://a.example:*' }, /ALLOWED_ORIGINS/],
    ['the origin null', { ALLOWED_ORIGINS: 'null' }, /ALLOWED_ORIGINS/],
    [
      'a token lifetime that is no number',
      { TOKEN_MAX_SECONDS: '1d' },
      /TOKEN_MAX_SECONDS: is not a number of seconds/,
    ],
    ['a token lifetime of years', { TOKEN_MAX_SECONDS: '99999999' }, /TOKEN_MAX_SECONDS: is more than 31 days/],
    ['a list of revoked tokens without end', { REVOKED: Array(201).fill('m/s').join() }, /REVOKED: has 201 entries/],
    ['a revoked token itself', { REVOKED: 'x'.repeat(300) }, /REVOKED: has an entry of more than 200 characters/],
    ['a switch that is neither on nor off', { DEV_REGION_HEADER: 'yes' }, /DEV_REGION_HEADER: is not on or off/],
  ])('refuses %s', (_, overrides, problem) => {
    expect(() => parseConfig({ ...development, ...overrides })).toThrow(problem);
  });

  it.each<[string, object, RegExp]>([
    ['the region header', { DEV_REGION_HEADER: 'on' }, /DEV_REGION_HEADER: is on, which only development allows/],
    ['a short secret', { BEACON_SECRET: 'short' }, /BEACON_SECRET: is shorter than 32 bytes/],
    ['a short canary secret', { CANARY_SECRET: 'short' }, /CANARY_SECRET: is shorter than 32 bytes/],
    ['no session limit', { SESSION_LIMIT: undefined }, /SESSION_LIMIT: the rate-limit binding is missing/],
    ['no address limit', { ADDRESS_LIMIT: undefined }, /ADDRESS_LIMIT: the rate-limit binding is missing/],
    ['a region without NATS', { REGIONS: [region] }, /REGIONS: apac has no nats servers/],
    ['any port of this machine', { ALLOWED_ORIGINS: 'http://localhost:*' }, /ALLOWED_ORIGINS: is not an exact origin/],
    ['keys fetched in the clear', { BEACON_JWKS_URL: 'http://a.example/jwks.json' }, /BEACON_JWKS_URL/],
  ])('refuses to start production with %s', (_, overrides, problem) => {
    expect(() => parseConfig({ ...production, ...overrides })).toThrow(problem);
  });

  it('applies the rules of production when ENVIRONMENT is not set', () => {
    expect(() => parseConfig({ ...development, ENVIRONMENT: undefined, DEV_REGION_HEADER: 'on' })).toThrow(
      /ENVIRONMENT.*DEV_REGION_HEADER.*SESSION_LIMIT/,
    );
  });

  it('has the fingerprint of its topology', () => {
    const { topology } = parseConfig(development);
    const servers = ['https://media-1.example.com'];
    expect(topology).toBe(topologyFingerprint({ regions: ['apac'], servers, lanes: 16, ttlSeconds: 30 }));
  });

  it('says each problem on a line of its own', () => {
    const result = readConfig({ ...development, LANES: 'x', DEV_REGION_HEADER: 'yes' });
    expect(result).toEqual({
      ok: false,
      problems: ['LANES: is not an integer from 1 to 256', 'DEV_REGION_HEADER: is not on or off'],
    });
  });

  it('names every problem at once, and no secret', () => {
    const env = { ...production, LANES: 'x', BEACON_SECRET: 'hush', NATS_CREDS: 7, DEV_REGION_HEADER: 'on' };
    expect(() => parseConfig(env)).toThrow(/LANES.*NATS_CREDS.*DEV_REGION_HEADER.*BEACON_SECRET/);
    expect(() => parseConfig(env)).not.toThrow(/hush/);
  });
});
