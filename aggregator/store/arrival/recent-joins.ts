/**
 * How joining went in each region within the last minute. Who opens the board sees it at once, which counters since the
 * start can't show; and it belongs to the calls as they are now, so that a restarted process rebuilds it. Pure.
 */
import { JOIN } from '../../../shared/session-members.ts';

export type JoinResult = (typeof JOIN.result)[number];

/** Times are the broker's, ms since the epoch. Each throws a RangeError when there is no such region. */
export type RecentJoins = {
  /** @param place of the result in `JOIN.result` */
  note(region: string, place: number, atMs: number): void;
  /** The region has been read up to then. */
  advance(region: string, readMs: number): void;
  /** Joins of the minute before the newest time that is known, by the place of the result. */
  count(region: string): readonly number[];
};

const STEP_MS = 5_000;
/** A minute, of which the step that is under way is one. */
const STEPS = 12;
const RESULTS = JOIN.result.length;

type Ring = { newest: number; readonly counts: Uint32Array };

export function createRecentJoins(regions: readonly string[]): RecentJoins {
  const rings = new Map(regions.map((region) => [region, createRing()]));

  function ringOf(region: string): Ring {
    const ring = rings.get(region);
    if (!ring) throw new RangeError(`no such region: ${region}`);
    return ring;
  }

  return {
    note(region, place, atMs) {
      const ring = ringOf(region);
      const step = Math.floor(atMs / STEP_MS);
      reach(ring, step);
      if (step <= ring.newest - STEPS) return;
      const index = (step % STEPS) * RESULTS + place;
      ring.counts[index] = (ring.counts[index] as number) + 1;
    },
    advance: (region, readMs) => reach(ringOf(region), Math.floor(readMs / STEP_MS)),
    count(region) {
      const { counts } = ringOf(region);
      return JOIN.result.map((_, place) => counts.reduce((sum, n, i) => (i % RESULTS === place ? sum + n : sum), 0));
    },
  };
}

function createRing(): Ring {
  return { newest: Number.NEGATIVE_INFINITY, counts: new Uint32Array(STEPS * RESULTS) };
}

/** Empties the steps between the newest one and this one. */
function reach(ring: Ring, step: number): void {
  if (!(step > ring.newest)) return;
  if (step - ring.newest >= STEPS) ring.counts.fill(0);
  else {
    for (let next = ring.newest + 1; next <= step; next++) {
      const from = (next % STEPS) * RESULTS;
      ring.counts.fill(0, from, from + RESULTS);
    }
  }
  ring.newest = step;
}
