/**
 * Takes calls and hands their beacons to the lanes; a call is answered when each of its beacons is safe or
 * rejected. Lanes don't wait for each other, but a call waits for the slowest of its own: 2 s at most.
 */
import { laneName } from '../../shared/subjects.ts';
import type { ForwardAnswer, ForwardCall } from '../forward/call.ts';
import type { Log } from '../log.ts';
import { createCallers } from './callers.ts';
import type { Connection } from './connection/connection.ts';
import type { Counters } from './counters.ts';
import { joinBytes } from './entries.ts';
import { createLane, type Lane } from './lane.ts';
import { createPublisher } from './publisher.ts';
import type { Arrival, QueueLimits } from './queue.ts';
import type { Spool } from './spool.ts';
import { createTicket, type Ticket } from './ticket.ts';

export type OutboxParts = {
  readonly region: string;
  readonly slot: number;
  readonly spool: Spool;
  readonly counters: Counters;
  readonly connection: Connection;
  readonly log: Log;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
  /** A random id that nobody can guess. */
  readonly newId: () => string;
  /** Schedules a {@link Outbox.pump} in about a second, even if this object is evicted before. */
  readonly retrySoon: () => void;
  /** Counters may have changed. */
  readonly onChange: () => void;
  readonly queueLimits?: QueueLimits;
};

export type Outbox = {
  submit(call: ForwardCall): Promise<ForwardAnswer>;
  /** Publishes what is in the spool. Resolves when every lane is done or has failed. */
  pump(): Promise<void>;
};

const NOTHING_REJECTED: ForwardAnswer = { rejected: [] };

export function createOutbox(parts: OutboxParts): Outbox {
  const { spool, counters, log, now, onChange } = parts;
  const callers = createCallers();
  const lanes = new Map<string, Lane>();

  function laneOf(name: string): Lane {
    const known = lanes.get(name);
    if (known) return known;
    const publisher = createPublisher({ ...parts, lane: name });
    const lane = createLane({ ...parts, lane: name, callers, publisher });
    lanes.set(name, lane);
    return lane;
  }

  async function submit(call: ForwardCall): Promise<ForwardAnswer> {
    counters.setTopology(call.topology);
    if (call.counts) counters.addIsolateCounts(call.isolate, call.counts);
    onChange();
    if (call.lengths.length === 0) return NOTHING_REJECTED;
    const leave = callers.enter(call.isolate, call.isLast);
    const ticket = createTicket();
    for (const [lane, arrival] of arrivalsOf(call, ticket, now())) laneOf(lane).add(arrival);
    if (call.isLast) recheck();
    const answer = await ticket.answer;
    leave();
    recheck();
    onChange();
    return answer;
  }

  function recheck(): void {
    for (const lane of lanes.values()) lane.recheck();
  }

  async function pump(): Promise<void> {
    // First of all: a lane may wait for an acknowledgement for longer than this object lives, and only an alarm wakes it.
    if (spool.lanes().length > 0) parts.retrySoon();
    const expired = spool.expire(now());
    if (expired > 0)
      log.error('dropped expired beacons from the spool; NATS was unreachable for too long', {
        region: parts.region,
        slot: parts.slot,
        expired,
      });
    await Promise.all(spool.lanes().map((lane) => laneOf(lane).pump()));
    onChange();
  }

  return { submit, pump };
}

/** A call's beacons by lane, in order. */
function arrivalsOf(call: ForwardCall, ticket: Ticket, receivedAtMs: number): Map<string, Arrival> {
  const byLane = new Map<number, { parts: Uint8Array[]; lengths: number[]; sessions: string[]; indexes: number[] }>();
  let at = 0;
  for (const [index, length] of call.lengths.entries()) {
    const lane = call.lanes[index] ?? 0;
    let lists = byLane.get(lane);
    if (!lists) {
      lists = { parts: [], lengths: [], sessions: [], indexes: [] };
      byLane.set(lane, lists);
    }
    lists.parts.push(call.entries.subarray(at, at + length));
    lists.lengths.push(length);
    lists.sessions.push(call.sessions[index] ?? '');
    lists.indexes.push(index);
    at += length;
  }
  const arrivals = new Map<string, Arrival>();
  for (const [lane, { parts, lengths, sessions, indexes }] of byLane) {
    ticket.expect();
    const entries = { bytes: joinBytes(parts), lengths, sessions };
    arrivals.set(laneName(lane), { entries, indexes, ticket, receivedAtMs });
  }
  return arrivals;
}
