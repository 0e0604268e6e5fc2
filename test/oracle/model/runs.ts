/** Which run of its session a beacon belongs to, by docs/wire-format.md, "Runs of a session". */
import type { Beacon } from '../../../shared/beacon.ts';
import { type Arrival, arrivalOf, beginNumbering, type Numbering, skipTo, take } from './numbering.ts';
import type { Check } from './plausibility.ts';

export type Run = {
  readonly started: number | undefined;
  readonly numbering: Numbering;
  /** The lowest number that came again since the newest one was new, and when it last did. */
  lowest: { readonly seq: number; readonly atMs: number } | undefined;
};

/** The run that is the newest, and those that it replaced, newest first. */
export type Runs = {
  newest: Run;
  replaced: { readonly run: Run; readonly forgetAtMs: number }[];
  /** Up to when the session has accounted for its time, whatever the run. */
  accountedUntilMs: number;
};

export type Verdict =
  | { readonly kind: Arrival; readonly run: Run; readonly isReplaced: boolean }
  | { readonly kind: 'begins' }
  /** Of a run that nobody heard of before a newer one. */
  | { readonly kind: 'belated' };

export type KnownVerdict = Extract<Verdict, { readonly run: Run }>;

export function isOfKnownRun(verdict: Verdict): verdict is KnownVerdict {
  return 'run' in verdict;
}

/** A reload's first numbers, as far as they can be told from retries. */
const FIRST_NUMBERS = 32;
const RELOAD_MS = 1_000;
const REPLACED_MAX = 8;

export function beginRun({ started, seq }: Beacon, atMs: number): Run {
  return { started, numbering: beginNumbering(seq, atMs), lowest: undefined };
}

/**
 * Takes in a number that is fresh, and then checked, or fills a hole.
 * @returns how many beacons are now known to be lost
 */
export function takeNumber(run: Run, { seq }: Beacon, atMs: number, check: Check | undefined): number {
  const { numbering } = run;
  if (seq > numbering.newest) run.lowest = undefined;
  const leftOut = seq - numbering.newest - 1;
  if (leftOut <= 0 || !check || check.allows('seq', leftOut)) return take(numbering, seq, atMs);
  return skipTo(numbering, seq, atMs);
}

/** The run goes on after it left: what it left out while it was gone is not missed. */
export function resumeRun(run: Run, { seq }: Beacon, atMs: number): void {
  run.lowest = undefined;
  skipTo(run.numbering, seq, atMs);
}

/** Remembers the run that was the newest until now. */
export function replaceRun(runs: Runs, run: Run, forgetAtMs: number): void {
  runs.replaced = [{ run: runs.newest, forgetAtMs }, ...runs.replaced].slice(0, REPLACED_MAX);
  runs.newest = run;
}

type At = {
  readonly atMs: number;
  readonly storedAtMs: number;
  /** Of a session that left, a single repeat may be a reload. */
  readonly hasLeft: boolean;
};

export function judge(runs: Runs, beacon: Beacon, { atMs, storedAtMs, hasLeft }: At): Verdict {
  runs.replaced = runs.replaced.filter(({ forgetAtMs }) => storedAtMs < forgetAtMs);
  const known = [runs.newest, ...runs.replaced.map(({ run }) => run)];
  const same = known.find(({ started }) => started === beacon.started);
  if (!same && beacon.started !== undefined)
    return { kind: atMs < runs.newest.numbering.newestAtMs ? 'belated' : 'begins' };
  const run = same ?? runs.newest;
  const isReplaced = run !== runs.newest;
  const kind = arrivalOf(run.numbering, beacon.seq);
  if (kind === 'repeated' && beacon.started === undefined && isReload(run, beacon.seq, atMs, hasLeft && !isReplaced))
    return { kind: 'begins' };
  return { kind, run, isReplaced };
}

function isReload(run: Run, seq: number, atMs: number, hasLeft: boolean): boolean {
  const { newest, newestAtMs } = run.numbering;
  if (seq >= FIRST_NUMBERS || atMs <= newestAtMs) return false;
  // The only beacon of all may be sent again, as any other.
  const isAlone = (seq === 0 && newest > 0) || newest - seq >= FIRST_NUMBERS;
  if (hasLeft && isAlone && atMs - newestAtMs >= RELOAD_MS) return true;
  const { lowest } = run;
  if (lowest && lowest.seq < seq) return atMs - lowest.atMs >= RELOAD_MS;
  run.lowest = { seq, atMs };
  return false;
}
