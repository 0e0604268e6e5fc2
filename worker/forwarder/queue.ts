/**
 * What waits for a lane's next publish, in order of arrival. Bounded: over its limits a lane rejects what comes,
 * and the other lanes of the call don't notice. An isolate's part of it is bounded by its calls under way.
 */
import { countFitting, type Entries, joinEntries, sliceEntries } from './entries.ts';
import type { Ticket } from './ticket.ts';

/** What may wait on one lane: at ten publishes a second, a second and a half of the fastest lane. */
export const QUEUE_LIMITS = { beacons: 32_768, bytes: 12_000_000 } as const;

export type QueueLimits = { readonly beacons: number; readonly bytes: number };

/** Beacons of one call and lane. */
export type Arrival = {
  readonly entries: Entries;
  /** The beacons' places in their call. */
  readonly indexes: readonly number[];
  readonly ticket: Ticket;
  readonly receivedAtMs: number;
};

export type LaneQueue = {
  beacons(): number;
  /** @returns false when the queue is full; nothing was added then */
  add(arrival: Arrival): boolean;
  /** The oldest arrivals that fit into so many bytes, at least one beacon; a larger one is cut. */
  take(bytesMax: number): Arrival[];
  /** Puts what was taken last back to where it was. */
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
