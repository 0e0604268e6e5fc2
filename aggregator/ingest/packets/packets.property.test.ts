/** Laws of the store where packets and beacons of the same sessions come in any order, repeated or late. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHealthPacket } from '../../../demo/media/packets.ts';
import { encodeEntry, joinBatch } from '../../../shared/batch.ts';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import { validPacket, validPeer } from '../../../test/support/media/packet.ts';
import { MEASURE } from '../../live/measures.ts';
import { createTestSessions, NOW } from '../../store/testing.ts';
import { createForwarders } from '../forwarders.ts';
import { createIngest } from '../ingest.ts';
import { createPackets } from './packets.ts';

const TTL_SECONDS = 30;

const step = fc.record({
  kind: fc.constantFrom('packet', 'packet', 'beacon', 'repeat', 'leave'),
  session: fc.nat(3),
  meeting: fc.nat(1),
  /** Since the step before. */
  seconds: fc.nat(12),
  /** How long before it a packet was stored: another stream's are read later. */
  lateSeconds: fc.constantFrom(0, 0, 0, 7),
  peers: fc.subarray(['s-0', 's-1', 's-2', 's-3']),
  rttMs: fc.constantFrom(0, 80, 400),
  started: fc.constantFrom(undefined, 1, 2),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function setUp() {
  const sessions = createTestSessions({ ttlSeconds: TTL_SECONDS });
  const shard = { index: 0, count: 1 };
  const forwarders = createForwarders({
    regions: sessions.regions,
    shard,
    topology: 'ours',
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const packets = createPackets({
    sessions,
    serverTypes: ['websocket'],
    shard,
    lanes: 1,
    idHashSecret: 'a-secret-of-thirty-two-bytes-for-ids',
  });
  const ingest = createIngest(sessions, forwarders, { packets });
  let accepted = 0;
  let stamp = 0;
  let newest: Uint8Array | undefined;

  function sendPacket(one: Step, atMs: number): void {
    if (one.kind !== 'repeat' || !newest) {
      const peer_stats = Object.fromEntries(one.peers.map((peer) => [peer, validPeer()]));
      const packet = { session_id: `s-${one.session}`, meeting_id: `m-${one.meeting}`, timestamp_ms: ++stamp };
      newest = encodeHealthPacket(validPacket({ ...packet, peer_stats, active_server_rtt_ms: one.rttMs }));
    }
    const storedAtMs = atMs - one.lateSeconds * 1000;
    ingest('health.diagnostics.apac.websocket.a', newest, { storedAtMs, nowMs: atMs });
  }

  function sendBeacon(one: Step, atMs: number): void {
    const beacon = {
      session_id: `s-${one.session}`,
      meeting_id: `m-${one.meeting}`,
      seq: accepted,
      ...(one.started && { started: one.started }),
      ...(one.kind === 'leave' && { leaving: true as const }),
      peers: one.peers.map((peer_id) => ({ peer_id })),
    };
    const header = { slot: 0, epoch: 'e', accepted: ++accepted, sentAtMs: atMs };
    ingest('health.diagnostics.apac.edge.f00', joinBatch(header, [encodeEntry(validEntry(beacon, atMs))]), {
      storedAtMs: atMs,
      nowMs: atMs,
    });
  }

  return {
    sessions,
    take(one: Step, atMs: number): void {
      sessions.expire(atMs);
      if (one.kind === 'beacon' || one.kind === 'leave') sendBeacon(one, atMs);
      else sendPacket(one, atMs);
    },
  };
}

describe('packets and beacons of the same sessions', () => {
  it('count each session once, add up to what lives, and leave nothing behind', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { sessions, take } = setUp();
        let atMs = NOW;
        let packets = 0;
        for (const one of steps) {
          atMs += one.seconds * 1000;
          take(one, atMs);
          if (one.kind === 'packet' || one.kind === 'repeat') packets++;
          const living = [...sessions.meetings()].flatMap((meeting) => [...meeting.sessions.values()]);
          const cells = [...sessions.cells()];
          const sum = (of: (cell: (typeof cells)[number]) => number) => cells.reduce((all, cell) => all + of(cell), 0);
          expect(sum((cell) => cell.sessions)).toBe(living.length);
          expect(sum((cell) => cell.peers)).toBe(living.reduce((all, { peers }) => all + peers.length, 0));
          expect(sum((cell) => cell.live[MEASURE.rtt]?.count ?? 0)).toBe(living.filter(({ rtt }) => rtt >= 0).length);
          const { applied, duplicate, late, superseded } = sessions.totals('apac').packets;
          expect(applied + duplicate + late + superseded).toBe(packets);
        }
        atMs += (TTL_SECONDS + 1) * 1000;
        while (sessions.expire(atMs));
        expect(sessions.living()).toBe(0);
        expect(sessions.headcount('apac')).toEqual({ meetings: 0, participants: 0 });
        for (const cell of sessions.cells()) expect([cell.sessions, cell.peers]).toEqual([0, 0]);
        expect(sessions.budget.used).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
