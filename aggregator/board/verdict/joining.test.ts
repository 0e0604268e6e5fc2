/** What the board says of joins that fail, in calls that fare well and in such that don't. */
import { describe, expect, it } from 'vitest';
import type { JoinResult } from '../../store/arrival/recent-joins.ts';
import { createStore, NOW, type TestSessions } from '../testing.ts';
import { areJoinsFailing } from './joining.js';
import { reachVerdict } from './verdict.js';

type Counts = { readonly [Result in JoinResult]?: number };

const NONE = { ok: 0, signaling: 0, ice: 0, dtls: 0, media: 0 };
const fine: TestSessions = { count: 20, rtt: 0.08, expand: 0.5 };

/** @param joins by region; the others have none */
function overviewOf(
  calls: { readonly [region: string]: readonly TestSessions[] },
  joins: { [region: string]: Counts },
) {
  const store = createStore(Object.keys(calls));
  for (const [region, groups] of Object.entries(calls)) store.add(region, ...groups);
  const overview = store.overview();
  const regions = overview.regions.map((region) =>
    region.live ? { ...region, live: { ...region.live, joins: { ...NONE, ...joins[region.region] } } } : region,
  );
  return { ...overview, regions };
}

describe('joins that fail', () => {
  it.each([
    [{ ok: 15, ice: 4 }, false],
    [{ ok: 15, ice: 5 }, true],
    [{ ok: 95, ice: 3, media: 2 }, true],
    [{ ok: 96, ice: 5 }, false],
    [{ signaling: 5 }, true],
    [{}, false],
  ])('are an incident from five people and a twentieth on: %j is %s', (counts, expected) => {
    const { regions, objectives, incident } = overviewOf({ apac: [] }, { apac: counts });
    expect(areJoinsFailing(regions[0]?.live, { objectives, incident })).toBe(expected);
  });

  it('are bad while those in calls fare well, and the stage says what to look at', () => {
    expect(reachVerdict(overviewOf({ apac: [fine], oc: [] }, { apac: { ok: 8, ice: 11, media: 1 } }))).toEqual({
      level: 'bad',
      headline: 'apac: joins fail',
      sentence:
        'apac: 12 of 20 joins failed within a minute, most at ice – TURN, STUN or a firewall; of those in calls, all is well.',
    });
  });

  it('are seen also where nobody gets into a call at all', () => {
    const { level, sentence } = reachVerdict(overviewOf({ apac: [] }, { apac: { signaling: 9 } }));
    expect([level, sentence]).toEqual([
      'bad',
      'apac: 9 of 9 joins failed within a minute, all at signaling – the signaling service or tokens.',
    ]);
  });

  it('come after an incident of those in calls, and before a warning', () => {
    const joins = { oc: { dtls: 6 } };
    const bad = reachVerdict(overviewOf({ apac: [{ ...fine, rtt: 0.4 }], oc: [] }, joins));
    expect(bad.headline).toBe('apac: network');
    expect(bad.sentence).toMatch(/; oc: 6 of 6 joins failed within a minute, all at dtls – certificates or clocks\.$/);
    const warned = reachVerdict(overviewOf({ apac: [{ ...fine, rtt: 0.2 }], oc: [] }, joins));
    expect(warned.headline).toBe('oc: joins fail');
    expect(warned.sentence).toMatch(/; in calls: a warning in apac\.$/);
  });

  it('say what is not known besides', () => {
    const overview = overviewOf({ apac: [fine], oc: [] }, { apac: { ice: 5 } });
    const [apac, oc] = overview.regions;
    if (!apac || !oc) throw new Error('no regions');
    const feed = { up: false, since_ms: NOW, or_earlier: false } as const;
    const { sentence } = reachVerdict({ ...overview, regions: [apac, { region: 'oc', feed, health: oc.health }] });
    expect(sentence).toMatch(/; of those in calls, all is well; nothing is known of oc \(no feed since /);
  });
});
