/**
 * Beacons that wait for a lane's next publish, in order of arrival. Bounded: a full lane rejects new beacons and does
 * not affect the call's other lanes. An isolate's part is bounded by its calls in flight.
 */
import { countFitting, type Entries, joinEntries, sliceEntries } from './entries.ts';
import type { Ticket } from './ticket.ts';

/** About 1.5 s of the fastest lane at ten publishes a second. */
export const QUEUE_LIMITS = { beacons: 32_768, bytes: 12_000_000 } as const;

export type QueueLimits = { readonly beacons: number; readonly bytes: number };

/** Beacons of one call and lane. */
export type Arrival = {
  readonly entries: Entries;
  /** The beacons' indexes in their call. */
  readonly indexes: readonly number[];
  readonly ticket: Ticket;
  readonly receivedAtMs: number;
};

export type LaneQueue = {
  beacons(): number;
  bytes(): number;
  /** @returns false when the queue is full; nothing was added then */
  add(arrival: Arrival): boolean;
  /** The oldest arrivals that fit into `bytesMax`, at least one beacon; an arrival that only partly fits is split. */
  take(bytesMax: number): Arrival[];
  /** Puts the arrivals that were taken last back to the front. */
  putBack(arrivals: readonly Arrival[]): void;
};

export function createLaneQueue(limits: QueueLimits = QUEUE_LIMITS): LaneQueue {
  let waiting: Arrival[] = [];
  let beacons = 0;
  let bytes = 0;

  function count({ entries }: Arrival, sign: 1 | -1): void {
    beacons += sign * entries.lengths.length;
    bytes += sign * entries.bytes.length;
  }

  return {
    beacons: () => beacons,
    bytes: () => bytes,
    add(arrival) {
      const { lengths, bytes: more } = arrival.entries;
      if (beacons + lengths.length > limits.beacons || bytes + more.length > limits.bytes) return false;
      waiting.push(arrival);
      count(arrival, 1);
      return true;
    },
    take(bytesMax) {
      const taken: Arrival[] = [];
      let room = bytesMax;
      for (const arrival of waiting) {
        const fitting = Math.max(countFitting(arrival.entries, room), taken.length === 0 ? 1 : 0);
        if (fitting < arrival.entries.lengths.length) {
          if (fitting > 0) {
            const [head, tail] = cut(arrival, fitting);
            waiting[taken.length] = tail;
            waiting.splice(taken.length, 0, head);
            taken.push(head);
          }
          break;
        }
        taken.push(arrival);
        room -= arrival.entries.bytes.length;
      }
      waiting = waiting.slice(taken.length);
      for (const arrival of taken) count(arrival, -1);
      return taken;
    },
    putBack(arrivals) {
      waiting = [...arrivals, ...waiting];
      for (const arrival of arrivals) count(arrival, 1);
    },
  };
}

export function joinArrivals(arrivals: readonly Arrival[]): Entries {
  return joinEntries(arrivals.map(({ entries }) => entries));
}

function cut(arrival: Arrival, at: number): [Arrival, Arrival] {
  const { entries, indexes } = arrival;
  arrival.ticket.expect();
  return [
    { ...arrival, entries: sliceEntries(entries, 0, at), indexes: indexes.slice(0, at) },
    { ...arrival, entries: sliceEntries(entries, at, entries.lengths.length), indexes: indexes.slice(at) },
  ];
}
