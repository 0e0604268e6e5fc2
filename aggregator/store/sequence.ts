/**
 * What a session's sequence numbers say: fresh, filling a hole, repeated, or begun again; and
 * how many beacons are lost. A hole is a loss only when it stayed open for a while, since
 * reordering is not loss.
 */

/** How many of the newest sequence numbers are told apart; older ones count as repeats. */
const WINDOW = 32;
/** A hole open for longer is a loss: two beacon intervals. */
const REORDER_MS = 10_000;
/** No session that lives can have lost more between two beacons: a larger jump is another numbering, or a lie. */
const JUMP_MAX = 1_000;
/** A `seq` far below the newest that comes this much later is the session started again, not a repeat. */
const RESTART_MS = 1_000;

export type Sequence = {
  /** Newest sequence number, and the edge's time of it. */
  newest: number;
  newestAtMs: number;
  /** Bit `i`: `newest - i` was seen. */
  seen: number;
  /** Holes below this were counted as lost, or were before our time. */
  settled: number;
  /** When the oldest open hole was noticed; NaN without one. */
  holeSinceMs: number;
};

export type Arrival = 'fresh' | 'filling' | 'repeated' | 'restarted';

export function createSequence(seq: number, receivedAtMs: number): Sequence {
  // What came before the first one that we saw was before our time: not a loss that we can know of.
  return { newest: seq, newestAtMs: receivedAtMs, seen: 1, settled: seq, holeSinceMs: Number.NaN };
}

export function classify(sequence: Sequence, seq: number, receivedAtMs: number): Arrival {
  if (seq > sequence.newest) return 'fresh';
  const back = sequence.newest - seq;
  const wellAfter = receivedAtMs - sequence.newestAtMs >= RESTART_MS;
  if (wellAfter && back > 0 && (seq === 0 || back >= WINDOW)) return 'restarted';
  if (back >= WINDOW) return 'repeated';
  return (sequence.seen >>> back) & 1 ? 'repeated' : 'filling';
}

/** Takes a fresh or filling arrival in. @returns how many beacons are now known to be lost */
export function record(sequence: Sequence, seq: number, receivedAtMs: number): number {
  let lost = 0;
  if (seq > sequence.newest) {
    lost = slide(sequence, seq - sequence.newest, receivedAtMs);
  } else {
    sequence.seen |= 1 << (sequence.newest - seq);
    if (openHoles(sequence, WINDOW) === 0) sequence.holeSinceMs = Number.NaN;
  }
  if (receivedAtMs - sequence.holeSinceMs >= REORDER_MS) lost += settle(sequence);
  return lost;
}

/** Counts every open hole as lost: it stayed open too long, or the session is over. */
export function settle(sequence: Sequence): number {
  const lost = openHoles(sequence, WINDOW);
  sequence.settled = sequence.newest;
  sequence.holeSinceMs = Number.NaN;
  return lost;
}

/** Moves the window on; holes that fall out of it are lost. */
function slide(sequence: Sequence, by: number, receivedAtMs: number): number {
  const open = openHoles(sequence, WINDOW);
  let lost = 0;
  if (by > JUMP_MAX) {
    lost = open;
    sequence.settled = sequence.newest + by;
  } else if (by >= WINDOW) {
    lost = open + (by - WINDOW);
  } else {
    lost = open - openHoles(sequence, WINDOW - by);
  }
  sequence.seen = by >= WINDOW ? 1 : (sequence.seen << by) | 1;
  sequence.newest += by;
  sequence.newestAtMs = receivedAtMs;
  sequence.settled = Math.max(sequence.settled, sequence.newest - WINDOW);
  if (by > 1 && by <= JUMP_MAX && Number.isNaN(sequence.holeSinceMs)) sequence.holeSinceMs = receivedAtMs;
  return lost;
}

/** Unseen numbers among the newest `span` that are not settled. */
function openHoles(sequence: Sequence, span: number): number {
  const open = Math.min(span, sequence.newest - sequence.settled);
  let holes = 0;
  for (let back = 1; back < open; back++) holes += 1 - ((sequence.seen >>> back) & 1);
  return holes;
}
