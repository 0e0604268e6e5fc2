import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLaneEpochs } from './lane-epochs.ts';

const source = (accepted: number, epoch = 'e') => ({ slot: 0, epoch, accepted, sentAtMs: 0 });

describe('an epoch on one lane', () => {
  it.each<[string, [accepted: number, carried: number, count: number | undefined][]]>([
    [
      'counts what each batch adds, and nothing of a repeat',
      [
        [3, 3, 3],
        [5, 2, 2],
        [5, 2, undefined],
        [3, 3, undefined],
      ],
    ],
    [
      'joined midway counts what the batch carries',
      [
        [100, 4, 4],
        [107, 7, 7],
      ],
    ],
    [
      'counts what was lost from the stream before it was read',
      [
        [3, 3, 3],
        [9, 2, 6],
      ],
    ],
    [
      'takes in what another stream held back, which has been counted',
      [
        [3, 3, 3],
        [9, 2, 6],
        [5, 2, 0],
        [5, 2, undefined],
        [7, 2, 0],
        [7, 2, undefined],
      ],
    ],
    [
      'joined by its last batch counts the earlier ones when they come',
      [
        [9, 2, 2],
        [4, 4, 4],
        [7, 3, 3],
        [7, 3, undefined],
      ],
    ],
    [
      'without beacons is a repeat unless it is the first',
      [
        [0, 0, 0],
        [0, 0, undefined],
      ],
    ],
  ])('%s', (_, batches) => {
    const { advance } = createLaneEpochs();
    expect(batches.map(([accepted, carried]) => advance(source(accepted), carried))).toEqual(
      batches.map(([, , count]) => count),
    );
  });
});

/**
 * Batches of one lane in the order in which a Forwarder publishes them, and the streams that each is in: one whose
 * acknowledgement was lost may be in both. Only the last batch of an epoch can be: the next one begins another.
 */
const published = fc
  .array(fc.record({ beacons: fc.integer({ min: 1, max: 5 }), in: fc.constantFrom('home', 'away', 'both') }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((batches) => {
    let epoch = 0;
    let accepted = 0;
    return batches.map(({ beacons, in: where }) => {
      accepted += beacons;
      const batch = { epoch: `e${epoch}`, accepted, beacons, where };
      if (where === 'both') {
        epoch += 1;
        accepted = 0;
      }
      return batch;
    });
  });

it('however two streams are read, each batch is applied once, and the count is that of the beacons', () => {
  fc.assert(
    fc.property(published, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (batches, turns) => {
      // More epochs than are remembered could not be told apart.
      fc.pre(batches.filter(({ where }) => where === 'both').length < 4);
      const { advance } = createLaneEpochs();
      const streams = [
        batches.filter(({ where }) => where !== 'away'),
        batches.filter(({ where }) => where !== 'home'),
      ];
      const applied: string[] = [];
      let count = 0;
      for (const turn of [...turns, ...turns.map((one) => !one)]) {
        const batch = streams[turn ? 0 : 1]?.shift();
        if (!batch) continue;
        const more = advance(source(batch.accepted, batch.epoch), batch.beacons);
        if (more === undefined) continue;
        applied.push(`${batch.epoch} ${batch.accepted}`);
        count += more;
      }
      expect(applied.sort()).toEqual(batches.map(({ epoch, accepted }) => `${epoch} ${accepted}`).sort());
      expect(count).toBe(batches.reduce((sum, { beacons }) => sum + beacons, 0));
    }),
  );
});
