import { describe, expect, it } from 'vitest';
import { reject } from '../../shared/reject.ts';
import { BEACONS_URL, regions } from '../testing.ts';
import { createPlaceOf } from './place.ts';

function place(cf: CfProperties | undefined, headers: Record<string, string> = {}, devRegionHeader = false): string[] {
  const request = new Request(BEACONS_URL, { headers, ...(cf ? { cf } : {}) });
  const { region, colo } = createPlaceOf(regions, devRegionHeader)(request);
  return [region.name, colo];
}

describe('createPlaceOf', () => {
  it.each<[string, CfProperties | undefined, string[]]>([
    ['a listed colo', { colo: 'SIN', latitude: '50', longitude: '8' }, ['apac', 'SIN']],
    ['another colo, by coordinates', { colo: 'NRT', latitude: '35.7', longitude: '139.7' }, ['apac', 'NRT']],
    ['another colo without coordinates', { colo: 'NRT' }, ['eu-west', 'NRT']],
    ['an invalid colo', { colo: 'x"\n' }, ['eu-west', '']],
    ['nothing', undefined, ['eu-west', '']],
  ])('%s', (_, cf, expected) => {
    expect(place(cf)).toStrictEqual(expected);
  });

  it('lets the header choose in development, among the configured regions', () => {
    expect(place({ colo: 'SIN' }, { 'x-dev-region': 'eu-west' }, true)).toStrictEqual(['eu-west', '']);
    expect(place({ colo: 'SIN' }, {}, true)).toStrictEqual(['apac', 'SIN']);
  });

  it.each(['moon', 'APAC', '', 'apac,eu-west'])('rejects an unknown region in development: %j', (name) => {
    const request = new Request(BEACONS_URL, { headers: { 'x-dev-region': name }, cf: { colo: 'SIN' } });
    const { region, rejected } = createPlaceOf(regions, true)(request);
    // Counted where it came in.
    expect(region.name).toBe('apac');
    expect(rejected).toEqual(reject('unknown_region', 'x-dev-region is not one of eu-west, apac'));
  });

  it('ignores the header otherwise', () => {
    expect(place({ colo: 'SIN' }, { 'x-dev-region': 'eu-west' })).toStrictEqual(['apac', 'SIN']);
    const request = new Request(BEACONS_URL, { headers: { 'x-dev-region': 'moon' }, cf: { colo: 'SIN' } });
    expect(createPlaceOf(regions, false)(request).rejected).toBeUndefined();
  });
});
