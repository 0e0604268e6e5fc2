import { expect, it } from 'vitest';
import { createCallers } from './callers.ts';
import { createCounters, ISOLATES_MAX } from './counters.ts';

const spoolCounts = () => ({ spooled: 0, drained: 0, expired: 0, unpublishable: 0, beacons: 0, bytes: 0 });
const counters = () => createCounters({ slot: 0, epoch: 'e', spoolCounts, via: () => '' });
const countsOf = (number: number) => ({ number, rejected: { invalid_id: 1 }, jwksErrors: 0, overloadedCalls: 0 });

it('adds the counts of each number once, however often and in whatever order they come', () => {
  const { addIsolateCounts, snapshot } = counters();
  for (const number of [1, 1, 2, 1, 2, 3]) addIsolateCounts('a', countsOf(number));
  addIsolateCounts('b', countsOf(1));
  expect(snapshot(0).rejected).toEqual({ invalid_id: 4 });
});

it('remembers a bounded number of isolates, those that called last', () => {
  const { addIsolateCounts, snapshot } = counters();
  for (let i = 0; i < ISOLATES_MAX + 1; i++) {
    addIsolateCounts(`isolate-${i}`, countsOf(1));
    addIsolateCounts('steady', countsOf(i + 1));
  }
  addIsolateCounts('steady', countsOf(ISOLATES_MAX + 1));
  expect(snapshot(0).rejected).toEqual({ invalid_id: 2 * (ISOLATES_MAX + 1) });
});

it('counts latency in its bucket, and changes its fingerprint with everything else', () => {
  const { published, publishFailed, setTopology, snapshot, fingerprint } = counters();
  const seen = new Set([fingerprint()]);
  published(0, 0.004);
  seen.add(fingerprint());
  expect(seen.size).toBe(1);
  for (const change of [() => published(2, 9), publishFailed, () => setTopology('t')]) {
    change();
    seen.add(fingerprint());
  }
  expect(seen.size).toBe(4);
  const { publishSeconds, accepted } = snapshot(0);
  expect([publishSeconds.buckets[2], publishSeconds.buckets.at(-1), publishSeconds.sum, accepted]).toEqual([
    1, 1, 9.004, 2,
  ]);
});

it('knows when every caller that waits has used up its calls', () => {
  const { enter, canBringNoMore } = createCallers();
  const first = enter('a', false);
  expect(canBringNoMore()).toBe(false);
  const second = enter('a', true);
  expect(canBringNoMore()).toBe(true);
  const other = enter('b', false);
  expect(canBringNoMore()).toBe(false);
  other();
  expect(canBringNoMore()).toBe(true);
  first();
  expect(canBringNoMore()).toBe(false);
  second();
  expect(canBringNoMore()).toBe(true);
});
