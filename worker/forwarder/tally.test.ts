import { describe, expect, it } from 'vitest';
import { createTally, type Outgoing, type Tally } from './tally.ts';

const EMPTY = { beacons: 0, spooled: 0, expired: 0, full: 0 };
const direct = (batch: number, beacons: number): Outgoing => ({ batch, beacons, spooled: false });
const drain = (batch: number, beacons: number): Outgoing => ({ batch, beacons, spooled: true });

function publish(tally: Tally, outgoing: Outgoing, spool = EMPTY) {
  const edge = tally.stamp(outgoing, spool);
  tally.settle(outgoing, 'stored', 0.002);
  return edge;
}

describe('a stamp', () => {
  it('counts the beacons of the envelope that carries it', () => {
    const tally = createTally('e1');
    expect(publish(tally, direct(0, 5))).toMatchObject({ epoch: 'e1', batch: 0, accepted: 5 });
    expect(publish(tally, direct(1, 2))).toMatchObject({ batch: 1, accepted: 7, drained: 0 });
  });

  it('is the same for each try of a batch until one is acknowledged', () => {
    const tally = createTally('e1');
    tally.stamp(direct(0, 5), EMPTY);
    tally.fail();
    const retry = tally.stamp(drain(0, 5), { ...EMPTY, beacons: 5, spooled: 5 });
    expect(retry).toMatchObject({ batch: 0, accepted: 5, spooled: 5, drained: 5, spool: 0, publish_errors: 1 });
  });

  it('tells what waits in the spool behind the batch, and what was dropped', () => {
    const tally = createTally('e1');
    const spool = { beacons: 12, spooled: 20, expired: 3, full: 5 };
    expect(tally.stamp(drain(0, 4), spool)).toMatchObject({
      spool: 8,
      drained: 4,
      dropped: { expired: 3, full: 5 },
    });
  });

  it('sums refusals by reason and failed key fetches over isolates', () => {
    const tally = createTally('e1');
    tally.refuse({ rate_limited: 2 }, 1);
    tally.refuse({ rate_limited: 1, token_expired: 4 }, 2);
    expect(tally.stamp(direct(0, 0), EMPTY)).toMatchObject({
      rejected: { rate_limited: 3, token_expired: 4 },
      jwks_errors: 3,
    });
  });

  it('does not change after it was made', () => {
    const tally = createTally('e1');
    const edge = publish(tally, direct(0, 1));
    tally.refuse({ rate_limited: 1 }, 0);
    expect(edge).toMatchObject({ rejected: {}, publish_seconds: { sum: 0 } });
  });

  it.each([
    [0.001, 0],
    [0.0011, 1],
    [0.004, 2],
    [2, 10],
    [2.5, 11],
  ])('counts an acknowledgement after %d s in bucket %d', (seconds, bucket) => {
    const tally = createTally('e1');
    tally.settle(direct(0, 1), 'stored', seconds);
    const { buckets, sum } = tally.stamp(direct(1, 0), EMPTY).publish_seconds;
    expect(buckets.map((count, i) => (count > 0 ? i : -1)).filter((i) => i >= 0)).toEqual([bucket]);
    expect(sum).toBe(seconds);
  });
});

describe('an acknowledgement', () => {
  it.each([
    { outcome: 'stored', accepted: 5 },
    { outcome: 'repeated', accepted: 5 },
    { outcome: 'foreign', accepted: 0 },
  ] as const)('as $outcome counts $accepted of 5 beacons as accepted by this epoch', ({ outcome, accepted }) => {
    const tally = createTally('e1');
    tally.stamp(drain(0, 5), { ...EMPTY, beacons: 5 });
    tally.settle(drain(0, 5), outcome, 0.002);
    expect(tally.stamp(direct(1, 0), EMPTY)).toMatchObject({ accepted, drained: 5 });
  });
});

describe('being behind', () => {
  it('is not so at the start, nor after an envelope that told everything', () => {
    const tally = createTally('e1');
    expect(tally.isBehind(EMPTY)).toBe(false);
    tally.refuse({ rate_limited: 1 }, 0);
    expect(tally.isBehind(EMPTY)).toBe(true);
    publish(tally, direct(0, 0));
    expect(tally.isBehind(EMPTY)).toBe(false);
  });

  it.each<{ what: string; move: (tally: Tally) => void; spool?: typeof EMPTY }>([
    { what: 'a refusal', move: (tally) => tally.refuse({ malformed_json: 1 }, 0) },
    { what: 'a failed key fetch', move: (tally) => tally.refuse({}, 1) },
    { what: 'a failed publish', move: (tally) => tally.fail() },
    { what: 'something dropped', move: () => {}, spool: { ...EMPTY, expired: 1 } },
    { what: 'something spooled', move: () => {}, spool: { ...EMPTY, beacons: 1, spooled: 1 } },
  ])('is so after $what', ({ move, spool = EMPTY }) => {
    const tally = createTally('e1');
    publish(tally, direct(0, 1));
    move(tally);
    expect(tally.isBehind(spool)).toBe(true);
  });

  it('is not so when only latency was counted', () => {
    const tally = createTally('e1');
    publish(tally, direct(0, 1));
    expect(tally.isBehind(EMPTY)).toBe(false);
  });

  it('is so when the broker kept an earlier copy, which has an older stamp', () => {
    const tally = createTally('e1');
    tally.fail();
    tally.stamp(drain(0, 5), { ...EMPTY, beacons: 5, spooled: 5 });
    tally.settle(drain(0, 5), 'repeated', 0.002);
    expect(tally.isBehind({ ...EMPTY, spooled: 5 })).toBe(true);
  });

  it('stays so when counters moved while the envelope was on its way', () => {
    const tally = createTally('e1');
    tally.stamp(direct(0, 1), EMPTY);
    tally.refuse({ rate_limited: 1 }, 0);
    tally.settle(direct(0, 1), 'stored', 0.002);
    expect(tally.isBehind(EMPTY)).toBe(true);
  });
});
