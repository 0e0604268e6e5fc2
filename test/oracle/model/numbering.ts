/** What the sequence numbers of a run say, as docs/wire-format.md has it under "Runs of a session": sets of numbers, no bits. */

/** Numbers further behind the newest than these are not told apart any more. */
const TOLD_APART = 31;
/** A hole that stays open for so long is a loss. */
const REORDER_MS = 10_000;

export type Numbering = {
  newest: number;
  newestAtMs: number;
  readonly seen: Set<number>;
  /** Numbers that are missing and neither lost nor here yet, and when each was noticed. */
  readonly open: Map<number, number>;
  /** When the last of them was noticed: no later one was before that. */
  noticedAtMs: number;
};

export type Arrival = 'fresh' | 'filling' | 'repeated';

/** Numbers before the first one that is seen are nobody's loss: another process may have read them. */
export function beginNumbering(seq: number, atMs: number): Numbering {
  return { newest: seq, newestAtMs: atMs, seen: new Set([seq]), open: new Map(), noticedAtMs: 0 };
}

export function arrivalOf({ newest, seen }: Numbering, seq: number): Arrival {
  if (seq > newest) return 'fresh';
  return newest - seq > TOLD_APART || seen.has(seq) ? 'repeated' : 'filling';
}

/** Takes in a number that is fresh or fills a hole. @returns how many beacons are now known to be lost */
export function take(numbering: Numbering, seq: number, atMs: number): number {
  const { newest, seen, open } = numbering;
  seen.add(seq);
  open.delete(seq);
  if (seq > newest + 1) numbering.noticedAtMs = Math.max(atMs, numbering.noticedAtMs);
  for (let missing = newest + 1; missing < seq; missing++) open.set(missing, numbering.noticedAtMs);
  if (seq > newest) Object.assign(numbering, { newest: seq, newestAtMs: atMs });
  let lost = 0;
  for (const [missing, noticedAtMs] of open) {
    if (numbering.newest - missing <= TOLD_APART && atMs - noticedAtMs < REORDER_MS) continue;
    open.delete(missing);
    lost++;
  }
  return lost;
}

/**
 * A number that leaves out more than there can have been: they are not lost, and those before them are done with.
 * @returns how many of those before them are lost
 */
export function skipTo(numbering: Numbering, seq: number, atMs: number): number {
  const lost = loseAllOpen(numbering);
  numbering.seen.add(seq);
  Object.assign(numbering, { newest: seq, newestAtMs: atMs });
  return lost;
}

/** At the end of a run. @returns how many were lost */
export function loseAllOpen({ open }: Numbering): number {
  const lost = open.size;
  open.clear();
  return lost;
}
