import { describe, expect, it } from 'vitest';
import { type Cursor, createCursors } from './cursor.ts';

const START_MS = 1_000;

function filtersOf(shard: { index: number; count: number }, lanes: number): string[] {
  return createCursors({ region: 'apac', shard, lanes }).map(({ filter }) => filter);
}

it('reads every lane of a region at once when there are no shards', () => {
  expect(filtersOf({ index: 0, count: 1 }, 16)).toEqual(['health.diagnostics.apac.edge.*']);
});

it('reads a shard by its lanes', () => {
  expect(filtersOf({ index: 1, count: 3 }, 8).map((filter) => filter.split('.').at(-1))).toEqual(['f01', 'f04', 'f07']);
});

it('reads the packets of media servers, which have no lane, in every shard', () => {
  const cursors = createCursors({
    region: 'apac',
    shard: { index: 1, count: 2 },
    lanes: 2,
    mediaServerTypes: ['websocket', 'webtransport'],
  });
  expect(cursors.map(({ filter }) => filter)).toEqual([
    'health.diagnostics.apac.edge.f01',
    'health.diagnostics.apac.websocket.>',
    'health.diagnostics.apac.webtransport.>',
  ]);
});

describe('a cursor', () => {
  const stream = (created: string, lastSequence: number) => ({ created, lastSequence });

  function createCursor(): Cursor {
    const [cursor] = createCursors({ region: 'apac', shard: { index: 0, count: 1 }, lanes: 1 });
    return cursor as Cursor;
  }

  it('begins at the start time, also when the stream is known but nothing has been read', () => {
    const cursor = createCursor();
    expect(cursor.next(START_MS)).toEqual({ from: 'time', ms: START_MS });
    expect(cursor.confirm(stream('a', 41))).toBe(true);
    expect(cursor.next(START_MS)).toEqual({ from: 'time', ms: START_MS });
  });

  it('goes on after the last message read', () => {
    const cursor = createCursor();
    cursor.confirm(stream('a', 41));
    cursor.advance(41);
    expect(cursor.confirm(stream('a', 41))).toBe(true);
    expect(cursor.next(START_MS)).toEqual({ from: 'sequence', sequence: 42 });
  });

  it('goes on when messages were handled that came after the look at the stream', () => {
    const cursor = createCursor();
    cursor.confirm(stream('a', 41));
    const readBefore = cursor.lastSequence;
    cursor.advance(42);
    expect(cursor.confirm(stream('a', 41), readBefore)).toBe(true);
    expect(cursor.next(START_MS)).toEqual({ from: 'sequence', sequence: 43 });
  });

  it.each([
    ['was created anew', stream('b', 50)],
    ['has fewer messages than were read', stream('a', 40)],
  ])('goes back to the beginning when the stream %s', (_, found) => {
    const cursor = createCursor();
    cursor.confirm(stream('a', 41));
    cursor.advance(41);
    expect(cursor.confirm(found)).toBe(false);
    expect(cursor.next(START_MS)).toEqual({ from: 'beginning' });
    expect(cursor.confirm(found)).toBe(true);
    cursor.advance(2);
    expect(cursor.next(START_MS)).toEqual({ from: 'sequence', sequence: 3 });
  });
});
