/**
 * What a beacon is to its session: which run it belongs to, whether it is new or a repeat, in time or late; and what its
 * number says about missing ones.
 */

import type { Incoming, Report, Reports } from '../report/report.ts';
import type { Departed, Departure } from './departed.ts';
import type { Plausibility } from './plausibility.ts';
import { createRunBook, type Runs } from './runs.ts';
import { type Sequence, sequences } from './sequence.ts';

/**
 * `begun`: the first beacon of a run. `fresh`: the newest of the run that lives, or of one that left and goes on.
 * `filling`: one that others overtook. `late`: it counts, and changes nothing that lives.
 */
export type Outcome = 'begun' | 'fresh' | 'filling' | 'repeated' | 'late';

/** A session that is known lives, or it left and its departure is remembered. */
export type Arrivals = {
  outcomeOf(beacon: Incoming, living: Runs | undefined, departure: Departure | undefined): Outcome;
  /** The runs of a session from a beacon on that is its first one, begins another run, or goes on with one that left. */
  runsOf(beacon: Incoming, outcome: Outcome, before: Runs | undefined): Runs;
  /** The run of a session that a beacon is of; undefined for one that is not known. */
  runOf(beacon: Incoming, known: Runs): Sequence | undefined;
  /** Takes in the number of a fresh or filling beacon of the run that lives. @returns how many are now known to be lost */
  takeNumber(sequence: Sequence, report: Report): number;
  /** The same for a late one, of whichever run. */
  takeLate(region: string, beacon: Incoming, known: Runs): number;
  /** Forgets the ended runs of which the time is over. @param storedAtMs of the newest message */
  forgetDue(runs: Runs, storedAtMs: number): void;
};

export type ArrivalsOptions = {
  /** A beacon that waited for longer at the edge is late. */
  readonly ttlMs: number;
  readonly departed: Departed;
  readonly plausibility: Plausibility;
};

export function createArrivals({ ttlMs, departed, plausibility }: ArrivalsOptions): Arrivals {
  const runBook = createRunBook(ttlMs, plausibility);

  function takeNumber(sequence: Sequence, report: Report): number {
    const missing = sequences.missing(sequence, report.seq);
    const isPlausible = missing === 0 || plausibility.allows('seq', missing);
    return isPlausible ? sequences.markSeen(sequence, report) : sequences.skipTo(sequence, report);
  }

  /** @param sequence of the newest run or of one that ended before it */
  function outcomeInRun(report: Report, sequence: Sequence, known: Runs, departure: Departure | undefined): Outcome {
    const outcome = sequences.classify(sequence, report.seq);
    const isNewest = sequence === known.sequence;
    if (outcome === 'repeated') {
      return runBook.isNewRun(sequence, report, isNewest && departure !== undefined) ? 'begun' : outcome;
    }
    if (!isNewest) return 'late';
    if (!departure) return outcome;
    return outcome === 'filling' || departed.isLateBeacon(departure, report.receivedAtMs) ? 'late' : 'fresh';
  }

  function isOld({ storedAtMs }: Reports, { receivedAtMs }: Report): boolean {
    return storedAtMs - receivedAtMs > ttlMs;
  }

  return {
    outcomeOf({ reports, report }, living, departure) {
      const known = living ?? departure;
      const sequence = known && runBook.find(known, report.started, reports.storedAtMs);
      if (sequence) {
        const outcome = outcomeInRun(report, sequence, known, departure);
        return isOld(reports, report) && outcome !== 'repeated' ? 'late' : outcome;
      }
      // A run that nobody heard of before a newer one did (spooled, or of another region after a restart) must not hide
      // that one.
      const isOfEarlierRun = known !== undefined && report.receivedAtMs < known.sequence.newestAtMs;
      return isOfEarlierRun || isOld(reports, report) ? 'late' : 'begun';
    },
    runsOf({ reports, report }, outcome, before) {
      if (before && outcome === 'fresh') return runBook.resume(report, before);
      return runBook.begin(report, reports.storedAtMs, before);
    },
    runOf: ({ reports, report }, known) => runBook.find(known, report.started, reports.storedAtMs),
    takeNumber,
    forgetDue: runBook.forgetDue,
    takeLate(region, { reports, report }, known) {
      const sequence = runBook.find(known, report.started, reports.storedAtMs);
      const outcome = sequence && sequences.classify(sequence, report.seq);
      if (!sequence || outcome === 'repeated') return 0;
      if (outcome === 'filling') return sequences.markSeen(sequence, report);
      plausibility.open(region, known.accountedUntilMs, report.receivedAtMs);
      const lost = takeNumber(sequence, report);
      known.accountedUntilMs = plausibility.close();
      return lost;
    },
  };
}
