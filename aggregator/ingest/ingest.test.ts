import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type BatchHeader, encodeEntry, joinBatch } from '../../shared/batch.ts';
import type { Beacon } from '../../shared/beacon.ts';
import { encodeForwarderCounters } from '../../shared/forwarder-counters.ts';
import { forwarderCounters, validEntry } from '../../test/support/edge/beacon.ts';
import type { Sessions } from '../store/sessions.ts';
import { createTestSessions, NOW } from '../store/testing.ts';
import { createForwarders, FORWARDER_HEARD_MS, type Forwarders } from './forwarders.ts';
import { createIngest, type Ingest } from './ingest.ts';

const SUBJECT = 'health.diagnostics.apac.edge.f03';
const FORWARDER_SUBJECT = 'health.diagnostics.apac.forwarder.0';

/** Sends a message that the broker stored at `storedAtMs`, and that is read when it is `nowMs` there. */
type Send = (message: Uint8Array, subject?: string, storedAtMs?: number, nowMs?: number) => void;

function setUp(): { sessions: Sessions; ingest: Ingest; send: Send; forwarders: Forwarders } {
  const sessions = createTestSessions();
  const forwarders = createForwarders({
    regions: sessions.regions,
    shard: { index: 0, count: 1 },
    topology: 'ours',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders);
  return {
    sessions,
    ingest,
    forwarders,
    send: (sent, subject = SUBJECT, storedAtMs = NOW, nowMs = storedAtMs) =>
      ingest(subject, sent, { storedAtMs, nowMs }),
  };
}

function message(header: Partial<BatchHeader>, ...beacons: Partial<Beacon>[]): Uint8Array {
  const entries = beacons.map((beacon) => encodeEntry(validEntry(beacon, NOW)));
  return joinBatch({ slot: 0, epoch: 'epoch-1', accepted: beacons.length, sentAtMs: NOW, ...header }, entries);
}

describe('ingest', () => {
  it('applies the beacons of a batch', () => {
    const { sessions, send } = setUp();
    send(message({}, { session_id: 's-1' }, { session_id: 's-2' }));
    expect(sessions.living()).toBe(2);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, invalid: 0, edge: { accepted: 2 } });
  });

  it.each<[string, Uint8Array, number]>([
    ['nothing', new Uint8Array(0), 1],
    ['JSON', new TextEncoder().encode('{"v":1,"region":"apac"}'), 1],
    ['no epoch, and with two beacons', message({ epoch: '' }, {}, { seq: 1 }), 2],
    ['an epoch that is no id', message({ epoch: 'a b' }, {}), 1],
    ['a slot over the limit', message({ slot: 4_000 }, {}), 1],
    ['a count above 2^53', message({ accepted: 2 ** 60 }, {}), 1],
  ])('counts a message with %s as invalid, and changes nothing else', (_, sent, invalid) => {
    const { sessions, send } = setUp();
    send(sent);
    expect(sessions.totals('apac')).toMatchObject({ applied: 0, invalid, edge: { accepted: 0 } });
    expect(sessions.living()).toBe(0);
  });

  it('leaves out a damaged beacon, applies those beside it, and keeps the account', () => {
    const { sessions, send } = setUp();
    send(message({}, { session_id: 's-1' }, { session_id: 's 2' }, { session_id: 's-3' }));
    expect(sessions.living()).toBe(2);
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, invalid: 1, edge: { accepted: 3 } });
  });

  it('applies what stands before the end of a message that was cut off', () => {
    const { sessions, send } = setUp();
    send(message({}, { session_id: 's-1' }, { session_id: 's-2' }).slice(0, -1));
    expect(sessions.totals('apac')).toMatchObject({ applied: 1, invalid: 1 });
  });

  it('ignores regions that are not ours, and services that are not the edge', () => {
    const { sessions, send } = setUp();
    send(message({}, {}), 'health.diagnostics.nowhere.edge.f03');
    send(message({}, {}), 'health.diagnostics.apac.relay.f03');
    expect(sessions.living()).toBe(0);
  });

  it('skips a batch that was published twice, whole, also after the next start of its Forwarder', () => {
    const { sessions, send } = setUp();
    const batch = message({ accepted: 4 }, {});
    for (const sent of [batch, batch, message({ epoch: 'epoch-2' }, { session_id: 's-2' }), batch]) send(sent);
    expect(sessions.totals('apac')).toMatchObject({
      applied: 2,
      duplicate: 0,
      repeatedBatches: 2,
      edge: { accepted: 2 },
    });
  });

  it('takes no count that a Forwarder cannot have reached: what follows is counted and applied as before', () => {
    const { sessions, send } = setUp();
    send(message({ accepted: 1 }, { session_id: 's-1' }));
    send(message({ accepted: 2 ** 53 - 1 }, { session_id: 's-2' }, { session_id: 's-3' }));
    send(message({ accepted: 2 }, { session_id: 's-4' }));
    expect(sessions.totals('apac')).toMatchObject({
      applied: 2,
      invalid: 2,
      repeatedBatches: 0,
      edge: { accepted: 2 },
    });
  });

  it('keeps the batches of two Forwarders on one lane apart', () => {
    const { sessions, send } = setUp();
    for (const slot of [0, 1]) send(message({ slot }, { session_id: `s-${slot}` }));
    expect(sessions.totals('apac')).toMatchObject({ applied: 2, repeatedBatches: 0 });
  });

  it('adds the counters of a Forwarder, and counts its damaged messages', () => {
    const { sessions, send } = setUp();
    const counters = forwarderCounters({ isFirst: true, rejected: { invalid_id: 3 }, inSpool: 2 });
    send(encodeForwarderCounters(counters), FORWARDER_SUBJECT);
    send(encodeForwarderCounters(counters).slice(1), FORWARDER_SUBJECT);
    const { edge } = sessions.totals('apac');
    expect([edge.rejected.get('invalid_id'), edge.inSpool.get(0), edge.invalidMessages]).toEqual([3, 2, 1]);
  });

  it('keeps no message alive by the ids that it took from it', () => {
    const { sessions, send } = setUp();
    // Each message is some 30 kB and leaves one session behind, whose ids are long enough to be slices of it.
    const sendOne = (n: number) => {
      const ids = { session_id: `session-with-a-long-name-${n}`, participant_id: `participant-with-a-long-name-${n}` };
      const beacons = Array.from({ length: 200 }, (_, seq) => ({ ...ids, meeting_id: `meeting-${n}-of-a-day`, seq }));
      send(message({ epoch: `${n}` }, ...beacons));
    };
    sendOne(0);
    const before = liveBytes();
    for (let n = 1; n < 200; n++) sendOne(n);
    expect(sessions.living()).toBe(200);
    expect(liveBytes() - before).toBeLessThan(3_000_000);
  });
});

/** The heap in use after a full collection, and what buffers hold beside it. */
function liveBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** All that a record counts. */
function numbersOf(record: object): string {
  return JSON.stringify(record, (_, value) => (value instanceof Map ? [...value] : value));
}

describe('history, which an earlier process has counted,', () => {
  const restarted = (...history: readonly [message: Uint8Array, subject: string][]) => {
    const { sessions, ingest, send, forwarders } = setUp();
    for (const [sent, subject] of history)
      ingest(subject, sent, { storedAtMs: NOW, nowMs: NOW + 9_000, isHistory: true });
    return { sessions, send, forwarders };
  };

  it('rebuilds the sessions and counts nothing', () => {
    const counters = encodeForwarderCounters(
      forwarderCounters({ isFirst: true, accepted: 3, rejected: { invalid_id: 3 } }),
    );
    const batch = message({ accepted: 2 }, { session_id: 's-1' }, { session_id: 's 2' });
    const { sessions } = restarted(
      [batch, SUBJECT],
      [batch, SUBJECT],
      [new Uint8Array(1), SUBJECT],
      [counters, FORWARDER_SUBJECT],
      [counters.slice(1), FORWARDER_SUBJECT],
    );
    expect(sessions.living()).toBe(1);
    const { edge, ...totals } = sessions.totals('apac');
    const { edge: noEdge, ...noTotals } = setUp().sessions.totals('apac');
    expect(numbersOf(totals)).toBe(numbersOf(noTotals));
    // What is measured, and not counted, is known.
    expect(numbersOf(edge)).toBe(numbersOf({ ...noEdge, inSpool: new Map([[0, 0]]), skewSeconds: edge.skewSeconds }));
  });

  it('is where the counters of a Forwarder go on from', () => {
    const counters = (spooled: number) => encodeForwarderCounters(forwarderCounters({ spooled }));
    const { sessions, send } = restarted([counters(40), FORWARDER_SUBJECT]);
    send(counters(42), FORWARDER_SUBJECT);
    expect(sessions.totals('apac').edge.spooled).toBe(2);
  });

  it('has Forwarders that were heard when they sent it, and not when it is read', () => {
    const counters = encodeForwarderCounters(forwarderCounters({ topology: 'theirs' }));
    const { sessions, forwarders } = restarted([counters, FORWARDER_SUBJECT]);
    const { edge } = sessions.totals('apac');
    forwarders.refresh(NOW + FORWARDER_HEARD_MS);
    expect(edge).toMatchObject({ forwarders: 1, hasTopologyMismatch: true });
    forwarders.refresh(NOW + FORWARDER_HEARD_MS + 1);
    expect(edge).toMatchObject({ forwarders: 0, hasTopologyMismatch: false });
  });

  it('makes a batch of it that comes once more a repeat', () => {
    const batch = message({}, {});
    const { sessions, send } = restarted([batch, SUBJECT]);
    send(batch);
    expect(sessions.totals('apac')).toMatchObject({ applied: 0, duplicate: 0, repeatedBatches: 1 });
  });
});

describe('clocks', () => {
  const MINUTE = 60_000;
  /** A beacon that waited for `waitedMs` at an edge whose clock is `aheadMs` ahead. */
  const sent = (aheadMs: number, waitedMs: number, seq = 0): Uint8Array => {
    const sentAtMs = NOW + MINUTE + aheadMs;
    const entry = encodeEntry(validEntry({ seq }, sentAtMs - waitedMs));
    return joinBatch({ slot: 0, epoch: 'epoch-1', accepted: seq + 1, sentAtMs }, [entry]);
  };

  it.each([0, 3_600_000, -3_600_000, 29_000, -29_000])(
    'give the same lifetime and delay with an edge that is %i ms ahead',
    (aheadMs) => {
      const { sessions, send } = setUp();
      send(sent(aheadMs, 3_000), SUBJECT, NOW + MINUTE);
      expect(sessions.totals('apac')).toMatchObject({ applied: 1, late: 0, ingestDelay: { sum: 3 } });
      while (sessions.expire(NOW + MINUTE + 26_900));
      expect(sessions.living()).toBe(1);
      while (sessions.expire(NOW + MINUTE + 27_250));
      expect(sessions.living()).toBe(0);
    },
  );

  it('count a beacon that waited at the edge for more than a TTL as late, and its delay too', () => {
    const { sessions, send } = setUp();
    send(sent(-3_600_000, 31_000), SUBJECT, NOW + MINUTE);
    expect(sessions.totals('apac')).toMatchObject({ applied: 0, late: 1, ingestDelay: { sum: 31 } });
  });

  it('do not make a message late that waited for us, and show in its delay how long', () => {
    const { sessions, send } = setUp();
    send(sent(0, 0), SUBJECT, NOW + MINUTE, NOW + 2 * MINUTE);
    expect(sessions.totals('apac')).toMatchObject({ applied: 1, late: 0, ingestDelay: { sum: 60 } });
  });

  it('take whatever an edge claims', () => {
    const { sessions, send } = setUp();
    for (const [seq, claimed] of [0, Number.MAX_SAFE_INTEGER].entries()) {
      const entry = encodeEntry(validEntry({ seq }, claimed));
      const header = { slot: 0, epoch: 'epoch-1', accepted: seq + 1, sentAtMs: Number.MAX_SAFE_INTEGER - claimed };
      send(joinBatch(header, [entry]));
    }
    expect(sessions.totals('apac')).toMatchObject({ late: 1, applied: 1 });
    while (sessions.expire(NOW + 30_250));
    expect(sessions.living()).toBe(0);
  });
});
