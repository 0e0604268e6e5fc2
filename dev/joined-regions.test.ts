import * as v from 'valibot';
import { expect, it } from 'vitest';
import { RegionsSchema } from '../shared/regions.ts';
import { joinRegions, readRegionsOption } from './joined-regions.ts';

const known = ['us-east', 'eu-west', 'apac'];

it.each([
  ['an unknown one', 'eu-west,eu-wset', '--regions: eu-wset is not one of us-east, eu-west, apac'],
  ['one', 'apac', '--regions: name at least two of us-east, eu-west, apac, separated by commas'],
  ['none', ' , ', '--regions: name at least two of us-east, eu-west, apac, separated by commas'],
  ['one twice', 'apac,eu-west,apac', '--regions: names apac twice'],
])('refuses %s', (_, text, problem) => {
  expect(readRegionsOption({ text, known })).toEqual({ ok: false, problem });
});

it('takes names in the order in which they were given', () => {
  expect(readRegionsOption({ text: 'eu-west, us-east', known })).toEqual({ ok: true, names: ['eu-west', 'us-east'] });
});

it('gives each region its own domain and servers, and the others as fallbacks, each first to another one', () => {
  const table = v.parse(
    RegionsSchema,
    known.map((name) => ({ name, latitude: 0, longitude: 0 })),
  );
  const joined = v.parse(
    RegionsSchema,
    JSON.stringify(joinRegions(table, (region) => `nats://edge-${region}:x@host:1`)),
  );
  expect(joined.map(({ domain, nats, fallback }) => [domain, nats, fallback])).toEqual([
    ['us-east', ['nats://edge-us-east:x@host:1'], ['eu-west', 'apac']],
    ['eu-west', ['nats://edge-eu-west:x@host:1'], ['apac', 'us-east']],
    ['apac', ['nats://edge-apac:x@host:1'], ['us-east', 'eu-west']],
  ]);
});
