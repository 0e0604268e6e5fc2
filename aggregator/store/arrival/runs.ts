/**
 * The runs of a session: a page that is reloaded and keeps its session id starts a new run, whose counters and numbers
 * start again. Tells which run a beacon belongs to, by `started`, or without it by its number; and remembers runs that
 * ended recently, so that their late beacons change nothing that is alive.
 */

import type { Report } from '../report/report.ts';
import { type PacketTrail, packetTrails } from './packet-trail.ts';
import type { Plausibility } from './plausibility.ts';
import { NO_BEACON, type Sequence, sequences, WINDOW } from './sequence.ts';

/** What is remembered of the runs of a session that lives, or that left less than a TTL ago. */
export type Runs = {
  /** The numbers of the newest run, which is the one that lives. */
  sequence: Sequence;
  /** Runs that a newer one replaced less than a TTL ago, the first one first; undefined for nearly every session. */
  ended: readonly EndedRun[] | undefined;
  /** Up to when the session has accounted for its time, see {@link Plausibility}; the same for all runs. */
  accountedUntilMs: number;
  /** Its newest packets; undefined for a session that only sends beacons. */
  packets: PacketTrail | undefined;
};

type EndedRun = { readonly sequence: Sequence; readonly untilMs: number };

/** Times are when the broker stored the message. */
export type RunBook = {
  /** The run that a beacon is of, or undefined when it begins a new one. Changes nothing. */
  find(runs: Runs, started: number, storedAtMs: number): Sequence | undefined;
  /**
   * Whether a beacon with a number that was seen before, and which does not say `started`, is of a new run after all.
   * Notes the number otherwise.
   */
  isNewRun(sequence: Sequence, report: Report, hasLeft: boolean): boolean;
  /** The runs of a session that begins with this beacon. @param before what is remembered of it, if anything */
  begin(report: Report, storedAtMs: number, before?: Runs): Runs;
  /** The runs of a session that begins with this packet, or that left and goes on with it. */
  beginWithPacket(report: Report, before?: Runs): Runs;
  /** The runs of a session that left, and goes on with this beacon of the same run. */
  resume(report: Report, before: Runs): Runs;
  /** Forgets the runs of which the time is over. */
  forgetDue(runs: Runs, storedAtMs: number): void;
};

/**
 * The most ended runs that are remembered of a session; at the bound, the one that ended first is forgotten. What comes
 * late of that one would then begin a run, in a session that was reloaded nine times within a TTL.
 */
export const ENDED_RUNS_MAX = 8;

/**
 * Without `started`, two numbers that were seen before show a new run when they are this far apart. A client
 * that sends again what was not answered sends it at once, and beacons of a run are at least a second apart.
 */
const REPEATS_APART_MS = 1_000;
/** A `seq` of 0 that comes again this much after the last beacon of a session that left begins it anew. */
const RETURN_MS = 1_000;

/** @param ttlMs how long a run is remembered after it ended */
export function createRunBook(ttlMs: number, plausibility: Pick<Plausibility, 'begin'>): RunBook {
  /** Without the runs of which the time is over, and without one that says the same as the newest. */
  function stillEnded(ended: readonly EndedRun[], newest: Sequence, storedAtMs: number): readonly EndedRun[] {
    return ended.filter(({ sequence, untilMs }) => untilMs > storedAtMs && !isSame(sequence.started, newest.started));
  }

  return {
    find({ sequence, ended }, started, storedAtMs) {
      if (isSame(sequence.started, started)) return sequence;
      const run = ended?.find((one) => one.untilMs > storedAtMs && isSame(one.sequence.started, started));
      if (run) return run.sequence;
      return Number.isNaN(started) ? sequence : undefined;
    },
    isNewRun(sequence, { seq, receivedAtMs, started }, hasLeft) {
      // A batch that was published twice is no new run: its beacons were received before the newest.
      if (!Number.isNaN(started) || seq >= WINDOW || receivedAtMs <= sequence.newestAtMs) return false;
      const isOutOfWindow = sequence.newest - seq >= WINDOW;
      if (
        hasLeft &&
        seq < sequence.newest &&
        (seq === 0 || isOutOfWindow) &&
        receivedAtMs - sequence.newestAtMs >= RETURN_MS
      )
        return true;
      const { lowRepeat } = sequence;
      if (!lowRepeat || seq <= lowRepeat.seq) sequence.lowRepeat = { seq, receivedAtMs };
      else return receivedAtMs - lowRepeat.receivedAtMs >= REPEATS_APART_MS;
      return false;
    },
    begin(report, storedAtMs, before) {
      const sequence = sequences.begin(report, report.started);
      const accountedUntilMs = plausibility.begin(report.receivedAtMs);
      if (!before) return { sequence, ended: undefined, accountedUntilMs, packets: undefined };
      // Packets are not a run that beacons could come late from.
      const replaced = before.sequence.newest === NO_BEACON ? [] : [before.sequence];
      const newlyEnded = replaced.map((ended) => ({ sequence: ended, untilMs: storedAtMs + ttlMs }));
      const all = [...(before.ended ?? []), ...newlyEnded];
      const ended = stillEnded(all, sequence, storedAtMs).slice(-ENDED_RUNS_MAX);
      return {
        sequence,
        ended: ended.length > 0 ? ended : undefined,
        accountedUntilMs: Math.max(accountedUntilMs, before.accountedUntilMs),
        packets: before.packets,
      };
    },
    beginWithPacket(report, before) {
      const none = { seq: NO_BEACON, receivedAtMs: report.receivedAtMs };
      return {
        // Its beacons may go on, too.
        sequence: before ? { ...before.sequence } : sequences.begin(none, Number.NaN),
        ended: before?.ended,
        accountedUntilMs: Math.max(plausibility.begin(report.receivedAtMs), before?.accountedUntilMs ?? 0),
        packets: packetTrails.begin(report),
      };
    },
    resume(report, before) {
      const { ended, accountedUntilMs, packets } = before;
      const sequence = { ...before.sequence };
      // What was left out while it was gone is not missed, but what came before is still known.
      sequences.skipTo(sequence, report);
      return {
        sequence,
        ended,
        accountedUntilMs: Math.max(plausibility.begin(report.receivedAtMs), accountedUntilMs),
        packets,
      };
    },
    forgetDue(runs, storedAtMs) {
      if (runs.ended?.every(({ untilMs }) => untilMs <= storedAtMs)) runs.ended = undefined;
    },
  };
}

/** A run that does not say is told by that. */
function isSame(a: number, b: number): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b));
}
