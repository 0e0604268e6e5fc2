/** What is known of the epochs of one Forwarder. */
export type Epochs<T> = {
  get(epoch: string): T | undefined;
  /** Notes what a message of the epoch says, for as long as the epoch is among the {@link EPOCHS_MAX} seen last. */
  see(epoch: string, value: T): void;
};

/**
 * A message in flight may come after the first of the next epoch. The one not seen for the longest time is forgotten: a live
 * epoch that was the first of a few must not make way for messages of stale ones.
 */
export const EPOCHS_MAX = 4;

export function createEpochs<T>(): Epochs<T> {
  /** In the order in which they were last seen. */
  const values = new Map<string, T>();
  return {
    get: (epoch) => values.get(epoch),
    see(epoch, value) {
      values.delete(epoch);
      values.set(epoch, value);
      if (values.size <= EPOCHS_MAX) return;
      for (const [oldest] of values) {
        values.delete(oldest);
        break;
      }
    },
  };
}
