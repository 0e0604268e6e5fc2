import { describe, expect, it } from 'vitest';
import { edgeCounters } from '../../test/support/edge/beacon.ts';
import { createTotals, type EdgeTotals } from '../store/totals.ts';
import { absorb, type LaneEpochs } from './edge-totals.ts';

function setUp() {
  const totals: EdgeTotals = createTotals().edge;
  const epochs: LaneEpochs = new Map();
  const take = (overrides: Parameters<typeof edgeCounters>[0], carried = 0): boolean =>
    absorb(totals, epochs, { lane: 'f03', counters: edgeCounters(overrides), carried });
  return { totals, take };
}

describe('the counters of the edge', () => {
  it('adds up what they moved by', () => {
    const { totals, take } = setUp();
    take({ batch: 0, accepted: 3, rejected: { token_expired: 1 }, spooled: 2 });
    take({ batch: 1, accepted: 5, rejected: { token_expired: 1, malformed_json: 4 }, spooled: 2, drained: 2 });
    expect(totals).toMatchObject({ accepted: 5, spooled: 2, drained: 2 });
    expect(Object.fromEntries(totals.rejected)).toEqual({ token_expired: 1, malformed_json: 4 });
  });

  it('goes on over a restart of the Forwarder', () => {
    const { totals, take } = setUp();
    take({ epoch: 'a', batch: 0, accepted: 10 }, 10);
    take({ epoch: 'b', batch: 0, accepted: 1 }, 1);
    take({ epoch: 'b', batch: 1, accepted: 4 }, 3);
    expect(totals.accepted).toBe(14);
  });

  it('counts only the batch itself when it joins an epoch midway', () => {
    const { totals, take } = setUp();
    take({ batch: 70, accepted: 5_000, rejected: { rate_limited: 9 } }, 50);
    expect(totals.accepted).toBe(50);
    expect(totals.rejected.size).toBe(0);
    take({ batch: 71, accepted: 5_010, rejected: { rate_limited: 10 } }, 10);
    expect(totals.accepted).toBe(60);
    expect(totals.rejected.get('rate_limited')).toBe(1);
  });

  it('refuses a repeat, also one from before the restart of the Forwarder', () => {
    const { totals, take } = setUp();
    take({ epoch: 'a', batch: 0, accepted: 2 }, 2);
    take({ epoch: 'b', batch: 0, accepted: 3 }, 3);
    expect(take({ epoch: 'a', batch: 0, accepted: 2 }, 2)).toBe(false);
    expect(take({ epoch: 'b', batch: 0, accepted: 3 }, 3)).toBe(false);
    expect(totals.accepted).toBe(5);
  });

  it('lets no counter go down', () => {
    const { totals, take } = setUp();
    take({ batch: 0, accepted: 9 });
    take({ batch: 1, accepted: 4 });
    expect(totals.accepted).toBe(9);
  });

  it('adds the publish latency up by bucket', () => {
    const { totals, take } = setUp();
    const buckets = (first: number, last: number) => [first, ...new Array<number>(10).fill(0), last];
    take({ batch: 0, publish_seconds: { buckets: buckets(2, 1), sum: 5 } });
    take({ batch: 1, publish_seconds: { buckets: buckets(3, 1), sum: 5.001 } });
    expect([...totals.publishSeconds.counts]).toEqual(buckets(3, 1));
    expect(totals.publishSeconds.sum).toBeCloseTo(5.001);
  });
});
