/**
 * Concurrent beacons of an isolate share one call to their Forwarder. The first that finds no batch open
 * leads one: it sends at once when nothing of its lane is under way, else when that has ended, and takes
 * along whatever joined meanwhile. A lane that was just called rests a while, because a call costs many times
 * what a beacon does: a quiet lane is called at once, and a busy one with more in each call. How long follows
 * from how long the last call took, so that the same rule holds for a fast machine and a slow one.
 *
 * A follower waits for the leader's promise with a timer of its own (deadline.ts says why), and sends the
 * batch itself when the leader was lost before it could.
 */

import type { ForwardAnswer } from './call.ts';
import { delay, type Hold, type Patience, within } from './deadline.ts';

export const BATCH_ENTRIES_MAX = 256;
/** In UTF-16 units, which are bytes: ids, labels and numbers are ASCII. */
export const BATCH_LENGTH_MAX = 512_000;
/** How long a lane rests after a call: twice as long as the call took, at most {@link REST_MAX_MS}. */
const REST_FACTOR = 2;
export const REST_MAX_MS = 10;
/** A batch waits at most this long for the one before it; then two are under way at once. */
export const TURN_WAIT_MS = 60;
/** A batch that was not sent by then has lost its leader. */
export const LEADER_LOST_MS = 500;
/** Longer than a Forwarder takes to give up on NATS and to spool. */
export const ANSWER_WAIT_MS = 5_000;

const UNAVAILABLE: ForwardAnswer = { ok: false, reason: 'unavailable' };

/** Region and lane of a beacon: where it belongs. */
export type Destination = { readonly region: string; readonly lane: string };

/** Sends a batch to a Forwarder; may reject, which is answered as `unavailable`. */
export type SendBatch = (destination: Destination, entries: string[]) => Promise<ForwardAnswer>;

/** Answers once the entry is safe, or once it is known not to be. Never rejects. */
export type Coalesce = (destination: Destination, entry: string, request: Waiting) => Promise<ForwardAnswer>;

/** What of a request goes on while its beacon waits. */
export type Waiting = { readonly hold: Hold; readonly patience: Patience };

type Batch = {
  readonly destination: Destination;
  readonly entries: string[];
  length: number;
  sentAtMs: number;
  answeredAtMs: number;
  state: 'open' | 'sent' | 'answered';
  readonly answer: Promise<ForwardAnswer>;
  readonly resolve: (answer: ForwardAnswer) => void;
};

export function createCoalescer(send: SendBatch, now: () => number): Coalesce {
  /** The newest batch of each lane; bounded by regions times lanes. */
  const newest = new Map<string, Batch>();

  async function lead(batch: Batch, before: Batch | undefined, patience: Patience): Promise<ForwardAnswer> {
    if (before && before.state !== 'answered') await within(before.answer, TURN_WAIT_MS, undefined);
    const restMs = before?.state === 'answered' ? restAfter(before) : 0;
    // A batch that a follower has sent meanwhile needs no rest.
    if (restMs > 0 && batch.state === 'open') await delay(restMs);
    return dispatch(batch, patience);
  }

  function restAfter({ sentAtMs, answeredAtMs }: Batch): number {
    return answeredAtMs + Math.min(REST_FACTOR * (answeredAtMs - sentAtMs), REST_MAX_MS) - now();
  }

  async function follow(batch: Batch, { hold, patience }: Waiting): Promise<ForwardAnswer> {
    const answer = await patience.within(batch.answer, LEADER_LOST_MS, undefined);
    if (answer) return answer;
    const sending = dispatch(batch, patience);
    hold(sending);
    return sending;
  }

  async function dispatch(batch: Batch, patience: Patience): Promise<ForwardAnswer> {
    if (batch.state !== 'open') return patience.within(batch.answer, ANSWER_WAIT_MS, UNAVAILABLE);
    batch.state = 'sent';
    batch.sentAtMs = now();
    const sending = send(batch.destination, batch.entries).catch(() => UNAVAILABLE);
    const answer = await patience.within(sending, ANSWER_WAIT_MS, UNAVAILABLE);
    batch.state = 'answered';
    batch.answeredAtMs = now();
    batch.resolve(answer);
    return answer;
  }

  return (destination, entry, request) => {
    const key = `${destination.region}:${destination.lane}`;
    const last = newest.get(key);
    if (last && hasRoom(last, entry)) {
      last.entries.push(entry);
      last.length += entry.length;
      return follow(last, request);
    }
    const batch = openBatch(destination, entry);
    newest.set(key, batch);
    const leading = lead(batch, last, request.patience);
    // The others' beacons are in it: the leader's client may hang up, its work goes on.
    request.hold(leading);
    return leading;
  };
}

function openBatch(destination: Destination, entry: string): Batch {
  const { promise, resolve } = Promise.withResolvers<ForwardAnswer>();
  return {
    destination,
    entries: [entry],
    length: entry.length,
    sentAtMs: 0,
    answeredAtMs: 0,
    state: 'open',
    answer: promise,
    resolve,
  };
}

function hasRoom(batch: Batch, entry: string): boolean {
  return (
    batch.state === 'open' &&
    batch.entries.length < BATCH_ENTRIES_MAX &&
    batch.length + entry.length <= BATCH_LENGTH_MAX
  );
}
