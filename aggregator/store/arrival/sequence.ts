/**
 * What the sequence numbers of a session's run say: fresh, filling a hole, or repeated; and how many beacons are
 * lost. A hole is a loss only when it stayed open for a while, since reordering is not loss.
 */

import { unboxed } from '../unboxed.ts';
import { type JoinMarks, NO_MARKS } from './joins.ts';

/** How many of the newest sequence numbers are tracked; older ones count as repeats. */
export const WINDOW = 32;
/** In the place of the newest number of a session that had packets and no beacon yet. */
export const NO_BEACON = -1;
/** A hole open for longer is a loss: two beacon intervals. */
const REORDER_MS = 10_000;

/** The state of one run's numbers; {@link sequences} reads and writes it. */
export type Sequence = {
  /** What the run's beacons say in `started`, by which they are told from those of other runs; NaN when they don't. */
  readonly started: number;
  /** Newest sequence number, {@link NO_BEACON} while there was none, and when the edge received it, by the broker's clock. */
  newest: number;
  newestAtMs: number;
  /** Bit `i`: `newest - i` was seen. */
  seen: number;
  /** Holes below this were counted as lost, or precede the first number seen. */
  countedBelow: number;
  /** Where numbers were left out a short while ago, oldest first; undefined for nearly every run. */
  gaps: readonly Gap[] | undefined;
  /** The lowest number that came again since the newest: where a run that does not say `started` may have begun. */
  lowRepeat: Arrival | undefined;
  /** What was counted of how the run joined. */
  joinMarks: JoinMarks;
};

/** Numbers before `end` were left out; that was noticed at `sinceMs`. Some may have come since. */
type Gap = { readonly end: number; readonly sinceMs: number };

/** A beacon's number, and when the edge received it, by the broker's clock. */
export type Arrival = { readonly seq: number; readonly receivedAtMs: number };

export type SequenceOutcome = 'fresh' | 'filling' | 'repeated';

export type Sequences = {
  /** A sequence whose first number is this one. Earlier numbers don't count as lost: another process may have read them. */
  begin(arrival: Arrival, started: number): Sequence;
  /** What a beacon with this number is. Changes nothing. */
  classify(sequence: Sequence, seq: number): SequenceOutcome;
  /** How many numbers a fresh one leaves out; 0 for the next one and for one that is not fresh. */
  missing(sequence: Sequence, seq: number): number;
  /** Takes a fresh or filling number in. @returns how many beacons are now known to be lost */
  markSeen(sequence: Sequence, arrival: Arrival): number;
  /** Takes a fresh number in that can't follow the newest: what it leaves out is not lost. @returns as {@link markSeen} */
  skipTo(sequence: Sequence, arrival: Arrival): number;
  /** Counts every open hole as lost, at the end of the run. @returns how many */
  countOpenHolesAsLost(sequence: Sequence): number;
};

/** Functions over plain records: a closure for each session would take 800 bytes where its record takes 100 (measured). */
export const sequences: Sequences = {
  begin: ({ seq, receivedAtMs }, started) => ({
    started,
    newest: unboxed(seq),
    newestAtMs: receivedAtMs,
    seen: 1,
    countedBelow: unboxed(seq),
    gaps: undefined,
    lowRepeat: undefined,
    joinMarks: NO_MARKS,
  }),
  classify(sequence, seq) {
    if (seq > sequence.newest) return 'fresh';
    const back = sequence.newest - seq;
    if (back >= WINDOW) return 'repeated';
    return (sequence.seen >>> back) & 1 ? 'repeated' : 'filling';
  },
  markSeen(sequence, { seq, receivedAtMs }) {
    let lost = 0;
    if (seq > sequence.newest) {
      lost = slideWindow(sequence, seq - sequence.newest, receivedAtMs);
    } else {
      sequence.seen |= 1 << (sequence.newest - seq);
    }
    return sequence.gaps ? lost + closeGaps(sequence, sequence.gaps, receivedAtMs) : lost;
  },
  missing: (sequence, seq) => Math.max(0, seq - sequence.newest - 1),
  skipTo(sequence, { seq, receivedAtMs }) {
    const lost = countOpenHolesAsLost(sequence);
    moveTo(sequence, seq - sequence.newest, receivedAtMs);
    sequence.countedBelow = sequence.newest;
    return lost;
  },
  countOpenHolesAsLost,
};

function countOpenHolesAsLost(sequence: Sequence): number {
  const lost = openHoles(sequence, WINDOW);
  sequence.countedBelow = sequence.newest;
  sequence.gaps = undefined;
  return lost;
}

/** Counts what is still missing as lost where it was noticed long enough ago. @returns how many */
function closeGaps(sequence: Sequence, gaps: readonly Gap[], nowMs: number): number {
  const before = openHoles(sequence, WINDOW);
  const isOpen = ({ end, sinceMs }: Gap) => end > sequence.countedBelow && nowMs - sinceMs < REORDER_MS;
  const firstOpen = gaps.findIndex(isOpen);
  const open = firstOpen < 0 ? [] : gaps.slice(firstOpen);
  const lastClosed = gaps[gaps.length - open.length - 1];
  if (lastClosed) sequence.countedBelow = Math.max(sequence.countedBelow, lastClosed.end);
  sequence.gaps = open.length > 0 ? open : undefined;
  return before - openHoles(sequence, WINDOW);
}

/** Moves the window on; holes that fall out of it are lost. */
function slideWindow(sequence: Sequence, by: number, receivedAtMs: number): number {
  const open = openHoles(sequence, WINDOW);
  const lost = by >= WINDOW ? open + (by - WINDOW) : open - openHoles(sequence, WINDOW - by);
  moveTo(sequence, by, receivedAtMs);
  sequence.countedBelow = Math.max(sequence.countedBelow, sequence.newest - WINDOW);
  if (by > 1) {
    const gaps = sequence.gaps ?? [];
    // In the order of their ends and of their times, also when a beacon that waited at the edge is the one that notices.
    const sinceMs = Math.max(receivedAtMs, gaps.at(-1)?.sinceMs ?? receivedAtMs);
    sequence.gaps = [...gaps, { end: sequence.newest, sinceMs }];
  }
  return lost;
}

function moveTo(sequence: Sequence, by: number, receivedAtMs: number): void {
  sequence.seen = by >= WINDOW ? 1 : (sequence.seen << by) | 1;
  sequence.newest = unboxed(sequence.newest + by);
  sequence.newestAtMs = receivedAtMs;
  sequence.lowRepeat = undefined;
}

/** Unseen numbers among the newest `span` that are not counted yet. */
function openHoles(sequence: Sequence, span: number): number {
  const open = Math.min(span, sequence.newest - sequence.countedBelow);
  let holes = 0;
  for (let back = 1; back < open; back++) holes += 1 - ((sequence.seen >>> back) & 1);
  return holes;
}
