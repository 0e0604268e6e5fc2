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
    ['a domain with a dot', [{ ...region, domain: 'eu.west' }]],
    ['text that is not JSON', 'eu-west'],
    ['JSON of another shape', '{"name":"eu-west"}'],
  ])('rejects %s', (_, value) => {
    expect(v.safeParse(RegionsSchema, value).success).toBe(false);
  });

  const away = { ...region, name: 'apac', domain: 'apac', nats: ['nats://apac:4222'] };
  it.each([
    ['that is not a region', ['apca'], 'has a fallback of eu-west that is not a region: apca'],
    ['that is the region itself', ['apac', 'eu-west'], 'has eu-west as its own fallback'],
    ['twice', ['apac', 'apac'], 'lists a fallback of eu-west twice'],
    ['without NATS servers of its own', ['sa'], 'has a fallback of eu-west without nats servers: sa'],
    ['in the same domain', ['eu-north'], 'has a fallback of eu-west in its own domain: eu-north'],
  ])('rejects a fallback %s', (_, fallback, message) => {
    const table = [
      { ...region, domain: 'eu', fallback },
      away,
      { ...region, name: 'sa' },
      { ...away, name: 'eu-north', domain: 'eu' },
    ];
    expect(v.safeParse(RegionsSchema, table).issues?.map((issue) => issue.message)).toEqual([message]);
  });

  it('accepts regions in domains with fallbacks in their order, and without either', () => {
    const [first, second] = v.parse(RegionsSchema, [{ ...region, domain: 'eu', fallback: ['apac'] }, away]);
    expect([first?.domain, first?.fallback]).toEqual(['eu', ['apac']]);
    expect([second?.domain, second?.fallback]).toEqual(['apac', []]);
    expect(v.parse(RegionsSchema, [region])[0]).toMatchObject({ fallback: [] });
  });

  it('reads the JSON of a table, as an environment variable holds it', () => {
    expect(v.parse(RegionsSchema, JSON.stringify([region]))).toEqual(v.parse(RegionsSchema, [region]));
  });
});
