import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { chooseRegion, type Region, RegionsSchema } from './regions.ts';

const regions: Region[] = v.parse(RegionsSchema, [
  { name: 'eu-west', latitude: 50.1, longitude: 8.7, hint: 'weur', colos: ['FRA', 'AMS'] },
  { name: 'us-west', latitude: 37.4, longitude: -122.1, hint: 'wnam', colos: ['SJC'] },
  { name: 'oc', latitude: -33.9, longitude: 151.2, hint: 'oc' },
]);

describe('chooseRegion', () => {
  it.each([
    ['the colo decides', { colo: 'AMS', latitude: '-33', longitude: '151' }, 'eu-west'],
    ['an unknown colo: the nearest centre', { colo: 'XXX', latitude: '-37.8', longitude: '144.9' }, 'oc'],
    ['coordinates that are numbers', { latitude: 47.6, longitude: -122.3 }, 'us-west'],
    ['across the date line, the short way', { latitude: '-20', longitude: '-179' }, 'oc'],
    ['nothing known: the first', {}, 'eu-west'],
    ['empty coordinates', { latitude: '', longitude: '' }, 'eu-west'],
    ['coordinates that are no numbers', { latitude: 'north', longitude: '8' }, 'eu-west'],
    ['coordinates off the globe', { latitude: '91', longitude: '151' }, 'eu-west'],
    ['a colo of another type', { colo: ['AMS'], latitude: null, longitude: {} }, 'eu-west'],
  ])('%s', (_, place, name) => {
    expect(chooseRegion(regions, place).name).toBe(name);
  });

  it('has no answer without regions', () => {
    expect(() => chooseRegion([], {})).toThrow(RangeError);
  });
});

describe('RegionsSchema', () => {
  const region = { name: 'eu-west', latitude: 0, longitude: 0 };
  it.each([
    ['none', []],
    ['one twice', [region, region]],
    ['a name with a dot', [{ ...region, name: 'eu.west' }]],
    ['a name with a wildcard', [{ ...region, name: '*' }]],
    ['a latitude off the globe', [{ ...region, latitude: 90.1 }]],
    ['a hint that does not exist', [{ ...region, hint: 'moon' }]],
    ['a colo in lower case', [{ ...region, colos: ['fra'] }]],
    ['an invalid NATS server URL', [{ ...region, nats: ['http://x'] }]],
    ['a misspelt member', [{ ...region, colo: ['FRA'] }]],
    ['text that is not JSON', 'eu-west'],
    ['JSON of another shape', '{"name":"eu-west"}'],
  ])('rejects %s', (_, value) => {
    expect(v.safeParse(RegionsSchema, value).success).toBe(false);
  });

  it('reads the JSON of a table, as an environment variable holds it', () => {
    expect(v.parse(RegionsSchema, JSON.stringify([region]))).toEqual(v.parse(RegionsSchema, [region]));
  });
});
