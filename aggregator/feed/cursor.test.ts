import { expect, it } from 'vitest';
import { createTracks, startOf, type Track } from './cursor.ts';

it('reads every lane of a region at once when there are no shards', () => {
  const tracks = createTracks('apac', { shard: { index: 0, count: 1 }, lanes: 16 });
  expect(tracks.map(({ filter }) => filter)).toEqual(['health.diagnostics.apac.edge.*']);
});

it('reads a shard by its lanes', () => {
  const tracks = createTracks('apac', { shard: { index: 1, count: 3 }, lanes: 8 });
  expect(tracks.map(({ filter }) => filter.split('.').at(-1))).toEqual(['f01', 'f04', 'f07']);
});

it.each<[Partial<Track>, ReturnType<typeof startOf>]>([
  [{}, { from: 'time', ms: 1_000 }],
  [{ stream: 'a' }, { from: 'time', ms: 1_000 }],
  [
    { stream: 'a', lastSeq: 41 },
    { from: 'sequence', sequence: 42 },
  ],
  [{ stream: 'b', replaced: true }, { from: 'beginning' }],
  [
    { stream: 'b', replaced: true, lastSeq: 2 },
    { from: 'sequence', sequence: 3 },
  ],
])('goes on where it has read to: %j', (overrides, start) => {
  const [track] = createTracks('apac', { shard: { index: 0, count: 1 }, lanes: 1 });
  expect(startOf({ ...(track as Track), ...overrides }, 1_000)).toEqual(start);
});
