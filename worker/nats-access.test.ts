import { describe, expect, it } from 'vitest';
import { credsIn, credsVariable, natsAccess, userinfoProblem } from './nats-access.ts';

const creds = credsIn({ NATS_CREDS: 'shared', NATS_CREDS_EU_WEST: 'own', NATS_CREDSX: 'no', OTHER: 'no' });

describe('credentials', () => {
  it.each([
    ["are the region's own file first", 'eu-west', ['nats://u:p@a:4222'], { kind: 'creds', text: 'own\n' }],
    ['then what the URLs say', 'sa', ['nats://u:p%40%3A@a:4222'], { kind: 'user', user: 'u', password: 'p@:' }],
    ['a user alone is a token', 'sa', ['tls://t0ken@a:4222'], { kind: 'token', token: 't0ken' }],
    ['then the common file', 'sa', ['nats://a:4222'], { kind: 'creds', text: 'shared\n' }],
  ])('%s', (_, region, urls, credentials) => {
    const access = natsAccess(region, urls, creds);
    expect(access.credentials).toEqual(credentials);
    expect(access.servers.join()).toMatch(/^(nats|tls):\/\/a:4222$/);
  });

  it('are none where nothing says any', () => {
    expect(natsAccess('sa', ['nats://a:4222'], {}).credentials).toBe(undefined);
  });

  it('have a variable for each region', () => {
    expect(credsVariable('eu-west')).toBe('NATS_CREDS_EU_WEST');
  });
});

describe('users in a list of URLs', () => {
  it.each([
    ['all the same', ['nats://u:p@a:1', 'nats://u:p@b:1'], true],
    ['none', ['nats://a:1', 'nats://b:1'], true],
    ['some with and some without', ['nats://u:p@a:1', 'nats://b:1'], false],
    ['different ones', ['nats://u:p@a:1', 'nats://u:q@b:1'], false],
  ])('%s', (_, urls, fine) => {
    const problem = userinfoProblem(urls);
    expect(problem === undefined).toBe(fine);
    expect(problem ?? '').not.toMatch(/u:p|u:q/);
  });
});
