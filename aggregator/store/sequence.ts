/**
 * What a session's sequence numbers say: fresh, filling a hole, repeated, or begun again; and
 * how many beacons are lost. A hole is a loss only when it stayed open for a while, since
 * reordering is not loss.
 */

/** How many of the newest sequence numbers are tracked; older ones count as repeats. */
const WINDOW = 32;
/** A hole open for longer is a loss: two beacon intervals. */
const REORDER_MS = 10_000;
/** A living session can't lose more between two beacons: a larger jump is a new numbering, or made up. */
const JUMP_MAX = 1_000;
/** A `seq` far below the newest that comes this much later is the session started again, not a repeat. */
const RESTART_MS = 1_000;

/** The state of one session's numbers; {@link sequences} reads and writes it. */
export type Sequence = {
  /** Newest sequence number, and when the edge received it, by the broker's clock. */
  newest: number;
  newestAtMs: number;
  /** Bit `i`: `newest - i` was seen. */
  seen: number;
  /** Holes below this were counted as lost, or precede the first number seen. */
  countedBelow: number;
  /** When the oldest open hole was noticed; NaN without one. */
  holeSinceMs: number;
};

export type SequenceOutcome = 'fresh' | 'filling' | 'repeated' | 'restarted';

export type Sequences = {
  /** A sequence whose first number is `seq`. Earlier numbers don't count as lost: another process may have read them. */
  begin(seq: number, receivedAtMs: number): Sequence;
  /** What a beacon with this number is. Changes nothing. */
  classify(sequence: Sequence, seq: number, receivedAtMs: number): SequenceOutcome;
  /** Takes a fresh or filling number in. @returns how many beacons are now known to be lost */
  markSeen(sequence: Sequence, seq: number, receivedAtMs: number): number;
  /** Counts every open hole as lost, at the end of the session or of its numbering. @returns how many */
  countOpenHolesAsLost(sequence: Sequence): number;
};

/** Functions over plain records: a closure for each session would take 800 bytes where its record takes 100 (measured). */
export const sequences: Sequences = {
  begin: (seq, receivedAtMs) => ({
    newest: seq,
    newestAtMs: receivedAtMs,
    seen: 1,
    countedBelow: seq,
    holeSinceMs: Number.NaN,
  }),
  classify(sequence, seq, receivedAtMs) {
    if (seq > sequence.newest) return 'fresh';
    const back = sequence.newest - seq;
    const wellAfter = receivedAtMs - sequence.newestAtMs >= RESTART_MS;
    if (wellAfter && back > 0 && (seq === 0 || back >= WINDOW)) return 'restarted';
    if (back >= WINDOW) return 'repeated';
    return (sequence.seen >>> back) & 1 ? 'repeated' : 'filling';
  },
  markSeen(sequence, seq, receivedAtMs) {
    let lost = 0;
    if (seq > sequence.newest) {
      lost = slideWindow(sequence, seq - sequence.newest, receivedAtMs);
    } else {
      sequence.seen |= 1 << (sequence.newest - seq);
      if (openHoles(sequence, WINDOW) === 0) sequence.holeSinceMs = Number.NaN;
    }
    if (receivedAtMs - sequence.holeSinceMs >= REORDER_MS) lost += countOpenHolesAsLost(sequence);
    return lost;
  },
  countOpenHolesAsLost,
};

function countOpenHolesAsLost(sequence: Sequence): number {
  const lost = openHoles(sequence, WINDOW);
  sequence.countedBelow = sequence.newest;
  sequence.holeSinceMs = Number.NaN;
  return lost;
}

/** Moves the window on; holes that fall out of it are lost. */
function slideWindow(sequence: Sequence, by: number, receivedAtMs: number): number {
  const open = openHoles(sequence, WINDOW);
  let lost = 0;
  if (by > JUMP_MAX) {
    lost = open;
    sequence.countedBelow = sequence.newest + by;
  } else if (by >= WINDOW) {
    lost = open + (by - WINDOW);
  } else {
    lost = open - openHoles(sequence, WINDOW - by);
  }
  sequence.seen = by >= WINDOW ? 1 : (sequence.seen << by) | 1;
  sequence.newest += by;
  sequence.newestAtMs = receivedAtMs;
  sequence.countedBelow = Math.max(sequence.countedBelow, sequence.newest - WINDOW);
  if (by > 1 && by <= JUMP_MAX && Number.isNaN(sequence.holeSinceMs)) sequence.holeSinceMs = receivedAtMs;
  return lost;
}

/** Unseen numbers among the newest `span` that are not counted yet. */
function openHoles(sequence: Sequence, span: number): number {
  const open = Math.min(span, sequence.newest - sequence.countedBelow);
  let holes = 0;
  for (let back = 1; back < open; back++) holes += 1 - ((sequence.seen >>> back) & 1);
  return holes;
}
