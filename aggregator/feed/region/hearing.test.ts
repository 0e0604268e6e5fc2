import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FeedState } from '../source/source-status.ts';
import { type HeardSource, type Hearing, judgeHearing } from './hearing.ts';

const TTL_MS = 30_000;
const NOW = 1_800_000_000_000;
const NEVER = Number.NEGATIVE_INFINITY;
const UP: Hearing = { state: 'up', through: 0 };

type Ago = number | undefined;

type Heard = { readonly heard?: Ago[]; readonly beacon?: Ago; readonly media?: Ago; readonly lost?: Ago };

/** Seconds ago: when it was lost, and when each Forwarder was heard there; the newest beacon is as new as the newest of them. */
function source(state: FeedState, { heard = [], beacon, media, lost }: Heard = {}) {
  const at = (ago: Ago) => (ago === undefined ? NEVER : NOW - 1_000 * ago);
  const forwarders = new Map(heard.flatMap((ago, slot) => (ago === undefined ? [] : [[slot, at(ago)] as const])));
  const newestMs = Math.max(at(beacon), at(media), ...forwarders.values());
  const mediaMs = at(media);
  return {
    state,
    newestMs,
    forwarders,
    mediaMs,
    lostMs: lost === undefined ? Number.NaN : at(lost),
  } satisfies HeardSource;
}

function judge(sources: readonly HeardSource[], before: Hearing = UP, hasBeenUp = true, isStartOver = true): Hearing {
  return judgeHearing(sources, { nowMs: NOW, ttlMs: TTL_MS, before, hasBeenUp, isStartOver });
}

const down: Hearing = { state: 'down', through: undefined };
const replaying: Hearing = { state: 'replaying', through: undefined };
const through = (place: number): Hearing => ({ state: 'up', through: place });

describe('a region with a fallback', () => {
  it.each<[string, readonly HeardSource[], Hearing]>([
    ['is up while home is, whatever the fallback', [source('up'), source('connecting')], through(0)],
    ['is up while home is, when nobody was at the fallback', [source('up'), source('down', { lost: 3 })], through(0)],
    [
      'is down while somebody may be at a fallback that was lost',
      [source('up', { heard: [40] }), source('down', { heard: [5], lost: 3 })],
      down,
    ],
    [
      'is up when whoever was at the lost fallback is home again',
      [source('up', { heard: [1] }), source('down', { heard: [5], lost: 3 })],
      through(0),
    ],
    [
      'is up a TTL after the lost fallback was used',
      [source('up'), source('down', { heard: [31], lost: 30 })],
      through(0),
    ],
    [
      'is down when home is lost, until its Forwarders are heard',
      [source('down', { heard: [6], lost: 5 }), source('up')],
      down,
    ],
    [
      'is up through the fallback once its Forwarder is there',
      [source('down', { heard: [6], lost: 5 }), source('up', { heard: [1] })],
      through(1),
    ],
    [
      'is down while one of two Forwarders has not been heard since home was lost',
      [source('down', { heard: [6, 7], lost: 5 }), source('up', { heard: [1] })],
      down,
    ],
    [
      'does not wait for a Forwarder that slept before home was lost',
      [source('down', { heard: [6, 25], lost: 5 }), source('up', { heard: [1] })],
      through(1),
    ],
    [
      'is down while media servers, which were heard at home, are not heard at the fallback where its Forwarder is',
      [source('down', { heard: [6], media: 6, lost: 5 }), source('up', { heard: [1] })],
      down,
    ],
    [
      'is up through the fallback once its media servers are there too',
      [source('down', { heard: [6], media: 6, lost: 5 }), source('up', { heard: [1], media: 2 })],
      through(1),
    ],
    [
      'does not wait for media servers that were silent before home was lost',
      [source('down', { heard: [6], media: 25, lost: 5 }), source('up', { heard: [1] })],
      through(1),
    ],
    [
      'is up by beacons alone where no Forwarder reports',
      [source('down', { beacon: 6, lost: 5 }), source('up', { beacon: 1 })],
      through(1),
    ],
    [
      'is down when nothing was stored at the fallback for 15 s',
      [source('down', { heard: [60], lost: 59 }), source('up', { heard: [16] })],
      down,
    ],
    ['is down when home is lost and nobody is anywhere', [source('down', { lost: 59 }), source('up')], down],
    ['is down when both are lost', [source('down', { lost: 3 }), source('down', { heard: [1], lost: 1 })], down],
    [
      'is up through the one with the newest message',
      [source('down', { heard: [60], lost: 59 }), source('up', { heard: [14] }), source('up', { heard: [2] })],
      through(2),
    ],
    [
      'waits for a fallback that replays, while home is lost',
      [source('down', { heard: [60], lost: 59 }), source('replaying', { heard: [2] })],
      replaying,
    ],
    [
      'is up at home while a fallback that is back replays',
      [source('up'), source('replaying', { heard: [2] })],
      through(0),
    ],
  ])('%s', (_, sources, expected) => {
    expect(judge(sources)).toEqual(expected);
  });

  it('goes on through the fallback while home, which is back, catches up', () => {
    const sources = [source('replaying', { heard: [50] }), source('up', { heard: [1] })];
    expect(judge(sources, through(1))).toEqual(through(1));
    expect(judge(sources, down)).toEqual(replaying);
  });

  it.each<[string, readonly HeardSource[], boolean, FeedState]>([
    ['waits a moment for a fallback that may be reached', [source('up'), source('connecting')], false, 'connecting'],
    ['then does without', [source('up'), source('connecting')], true, 'up'],
    ['waits for all that a fallback has', [source('up'), source('replaying')], true, 'replaying'],
    ['waits a moment for home', [source('connecting'), source('up', { heard: [1] })], false, 'connecting'],
    ['then does without home too', [source('connecting'), source('up', { heard: [1] })], true, 'up'],
    ['waits for all that home has', [source('replaying'), source('up', { heard: [1] })], true, 'replaying'],
  ])('when the process starts, %s', (_, sources, isStartOver, state) => {
    expect(judge(sources, { state: 'connecting', through: undefined }, false, isStartOver).state).toBe(state);
  });
});

const ago = fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined });
const anySource = fc
  .record({
    state: fc.constantFrom<FeedState>('connecting', 'replaying', 'up', 'down'),
    heard: fc.array(ago, { maxLength: 3 }),
    beacon: ago,
    lost: fc.integer({ min: 0, max: 60 }),
  })
  .map(({ state, ...rest }) => source(state, rest));
const anyBefore = fc.constantFrom(UP, through(1), down, replaying);

it('is what its source is, where there is one', () => {
  fc.assert(
    fc.property(anySource, anyBefore, fc.boolean(), fc.boolean(), (one, before, hasBeenUp, isStartOver) => {
      expect(judge([one], before, hasBeenUp, isStartOver).state).toBe(one.state);
    }),
  );
});

it('is heard through a source that is up, and through a fallback only with news from it', () => {
  fc.assert(
    fc.property(fc.array(anySource, { minLength: 2, maxLength: 4 }), anyBefore, (sources, before) => {
      const { state, through: place } = judge(sources, before);
      expect(place === undefined).toBe(state !== 'up');
      if (place === undefined) return;
      expect(sources[place]?.state).toBe('up');
      if (sources[0]?.state === 'up') expect(place).toBe(0);
      if (place > 0) expect(NOW - (sources[place]?.newestMs ?? NEVER)).toBeLessThanOrEqual(15_000);
    }),
  );
});

it('is never up while a Forwarder that was awake at home when home was lost has not been heard since', () => {
  fc.assert(
    fc.property(fc.array(anySource, { minLength: 2, maxLength: 4 }), anyBefore, (sources, before) => {
      const home = sources[0] as HeardSource;
      const others = sources.slice(1);
      fc.pre(home.state === 'down');
      const missing = [...home.forwarders].some(
        ([slot, ms]) =>
          ms >= home.lostMs - 15_000 &&
          !others.some(
            ({ state, forwarders }) =>
              (state === 'up' || state === 'replaying') && (forwarders.get(slot) ?? NEVER) > ms,
          ),
      );
      if (missing) expect(judge(sources, before).state).not.toBe('up');
    }),
  );
});

it('is up when home is, unless somebody was at a lost fallback within a TTL', () => {
  fc.assert(
    fc.property(fc.array(anySource, { maxLength: 3 }), anyBefore, (fallbacks, before) => {
      fc.pre(fallbacks.every(({ state, newestMs }) => state !== 'down' || NOW - newestMs >= TTL_MS));
      expect(judge([source('up'), ...fallbacks], before)).toEqual(UP);
    }),
  );
});
