/**
 * What a beacon is to its session: which run it belongs to, whether it is new or a repeat, in time or late; and what its
 * number says about missing ones.
 */

import type { Incoming, Report, Reports } from '../report/report.ts';
import type { Departed, Departure } from './departed.ts';
import { packetTrails } from './packet-trail.ts';
import type { Plausibility } from './plausibility.ts';
import { createRunBook, type Runs } from './runs.ts';
import { NO_BEACON, type Sequence, sequences } from './sequence.ts';

/**
 * `begun`: the first beacon of a run. `fresh`: the newest of the run that lives, or of one that left and goes on.
 * `filling`: one that others overtook. `late`: it counts, and changes nothing that lives. `superseded`: a packet of a
 * session whose own beacons are fresh, which say more.
 */
export type Outcome = 'begun' | 'fresh' | 'filling' | 'repeated' | 'late' | 'superseded';

/** What of a living session decides over a report. Times are the broker's, ms since the epoch. */
export type LivingRuns = Runs & { readonly receivedAtMs: number; readonly intervalMs: number };

/** A session that is known lives, or it left and its departure is remembered. */
export type Arrivals = {
  outcomeOf(beacon: Incoming, living: LivingRuns | undefined, departure: Departure | undefined): Outcome;
  /** The runs of a session from a beacon on that is its first one, begins another run, or goes on with one that left. */
  runsOf(beacon: Incoming, outcome: Outcome, before: Runs | undefined): Runs;
  /** The run of a session that a beacon is of; undefined for one that is not known. */
  runOf(beacon: Incoming, known: Runs): Sequence | undefined;
  /** Takes in the number of a fresh or filling beacon of the run that lives, or a packet. @returns how many are now known to be lost */
  take(runs: Runs, report: Report): number;
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
  /** For how long a session's beacons are fresh. */
  readonly quietAfterMs: (intervalMs: number) => number;
};

export function createArrivals({ ttlMs, departed, plausibility, quietAfterMs }: ArrivalsOptions): Arrivals {
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

  /** Packets have no numbers: they count in the order in which the broker stored them. */
  function outcomeOfPacket(
    { reports, report }: Incoming,
    living: LivingRuns | undefined,
    departure: Departure | undefined,
  ): Outcome {
    const { receivedAtMs } = report;
    if (packetTrails.isRepeat((living ?? departure)?.packets, report)) return 'repeated';
    // Of a stream that was away, with all that it holds.
    if (isOld(reports, report)) return 'late';
    if (!living) return departure && departed.isLateBeacon(departure, receivedAtMs) ? 'late' : 'begun';
    const { sequence, intervalMs } = living;
    // Once a packet has taken over, the interval is one of packets, and says nothing about beacons.
    const isOfBeacon = sequence.newest !== NO_BEACON && sequence.newestAtMs >= living.receivedAtMs;
    if (isOfBeacon && receivedAtMs - sequence.newestAtMs <= quietAfterMs(intervalMs)) return 'superseded';
    return receivedAtMs < living.receivedAtMs ? 'filling' : 'fresh';
  }

  function take(runs: Runs, report: Report): number {
    if (!packetTrails.isPacket(report)) return takeNumber(runs.sequence, report);
    if (runs.packets) packetTrails.add(runs.packets, report);
    else runs.packets = packetTrails.begin(report);
    return 0;
  }

  function isOld({ storedAtMs }: Reports, { receivedAtMs }: Report): boolean {
    return storedAtMs - receivedAtMs > ttlMs;
  }

  return {
    outcomeOf({ reports, report }, living, departure) {
      if (packetTrails.isPacket(report)) return outcomeOfPacket({ reports, report }, living, departure);
      const known = living ?? departure;
      if (known?.sequence.newest === NO_BEACON) return isOld(reports, report) ? 'late' : 'begun';
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
      if (packetTrails.isPacket(report)) return runBook.beginWithPacket(report, before);
      if (before && outcome === 'fresh') return runBook.resume(report, before);
      return runBook.begin(report, reports.storedAtMs, before);
    },
    runOf: ({ reports, report }, known) => runBook.find(known, report.started, reports.storedAtMs),
    take,
    forgetDue: runBook.forgetDue,
    takeLate(region, { reports, report }, known) {
      if (packetTrails.isPacket(report) || known.sequence.newest === NO_BEACON) return 0;
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
