/**
 * What each epoch of a Forwarder has put into the stream on one lane, by the `accepted` of its batches. It rises
 * with every batch, so a batch that does not raise it is a repeat.
 */
import type { BatchSource } from './batch-reader.ts';
import { createEpochs, type Epochs } from './epochs.ts';

export type LaneEpochs = {
  /**
   * Takes in a batch's header.
   * @param carried beacons in the batch: all that can be counted when an epoch is joined midway
   * @returns beacons accepted since the batch before; undefined for a repeat
   */
  advance(source: BatchSource, carried: number): number | undefined;
};

export function createLaneEpochs(): LaneEpochs {
  const slots = new Map<number, Epochs<number>>();
  return {
    advance({ slot, epoch, accepted }, carried) {
      let epochs = slots.get(slot);
      if (!epochs) {
        epochs = createEpochs();
        slots.set(slot, epochs);
      }
      const before = epochs.get(epoch);
      epochs.see(epoch, Math.max(accepted, before ?? 0));
      if (before === undefined) return Math.min(carried, accepted);
      return accepted > before ? accepted - before : undefined;
    },
  };
}
