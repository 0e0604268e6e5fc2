/**
 * What each epoch of a Forwarder has put into streams on one lane, by the `accepted` of its batches. A batch that carries
 * n beacons and says `accepted` a holds the epoch's beacons from a - n to a, so that a batch is recognised whichever stream
 * it is read from: one whose outcome was unknown may be in the stream of the region and in that of a fallback, under
 * the same header, and what the first of the two streams still holds of the epoch may be read after it.
 */
import type { BatchSource } from './batch/batch-reader.ts';
import { createEpochs, type Epochs } from './epochs.ts';

export type LaneEpochs = {
  /**
   * Takes in a batch's header.
   * @param carried beacons in the batch: all that can be counted when an epoch is joined midway
   * @returns beacons accepted that were not counted before: 0 for a batch whose beacons a later one has told of;
   *   undefined for a repeat
   */
  advance(source: BatchSource, carried: number): number | undefined;
};

/** Beacons of an epoch that were not read: those after the first `from` and up to the first `to`. */
type Hole = { readonly from: number; readonly to: number; readonly isCounted: boolean };

type Epoch = { readonly highest: number; readonly holes: readonly Hole[] };

/** Holes remembered of an epoch, the newest. Each change of the stream leaves one, and reading the other stream fills it. */
const HOLES_MAX = 8;

export function createLaneEpochs(): LaneEpochs {
  const slots = new Map<number, Epochs<Epoch>>();
  return {
    advance({ slot, epoch, accepted }, carried) {
      let epochs = slots.get(slot);
      if (!epochs) {
        epochs = createEpochs();
        slots.set(slot, epochs);
      }
      const known = epochs.get(epoch);
      const [next, count] = take(known, Math.max(0, accepted - carried), accepted);
      epochs.see(epoch, next);
      return count;
    },
  };
}

/** Takes in a batch with an epoch's beacons after the first `from` and up to the first `to`. */
function take(known: Epoch | undefined, from: number, to: number): [Epoch, number | undefined] {
  if (!known) return [{ highest: to, holes: holeBetween(0, from, false) }, to - from];
  const { highest, holes } = known;
  if (to > highest) {
    return [{ highest: to, holes: [...holes, ...holeBetween(highest, from, true)].slice(-HOLES_MAX) }, to - highest];
  }
  const hole = holes.find((one) => one.from <= from && to <= one.to);
  if (!hole || from === to) return [known, undefined];
  const left = [...holeBetween(hole.from, from, hole.isCounted), ...holeBetween(to, hole.to, hole.isCounted)];
  const filled = holes.flatMap((one) => (one === hole ? left : [one]));
  return [{ highest, holes: filled.slice(-HOLES_MAX) }, hole.isCounted ? 0 : to - from];
}

function holeBetween(from: number, to: number, isCounted: boolean): Hole[] {
  return from < to ? [{ from, to, isCounted }] : [];
}
