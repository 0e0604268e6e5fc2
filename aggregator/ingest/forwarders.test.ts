import { describe, expect, it } from 'vitest';
import { encodeForwarderCounters, type ForwarderCounters, SPOOL_AGE_MS } from '../../shared/forwarder-counters.ts';
import type { Shard } from '../../shared/subjects.ts';
import { forwarderCounters } from '../../test/support/edge/beacon.ts';
import { createTotals } from '../store/totals.ts';
import { createForwarders, FORWARDER_HEARD_MS, type RouteReport, type TopologyReport } from './forwarders.ts';

function setUp(shard: Shard = { index: 0, count: 1 }) {
  const totals = createTotals().edge;
  const reported: TopologyReport[] = [];
  const routes: RouteReport[] = [];
  const forwarders = createForwarders({
    regions: ['apac'],
    shard,
    topology: 'ours',
    totalsOf: () => totals,
    onTopology: (report) => reported.push(report),
    onRoute: (report) => routes.push(report),
  });
  const take = (overrides: Partial<ForwarderCounters>, nowMs = 0) => {
    const counters = forwarderCounters({ topology: 'ours', ...overrides });
    return forwarders.take({ region: 'apac', slot: counters.slot, data: encodeForwarderCounters(counters), nowMs });
  };
  return { totals, forwarders, reported, routes, take };
}

describe('the counters of Forwarders', () => {
  it('add up what they rose by', () => {
    const { totals, take } = setUp();
    take({ isFirst: true, rejected: { token_expired: 1 }, spooled: 2 });
    take({ rejected: { token_expired: 1, malformed_json: 4 }, spooled: 2, drained: 2, overloadedCalls: 1 });
    expect(totals).toMatchObject({ spooled: 2, drained: 2, overloadedCalls: 1 });
    expect(Object.fromEntries(totals.rejected)).toEqual({ token_expired: 1, malformed_json: 4 });
  });

  it('go on over a restart of the Forwarder, with what its next start inherited', () => {
    const { totals, take } = setUp();
    take({ epoch: 'a', isFirst: true });
    take({ epoch: 'a', publishErrors: 10 });
    take({ epoch: 'b', isFirst: true, droppedExpired: 3 });
    take({ epoch: 'b', publishErrors: 2, droppedExpired: 3 });
    expect(totals).toMatchObject({ publishErrors: 12, droppedExpired: 3 });
  });

  it('count nothing of what an epoch counted before we heard of it', () => {
    const { totals, take } = setUp();
    take({ rejected: { rate_limited: 9 }, spooled: 70, inSpool: 4 });
    expect(totals).toMatchObject({ spooled: 0 });
    expect(totals.inSpool.get(0)).toBe(4);
    take({ rejected: { rate_limited: 10 }, spooled: 71, inSpool: 5 });
    expect([totals.rejected.get('rate_limited'), totals.spooled, totals.inSpool.get(0)]).toEqual([1, 1, 5]);
  });

  it('let nothing fall, and let an older epoch that comes late change neither spool nor topology', () => {
    const { totals, take, reported } = setUp();
    take({ epoch: 'a', isFirst: true });
    take({ epoch: 'b', isFirst: true, inSpool: 7, spooled: 7 });
    take({ epoch: 'a', inSpool: 3, spooled: 3, topology: 'older' });
    take({ epoch: 'b', spooled: 2, inSpool: 7 });
    expect(totals.spooled).toBe(10);
    expect(totals.inSpool.get(0)).toBe(7);
    expect(reported).toEqual([]);
  });

  it('say who publishes through the NATS of another region, by its newest message, whichever stream brings it when', () => {
    const { totals, forwarders, routes, take } = setUp();
    const onFallback = () => {
      forwarders.refresh(0);
      return totals.forwardersOnFallback;
    };
    take({ isFirst: true, sentAtMs: 1_000 });
    take({ slot: 1, isFirst: true, sentAtMs: 1_000 });
    expect(onFallback()).toBe(0);
    take({ via: 'eu-west', sentAtMs: 3_000, inSpool: 4 });
    expect(onFallback()).toBe(1);
    // The region's own stream is read again.
    take({ sentAtMs: 2_000, inSpool: 9 });
    expect([onFallback(), totals.inSpool.get(0)]).toEqual([1, 4]);
    take({ sentAtMs: 4_000 });
    expect(onFallback()).toBe(0);
    expect(routes.map(({ slot, via }) => [slot, via])).toEqual([
      [0, 'eu-west'],
      [0, 'apac'],
    ]);
  });

  it('are heard also after the clock of the Forwarder was set back', () => {
    const { totals, forwarders, take } = setUp();
    take({ isFirst: true, sentAtMs: 1_000_000 }, 0);
    take({ sentAtMs: 400_000, inSpool: 7 }, FORWARDER_HEARD_MS);
    forwarders.refresh(FORWARDER_HEARD_MS + 1);
    expect([totals.forwarders, totals.inSpool.get(0)]).toEqual([1, 7]);
  });

  it('count nothing twice after an older message of the same epoch that comes late', () => {
    const { totals, take } = setUp();
    const buckets = [3, ...new Array<number>(11).fill(0)];
    const newest = { spooled: 9, rejected: { rate_limited: 4 }, publishSeconds: { buckets, sum: 1 } };
    take({ isFirst: true });
    take(newest);
    take({ spooled: 2, rejected: { rate_limited: 1 } });
    take(newest);
    expect(totals).toMatchObject({ spooled: 9, publishSeconds: { sum: 1 } });
    expect([totals.rejected.get('rate_limited'), totals.publishSeconds.counts[0]]).toEqual([4, 3]);
  });

  it.each<[string, Partial<ForwarderCounters>]>([
    ['a counter', { spooled: 2 ** 53 - 1 }],
    ['a reason', { rejected: { rate_limited: 2 ** 53 - 1 } }],
    ['a bucket', { publishSeconds: { buckets: [2 ** 53 - 1], sum: 0 } }],
    ['a sum', { publishSeconds: { buckets: [], sum: 1e308 } }],
    ['a spool', { inSpool: 2 ** 53 - 1 }],
  ])('take no message whose numbers a Forwarder cannot have reached: %s', (_, lie) => {
    const { totals, take } = setUp();
    take({ isFirst: true });
    const before = JSON.stringify(totals);
    for (const epoch of ['epoch-1', 'b', 'c'])
      expect(take({ epoch, isFirst: epoch !== 'epoch-1', ...lie })).toBe(false);
    expect(JSON.stringify(totals)).toBe(before);
    take({ spooled: 1, inSpool: 1 });
    expect([totals.spooled, totals.inSpool.get(0), totals.rejected.size]).toEqual([1, 1, 0]);
  });

  it('add the publish latency up by bucket', () => {
    const { totals, take } = setUp();
    const buckets = (first: number, last: number) => [first, ...new Array<number>(10).fill(0), last];
    take({ isFirst: true, publishSeconds: { buckets: buckets(2, 1), sum: 5 } });
    take({ publishSeconds: { buckets: buckets(3, 1), sum: 5.001 } });
    expect([...totals.publishSeconds.counts]).toEqual(buckets(3, 1));
    expect(totals.publishSeconds.sum).toBeCloseTo(5.001);
  });

  it('are counted by the shard that has their slot, and heard by every shard', () => {
    const { totals, take, forwarders } = setUp({ index: 1, count: 2 });
    for (const slot of [0, 1, 2, 3]) take({ slot, isFirst: true, spooled: 10 ** slot, inSpool: 1, topology: 'theirs' });
    expect(totals.spooled).toBe(1_010);
    expect([...totals.inSpool.keys()]).toEqual([1, 3]);
    forwarders.refresh(0);
    expect([totals.forwarders, totals.hasTopologyMismatch]).toEqual([4, true]);
  });

  it('are rejected when damaged, or when the slot is not the one of the subject', () => {
    const { forwarders, totals } = setUp();
    const data = encodeForwarderCounters(forwarderCounters({ slot: 1 }));
    expect(forwarders.take({ region: 'apac', slot: 0, data, nowMs: 0 })).toBe(false);
    expect(forwarders.take({ region: 'apac', slot: 1, data: data.slice(1), nowMs: 0 })).toBe(false);
    forwarders.refresh(0);
    expect(totals.forwarders).toBe(0);
  });

  it('say who was heard lately', () => {
    const { forwarders, totals, take } = setUp();
    const heardAt = (nowMs: number) => {
      forwarders.refresh(nowMs);
      return totals.forwarders;
    };
    take({ slot: 0 }, 1_000);
    take({ slot: 1 }, 2_000);
    expect(heardAt(1_000 + FORWARDER_HEARD_MS)).toBe(2);
    expect(heardAt(1_001 + FORWARDER_HEARD_MS)).toBe(1);
  });

  it('leave the gauge of the spools when they were silent for as long as a spool keeps beacons', () => {
    const { forwarders, totals, take } = setUp();
    const inSpoolsAt = (nowMs: number) => {
      forwarders.refresh(nowMs);
      return [...totals.inSpool];
    };
    take({ slot: 0, inSpool: 5 }, 1_000);
    take({ slot: 1, inSpool: 7 }, 2_000);
    // A Forwarder that can't reach NATS is silent and has a full spool: that is when the figure matters.
    expect(inSpoolsAt(1_000 + SPOOL_AGE_MS)).toEqual([
      [0, 5],
      [1, 7],
    ]);
    expect(inSpoolsAt(1_001 + SPOOL_AGE_MS)).toEqual([[1, 7]]);
    take({ slot: 0, inSpool: 6 }, 700_000);
    expect(inSpoolsAt(700_000)).toEqual([[0, 6]]);
  });

  it('report a different topology once for each change, until its Forwarder is gone', () => {
    const { forwarders, totals, take, reported } = setUp();
    const mismatchAt = (nowMs: number) => {
      forwarders.refresh(nowMs);
      return totals.hasTopologyMismatch;
    };
    for (const topology of ['', 'ours', 'theirs', 'theirs', 'ours']) take({ topology }, 1_000);
    const both = { region: 'apac', slot: 0, ours: 'ours' };
    expect(reported).toEqual([
      { ...both, theirs: 'theirs' },
      { ...both, theirs: 'ours' },
    ]);
    expect(mismatchAt(1_000)).toBe(false);
    take({ topology: 'theirs' }, 2_000);
    expect(mismatchAt(2_000)).toBe(true);
    expect(mismatchAt(2_001 + FORWARDER_HEARD_MS)).toBe(false);
  });
});
