import { expect, it } from 'vitest';
import { reachOf, type StreamInfoPage } from './stream-watch.ts';

const T0 = Date.parse('2026-01-01T00:00:00Z');

type Case = { config?: Partial<StreamInfoPage['config']>; state?: Partial<StreamInfoPage['state']>; ts?: string };

function secondsAfter(seconds: number): string {
  return new Date(T0 + seconds * 1000).toISOString();
}

/** 1,000 messages of 1 kB in the last 20 s of a stream of a minute. */
function page({ config, state, ts }: Case): StreamInfoPage {
  return {
    ...(ts ? { ts } : {}),
    config: { max_age: 60e9, max_bytes: -1, max_msgs: -1, ...config },
    state: { messages: 1_000, bytes: 1e6, first_ts: secondsAfter(0), last_ts: secondsAfter(20), ...state },
  };
}

it.each<[string, Case, number]>([
  ['max_age, while no limit is near, however young the oldest message is', {}, 60],
  ['max_age with room for more', { config: { max_bytes: 2e6, max_msgs: 5_000 } }, 60],
  ['without end when there is no limit', { config: { max_age: 0 } }, Number.POSITIVE_INFINITY],
  ['what is there, when the bytes are full', { config: { max_bytes: 1e6 } }, 20],
  ['what is there, when one message more would not fit', { config: { max_bytes: 1_001_000 } }, 20],
  [
    'what is there, when its few messages are large',
    { config: { max_bytes: 1e6 }, state: { messages: 2, bytes: 8e5 } },
    20,
  ],
  ['what is there, when the messages are full', { config: { max_msgs: 1_000 } }, 20],
  ['until now where the broker says its time', { config: { max_msgs: 1_000 }, ts: secondsAfter(25) }, 25],
  ['never more than max_age', { config: { max_msgs: 1_000 }, ts: secondsAfter(70) }, 60],
  ['max_age when it is empty', { config: { max_bytes: 1 }, state: { messages: 0, bytes: 0 } }, 60],
])('the stream reaches back %s', (_, changed, seconds) => {
  expect(reachOf(page(changed))).toBe(seconds);
});
