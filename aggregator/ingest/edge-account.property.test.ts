/**
 * The account of the edge: whatever its Forwarders go through and in whatever order their messages come, what the shards
 * count together as accepted never falls and is never more than what clients were answered.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeEntry, joinBatch } from '../../shared/batch.ts';
import { encodeForwarderCounters } from '../../shared/forwarder-counters.ts';
import { edgeSubject, forwarderSubject, laneName } from '../../shared/subjects.ts';
import { forwarderCounters, validEntry } from '../../test/support/edge/beacon.ts';
import { acceptedBeacons } from '../metrics/edge-families.ts';
import { readRegion } from '../metrics/store-reader.ts';
import type { Sessions } from '../store/sessions.ts';
import { createTestSessions, NOW } from '../store/testing.ts';
import { createForwarders } from './forwarders.ts';
import { createIngest, type Ingest } from './ingest.ts';

const REGION = 'apac';
const LANES = 3;
const SHARDS = 2;
const SLOTS = [0, 1];
const COUNTS = ['accepted', 'rejected', 'spooled', 'drained'] as const;
type Count = (typeof COUNTS)[number];

type Message = { readonly subject: string; readonly data: Uint8Array; readonly lane?: number };

const event = fc.record({
  slot: fc.constantFrom(...SLOTS),
  lane: fc.nat(LANES - 1),
  kind: fc.constantFrom('publish', 'spool', 'drain', 'expire', 'report', 'report', 'lose', 'restart', 'reject'),
  beacons: fc.integer({ min: 1, max: 4 }),
  /** By how many messages it comes too late, and whether it comes twice. */
  delay: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(20) }),
  isRepeated: fc.boolean(),
});
const events = fc.array(event, { maxLength: 60, size: 'max' });
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

let ids = 0;
const newId = (): string => `id-${ids++}`;

/** A Forwarder as far as its account goes: what it answers, publishes, spools and says. */
function createEdge(slot: number) {
  const entry = encodeEntry(validEntry());
  const lanes = Array.from({ length: LANES }, () => ({ epoch: newId(), accepted: 0, spooled: 0 }));
  const account = { accepted: 0, rejected: 0, spooled: 0, drained: 0 };
  let counters = { epoch: newId(), isFirst: true, spooled: 0, drained: 0, droppedExpired: 0, rejected: 0 };
  let reported = { spooled: 0, drained: 0, droppedExpired: 0 };

  function batch(number: number, beacons: number): Message {
    const lane = lanes[number] as (typeof lanes)[number];
    lane.accepted += beacons;
    const header = { slot, epoch: lane.epoch, accepted: lane.accepted, sentAtMs: NOW };
    const data = joinBatch(header, new Array<Uint8Array>(beacons).fill(entry));
    return { subject: edgeSubject(REGION, laneName(number)), data, lane: number };
  }

  function report(): Message {
    const { epoch, isFirst, spooled, drained, droppedExpired } = counters;
    const inSpool = lanes.reduce((sum, lane) => sum + lane.spooled, 0);
    const rejected = { invalid_id: counters.rejected };
    const said = forwarderCounters({ slot, epoch, isFirst, spooled, drained, droppedExpired, inSpool, rejected });
    counters.isFirst = false;
    reported = { spooled, drained, droppedExpired };
    return { subject: forwarderSubject(REGION, slot), data: encodeForwarderCounters(said) };
  }

  /** The spool's counts survive as far as they were not reported. */
  function restart(): void {
    const { spooled, drained, droppedExpired } = counters;
    counters = {
      epoch: newId(),
      isFirst: true,
      spooled: spooled - reported.spooled,
      drained: drained - reported.drained,
      droppedExpired: droppedExpired - reported.droppedExpired,
      rejected: 0,
    };
    reported = { spooled: 0, drained: 0, droppedExpired: 0 };
    for (const lane of lanes) Object.assign(lane, { epoch: newId(), accepted: 0 });
  }

  function act({ kind, lane: number, beacons }: Event): Message | undefined {
    const lane = lanes[number] as (typeof lanes)[number];
    const some = Math.min(beacons, lane.spooled);
    switch (kind) {
      case 'publish':
        account.accepted += beacons;
        return batch(number, beacons);
      case 'spool':
        account.accepted += beacons;
        account.spooled += beacons;
        lane.spooled += beacons;
        counters.spooled += beacons;
        return undefined;
      case 'drain':
        lane.spooled -= some;
        account.drained += some;
        counters.drained += some;
        return some > 0 ? batch(number, some) : undefined;
      case 'expire':
        lane.spooled -= some;
        counters.droppedExpired += some;
        return undefined;
      case 'reject':
        account.rejected++;
        counters.rejected++;
        return undefined;
      case 'lose':
        Object.assign(lane, { epoch: newId(), accepted: 0 });
        return undefined;
      case 'restart':
        restart();
        return undefined;
      case 'report':
        return report();
    }
  }

  return { account, act, report, inSpool: () => lanes.reduce((sum, lane) => sum + lane.spooled, 0) };
}

type Shard = { readonly sessions: Sessions; readonly ingest: Ingest; readonly index: number };

function createShard(index: number): Shard {
  const sessions = createTestSessions({ regions: [REGION] });
  const forwarders = createForwarders({
    regions: [REGION],
    shard: { index, count: SHARDS },
    topology: 'ours',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  return { sessions, ingest: createIngest(sessions, forwarders), index };
}

function createShards() {
  const shards = Array.from({ length: SHARDS }, (_, index) => createShard(index));
  const sum = (count: (sessions: Sessions) => number) =>
    shards.reduce((total, { sessions }) => total + count(sessions), 0);
  return {
    take({ subject, data, lane }: Message): void {
      for (const { ingest, index } of shards) {
        if (lane === undefined || lane % SHARDS === index) ingest(subject, data, { storedAtMs: NOW, nowMs: NOW });
      }
    },
    /** Each of them only ever rises. */
    counts: () => ({
      accepted: sum((sessions) => acceptedBeacons(readRegion(sessions, REGION))),
      rejected: sum((sessions) => sessions.totals(REGION).edge.rejected.get('invalid_id') ?? 0),
      spooled: sum((sessions) => sessions.totals(REGION).edge.spooled),
      drained: sum((sessions) => sessions.totals(REGION).edge.drained),
    }),
  };
}

function createForwardersOfRegion() {
  const edges = SLOTS.map(createEdge);
  return {
    act: (made: Event) => edges[made.slot]?.act(made),
    reports: () => edges.map(({ report }) => report()),
    /** What really happened so far. */
    account: (name: Count) => edges.reduce((sum, { account }) => sum + account[name], 0),
    inSpool: () => edges.reduce((sum, { inSpool }) => sum + inSpool(), 0),
  };
}

it('what is counted of the edge never falls and is never more than what happened, however its messages come', () => {
  fc.assert(
    fc.property(events, (made) => {
      const edge = createForwardersOfRegion();
      const shards = createShards();
      let before = shards.counts();
      const waiting: { message: Message; at: number }[] = [];
      for (const [at, one] of made.entries()) {
        const message = edge.act(one);
        if (message) waiting.push({ message, at: at + one.delay });
        if (message && one.isRepeated) waiting.push({ message, at: at + one.delay + 1 });
        for (const due of waiting.filter((each) => each.at <= at)) {
          waiting.splice(waiting.indexOf(due), 1);
          shards.take(due.message);
          const now = shards.counts();
          for (const name of COUNTS) {
            expect(now[name], name).toBeGreaterThanOrEqual(before[name]);
            expect(now[name], name).toBeLessThanOrEqual(edge.account(name));
          }
          before = now;
        }
      }
    }),
  );
});

it('what the edge accepted is what it answered, less what waits in spools, when its messages come in order', () => {
  fc.assert(
    fc.property(events, (made) => {
      const edge = createForwardersOfRegion();
      const shards = createShards();
      for (const report of edge.reports()) shards.take(report);
      for (const one of made) {
        const message = edge.act(one);
        if (message) shards.take(message);
        if (message && one.isRepeated) shards.take(message);
      }
      for (const report of edge.reports()) shards.take(report);
      expect(shards.counts().accepted).toBe(edge.account('accepted') - edge.inSpool());
    }),
  );
});
