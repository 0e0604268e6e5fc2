/** What a stream that was away brings when it is back, while the region was read through another. */
import { expect, it } from 'vitest';
import { encodeEntry, joinBatch } from '../../shared/batch.ts';
import type { Beacon } from '../../shared/beacon.ts';
import { encodeForwarderCounters, type ForwarderCounters } from '../../shared/forwarder-counters.ts';
import { forwarderCounters, validEntry } from '../../test/support/edge/beacon.ts';
import { createTestSessions, NOW } from '../store/testing.ts';
import { createForwarders, FORWARDER_HEARD_MS } from './forwarders.ts';
import { createIngest } from './ingest.ts';

const TTL_MS = 30_000;

type Times = { readonly storedAtMs: number; readonly nowMs: number; readonly passedMs: number };

function setUp() {
  const sessions = createTestSessions();
  const forwarders = createForwarders({
    regions: sessions.regions,
    shard: { index: 0, count: 1 },
    topology: 'ours',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders);
  let accepted = 0;
  return {
    sessions,
    forwarders,
    totals: sessions.totals('apac'),
    /** The next batch of the Forwarder, not read yet. */
    batch(...beacons: Partial<Beacon>[]): Uint8Array {
      accepted += beacons.length;
      const entries = beacons.map((beacon) => encodeEntry(validEntry(beacon, NOW)));
      return joinBatch({ slot: 0, epoch: 'e', accepted, sentAtMs: NOW }, entries);
    },
    read(data: Uint8Array, { storedAtMs = NOW, nowMs = NOW, passedMs = nowMs }: Partial<Times> = {}): void {
      ingest('health.diagnostics.apac.edge.f00', data, { storedAtMs, nowMs, passedMs });
    },
    hear(
      counters: Partial<ForwarderCounters>,
      { storedAtMs = NOW, nowMs = NOW, passedMs = nowMs }: Partial<Times> = {},
    ): void {
      const data = encodeForwarderCounters(forwarderCounters({ topology: 'ours', ...counters }));
      ingest('health.diagnostics.apac.forwarder.0', data, { storedAtMs, nowMs, passedMs });
    },
  };
}

it('applies a batch of the one that is read after a later batch of the other, and counts nothing twice', () => {
  const { batch, read, totals } = setUp();
  const [first, second, third] = [batch({ seq: 0 }), batch({ seq: 1 }, { session_id: 's-2' }), batch({ seq: 2 })];
  for (const data of [first, third, second, second, first]) read(data);
  expect(totals).toMatchObject({ applied: 4, duplicate: 0, lost: 0, repeatedBatches: 2, edge: { accepted: 4 } });
});

it('counts as late, and revives nobody with, what is from more than a TTL before what was read elsewhere', () => {
  const { batch, read, totals, sessions } = setUp();
  const [old, recent] = [batch({ session_id: 'gone' }), batch({ session_id: 'there' })];
  const nowMs = NOW + TTL_MS + 1_000;
  read(old, { storedAtMs: NOW, nowMs });
  expect(sessions.living()).toBe(0);
  read(recent, { storedAtMs: NOW + 2_000, nowMs });
  expect(sessions.living()).toBe(1);
  expect(totals).toMatchObject({ applied: 1, late: 1, edge: { accepted: 2 } });
});

it('takes what was missed while nothing was read for no more late than it was', () => {
  const { batch, read, totals, sessions } = setUp();
  // The region was down: it had been read up to when it was lost.
  read(batch({}), { storedAtMs: NOW + 5_000, nowMs: NOW + 3 * TTL_MS, passedMs: NOW });
  expect(sessions.living()).toBe(1);
  expect(totals).toMatchObject({ applied: 1, late: 0 });
});

it('adds what counters of it rose by, which say nothing of how the Forwarder is now', () => {
  const { hear, forwarders, totals } = setUp();
  hear({ isFirst: true, spooled: 1, inSpool: 1, sentAtMs: NOW });
  const nowMs = NOW + 2 * FORWARDER_HEARD_MS;
  hear({ spooled: 9, inSpool: 9, topology: 'older', sentAtMs: NOW - 1_000 }, { nowMs });
  forwarders.refresh(nowMs);
  expect(totals.edge).toMatchObject({ spooled: 9, forwarders: 0, hasTopologyMismatch: false });
  expect(totals.edge.inSpool.get(0)).toBe(1);
});
