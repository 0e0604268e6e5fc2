/**
 * What each epoch of a Forwarder has put into the stream on one lane, by the `accepted` of its batches. It rises
 * with every batch, so a batch that does not raise it is a repeat.
 */
import type { BatchSource } from './batch-reader.ts';

export type LaneEpochs = {
  /**
   * Takes in a batch's header.
   * @param carried beacons in the batch: all that can be counted when an epoch is joined midway
   * @returns beacons accepted since the batch before; undefined for a repeat
   */
  advance(source: BatchSource, carried: number): number | undefined;
};

/** Epochs kept per Forwarder: a batch in flight at an eviction may arrive after the next start. */
const EPOCHS_PER_SLOT = 4;

export function createLaneEpochs(): LaneEpochs {
  const slots = new Map<number, Map<string, number>>();
  return {
    advance({ slot, epoch, accepted }, carried) {
      let epochs = slots.get(slot);
      if (!epochs) {
        epochs = new Map();
        slots.set(slot, epochs);
      }
      const before = epochs.get(epoch);
      if (before !== undefined && accepted <= before) return undefined;
      epochs.set(epoch, accepted);
      if (epochs.size > EPOCHS_PER_SLOT) epochs.delete(epochs.keys().next().value as string);
      return before === undefined ? Math.min(carried, accepted) : accepted - before;
    },
  };
}
