import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Broker } from '../broker.ts';
import { createTimeLine } from '../clock/time-line.ts';
import type { Lane, Source } from '../source/source.ts';
import type { FeedState } from '../source/source-status.ts';
import { createRegionFeed, type FeedMessage, type Passing, type SourceListener } from './region-feed.ts';

const NOW = 1_800_000_000_000;
/** The fallback's clock is ahead of home's. */
const AHEAD_MS = 5_000;
const LANE = {} as Lane;
const HOME = 0;
const AWAY = 1;

/** A region with a fallback, whose sources are what the test says. Times are seconds after NOW by home's clock. */
function setUp() {
  let seconds = 0;
  const line = createTimeLine();
  /** How far the clock of home, by which the line goes, is ahead of itself. */
  let setAheadMs = 0;
  const clockOf = (aheadMs: number) => ({
    timeAt: (monotonicMs: number) => NOW + monotonicMs + aheadMs + (aheadMs === 0 ? setAheadMs : 0),
  });
  const places = [0, AHEAD_MS].map((aheadMs) => line.add(clockOf(aheadMs)));
  const states: FeedState[] = ['connecting', 'connecting'];
  const read = [0, 0];
  const brokerMs = (place: number, at: number) => NOW + 1_000 * at + (place === AWAY ? AHEAD_MS : 0);
  const messages: FeedMessage[] = [];
  const passed: Passing[] = [];
  const calls: string[] = [];
  const lines: string[] = [];
  let listener: SourceListener | undefined;
  const sourceOf = (name: string, place: number): Source => ({
    name,
    broker: {} as Broker,
    get state() {
      return states[place] as FeedState;
    },
    place: places[place] as (ms: number) => number,
    readMs: () => places[place]?.(brokerMs(place, read[place] as number)) as number,
    readMsBut: (_, timeMs) => timeMs,
    handledMs: () => NOW,
    readFromMs: () => NOW,
    run: () => Promise.resolve(),
    drop() {},
    checkHeartbeats() {},
    answered() {},
  });
  const feed = createRegionFeed({
    region: 'apac',
    line,
    ttlMs: 30_000,
    log: pino({ level: 'info' }, { write: (text) => void lines.push(text) }),
    monotonic: () => 1_000 * seconds,
    signal: new AbortController().signal,
    createSources(given) {
      listener = given;
      return [sourceOf('apac', HOME), sourceOf('eu-west', AWAY)];
    },
    onMessage: (message) => messages.push(message),
    onPassing: (_, passing) => passed.push(passing),
    onUp: () => calls.push('up'),
    onDown: (_, sinceMs) => calls.push(`down since ${(sinceMs - NOW) / 1_000}`),
  });
  return {
    feed,
    messages,
    passed,
    calls,
    lines,
    /** It has been read up to then. */
    reads(place: number, at: number, state: FeedState = 'up'): void {
      const before = states[place];
      read[place] = at;
      states[place] = state;
      if (state === 'up' && before !== 'up') listener?.onUp(place);
    },
    loses(place: number): void {
      states[place] = 'down';
      listener?.onLost(place, { filter: 'f', reason: 'disconnected', sinceMs: 1_000 * seconds });
    },
    delivers(place: number, at: number, subject = 'health.diagnostics.apac.forwarder.0'): void {
      const lane = subject.includes('.edge.') ? LANE : undefined;
      const message = {
        subject,
        data: new Uint8Array(),
        sequence: 1,
        timestampMs: brokerMs(place, at),
        isHistory: false,
      };
      listener?.onMessage(place, message, lane);
    },
    setAhead(ms: number): void {
      setAheadMs = ms;
    },
    checkAt(at: number): void {
      seconds = at;
      feed.check();
    },
  };
}

type Region = ReturnType<typeof setUp>;

/** Up at home, with a Forwarder there. */
function upAtHome(): Region {
  const region = setUp();
  region.reads(HOME, 1);
  region.reads(AWAY, 1);
  region.delivers(HOME, 1);
  region.checkAt(1);
  return region;
}

it('has been read up to where the source that is furthest behind was, by one clock', () => {
  const { feed, reads } = upAtHome();
  reads(HOME, 9);
  reads(AWAY, 7);
  expect(feed.readMs()).toBe(NOW + 7_000);
  reads(AWAY, 8.5);
  reads(HOME, 8);
  expect(feed.readMs()).toBe(NOW + 8_000);
});

it('has not been read at all until each of its sources was', () => {
  const { feed, reads } = setUp();
  reads(HOME, 1);
  reads(AWAY, Number.NaN, 'connecting');
  expect(feed.readMs()).toBeNaN();
});

it('places what the fallback stored by its age', () => {
  const { messages, delivers } = upAtHome();
  delivers(AWAY, 4);
  expect(messages.at(-1)?.timestampMs).toBe(NOW + 4_000);
});

it('is down from when home was lost, up through the fallback when its Forwarder is there, and at home again', () => {
  const { feed, calls, reads, loses, delivers, checkAt, lines } = upAtHome();
  reads(HOME, 9.5);
  reads(AWAY, 10);
  checkAt(10);
  loses(HOME);
  expect(calls).toEqual(['up', 'down since 9.5']);
  reads(AWAY, 14);
  delivers(AWAY, 14);
  checkAt(14);
  expect([calls.at(-1), feed.state, feed.through]).toEqual(['up', 'up', 'eu-west']);
  // Home, still where it was lost, holds nothing up.
  expect(feed.readMs()).toBe(NOW + 14_000);
  delivers(HOME, 15);
  reads(HOME, 15);
  reads(AWAY, 15);
  checkAt(15);
  expect([calls, feed.through]).toEqual([['up', 'down since 9.5', 'up'], undefined]);
  expect(lines.map((text) => JSON.parse(text).msg)).toEqual([
    'feed up',
    'feed down',
    'feed up through a fallback region',
    'feed up again through the region itself',
  ]);
});

it('is down while its media servers, which publish at home alone, are not heard', () => {
  const { calls, loses, delivers, checkAt } = upAtHome();
  delivers(HOME, 1, 'health.diagnostics.apac.webtransport.server-1');
  loses(HOME);
  delivers(AWAY, 3);
  checkAt(3);
  expect(calls).toEqual(['up', 'down since 1']);
  delivers(AWAY, 4, 'health.diagnostics.apac.webtransport.server-1');
  checkAt(4);
  expect(calls.at(-1)).toBe('up');
});

it('is down, since the newest message, when nothing comes through the fallback any more', () => {
  const { calls, reads, loses, delivers, checkAt } = upAtHome();
  loses(HOME);
  delivers(AWAY, 3);
  reads(AWAY, 3);
  checkAt(3);
  reads(AWAY, 17.9);
  checkAt(17.9);
  expect(calls.at(-1)).toBe('up');
  reads(AWAY, 18.1);
  checkAt(18.1);
  expect(calls.at(-1)).toBe('down since 3');
});

it('is not heard through a fallback for as long as the clock was ahead, once that was set back', () => {
  const { calls, reads, loses, delivers, checkAt, setAhead } = upAtHome();
  setAhead(3_600_000);
  delivers(AWAY, 2);
  reads(AWAY, 2);
  checkAt(2);
  setAhead(0);
  loses(HOME);
  delivers(AWAY, 3);
  reads(AWAY, 3);
  checkAt(3);
  expect(calls.at(-1)).toBe('up');
  reads(AWAY, 30);
  checkAt(30);
  expect(calls.at(-1)).toMatch(/^down/);
});

it('stays up when a fallback is lost that nobody uses, and says so', () => {
  const { calls, loses, lines } = upAtHome();
  loses(AWAY);
  expect(calls).toEqual(['up']);
  expect(lines.at(-1)).toMatch(/"source":"eu-west".*a source of the feed is down/);
});

it('passes what home still holds from before at the time up to which it was read elsewhere', () => {
  const { messages, passed, loses, reads, delivers, checkAt } = upAtHome();
  loses(HOME);
  for (const at of [3, 16, 29, 42]) {
    delivers(AWAY, at);
    reads(AWAY, at);
    checkAt(at);
  }
  // It is back, and replays what it has.
  reads(HOME, 2, 'replaying');
  checkAt(43);
  delivers(HOME, 2, 'health.diagnostics.apac.edge.f00');
  expect(messages.at(-1)).toMatchObject({ timestampMs: NOW + 2_000, passedMs: NOW + 42_000 });
  expect(passed.at(-1)?.untilMs).toBe(NOW + 42_000);
});

it('counts the messages of each source', () => {
  const { feed, delivers } = upAtHome();
  delivers(AWAY, 2);
  delivers(AWAY, 3);
  expect(feed.readings()).toEqual([
    { name: 'apac', isHome: true, isUp: true, messages: 1 },
    { name: 'eu-west', isHome: false, isUp: true, messages: 2 },
  ]);
});
