import { describe, expect, it } from 'vitest';
import { validEntry } from '../../test/support/edge/beacon.ts';
import { createQuietness } from './quiet.ts';
import { applyEntry, createTestSessions, NOW, readImpairment } from './testing.ts';

const quietness = createQuietness(30_000);

/** How long a session may be silent that has sent at these intervals. */
function quietAfter(...intervalsMs: number[]): number {
  return quietness.quietAfterMs(intervalsMs.reduce(quietness.nextInterval, quietness.firstIntervalMs));
}

describe('how long a session may be silent', () => {
  it.each([
    ['one beacon: a healthy reporter sends within 9 s', [], 20_000],
    ['one every 7.5 s', Array(30).fill(7_500), 17_000],
    ['one every 5 s', Array(30).fill(5_000), 12_000],
    ['one every second, for long', Array(30).fill(1_000), 4_000],
    ['faster than a reporter ever sends', Array(30).fill(10), 4_000],
    ['two at once now and then, as when something gets worse', [7_500, 1_000, 7_500, 1_000], 15_126],
    ['a client of its own that sends every 12 s', Array(9).fill(12_000), 26_000],
    ['so seldom that it is never quiet before it is gone', Array(9).fill(29_000), 32_000],
  ])('%s', (_, intervalsMs, expected) => expect(quietAfter(...intervalsMs)).toBe(expected));

  it('covers the pause that follows when trouble is over, after minutes of beacons every 4 to 6 s', () => {
    const inTrouble = Array.from({ length: 60 }, (_, i) => 4_000 + ((i * 733) % 2_000));
    expect(quietAfter(...inTrouble)).toBeGreaterThan(9_000);
  });
});

describe('a session that vanished without a goodbye', () => {
  const sessions = () => {
    const store = createTestSessions();
    for (const [i, session_id] of ['a', 'b'].entries()) {
      for (let seq = 0; seq < 40; seq++) {
        applyEntry(store, 'apac', validEntry({ session_id, seq, rtt: [0.3 + i / 10] }, NOW + seq * 5_000));
      }
    }
    return { store, lastMs: NOW + 39 * 5_000 };
  };
  const state = (store: ReturnType<typeof createTestSessions>) => {
    const [cell] = store.cells();
    const judged = cell && readImpairment(store, { withoutQuiet: true }).of(cell).sessions.any;
    return [cell?.sessions, cell?.quiet.sessions, judged];
  };

  it('is judged for two of its intervals, counted until its TTL has run out, and judged again when it is heard', () => {
    const { store, lastMs } = sessions();
    store.expire(lastMs + 11_750);
    expect(state(store)).toEqual([2, 0, 2]);
    store.expire(lastMs + 12_500);
    expect(state(store)).toEqual([2, 2, 0]);
    applyEntry(store, 'apac', validEntry({ session_id: 'a', seq: 40, rtt: [0.3] }, lastMs + 13_000));
    expect(state(store)).toEqual([2, 1, 1]);
    store.expire(lastMs + 30_250);
    expect(state(store)).toEqual([1, 0, 1]);
    // It has let 13 s pass once, and may do so again.
    store.expire(lastMs + 41_250);
    expect(state(store)).toEqual([1, 1, 0]);
    store.expire(lastMs + 43_250);
    expect(state(store)).toEqual([0, 0, 0]);
  });

  it('is not taken for quiet while nobody can be heard', () => {
    const { store, lastMs } = sessions();
    store.feedDown('apac', lastMs + 1_000);
    store.expire(lastMs + 25_000);
    expect(state(store)).toEqual([2, 0, 2]);
    store.feedUp('apac', lastMs + 25_000);
    store.expire(lastMs + 35_500);
    expect(state(store)).toEqual([2, 0, 2]);
    store.expire(lastMs + 36_750);
    expect(state(store)).toEqual([2, 2, 0]);
  });

  it('takes nothing along that is not its own: a beacon that waited at the edge finds its session quiet at once', () => {
    const { store, lastMs } = sessions();
    applyEntry(store, 'apac', validEntry({ session_id: 'c', seq: 0, rtt: [0.5] }, lastMs - 22_000), lastMs);
    store.expire(lastMs + 250);
    expect(state(store)).toEqual([3, 1, 2]);
    // And it goes a TTL after it was heard, not after it became quiet.
    store.expire(lastMs + 8_250);
    expect(state(store)).toEqual([2, 0, 2]);
  });
});
