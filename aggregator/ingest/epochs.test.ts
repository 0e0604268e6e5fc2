import { expect, it } from 'vitest';
import { createEpochs, EPOCHS_MAX } from './epochs.ts';

it('remembers the epochs seen last, and a live one however many stale ones come', () => {
  const epochs = createEpochs<number>();
  const stale = Array.from({ length: 3 * EPOCHS_MAX }, (_, i) => `stale-${i}`);
  epochs.see('live', 0);
  for (const [i, epoch] of stale.entries()) {
    epochs.see(epoch, i);
    expect(epochs.get('live')).toBe(i);
    epochs.see('live', i + 1);
  }
  expect(stale.filter((epoch) => epochs.get(epoch) !== undefined)).toEqual(stale.slice(1 - EPOCHS_MAX));
});
