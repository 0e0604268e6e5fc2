/** What the sequence numbers of a run say: docs/wire-format.md, "Runs of a session". Sets of numbers rather than bits. */

/** Numbers further behind the newest are not remembered. */
const TOLD_APART = 31;
/** A hole that stays open for this long is a loss. */
const REORDER_MS = 10_000;

export type Numbering = {
  newest: number;
  newestAtMs: number;
  readonly seen: Set<number>;
  /** Where numbers were left out a short while ago, oldest first. */
  gaps: Gap[];
};

type Gap = {
  /** Numbers that have neither arrived nor been counted as lost. */
  readonly missing: Set<number>;
  /** The number after them, which showed that they are missing, and when: not before an older gap was noticed. */
  readonly end: number;
  readonly noticedAtMs: number;
};

export type Arrival = 'fresh' | 'filling' | 'repeated';

/** Numbers before the first one seen are not lost: another process may have read them. */
export function beginNumbering(seq: number, atMs: number): Numbering {
  return { newest: seq, newestAtMs: atMs, seen: new Set([seq]), gaps: [] };
}

export function arrivalOf({ newest, seen }: Numbering, seq: number): Arrival {
  if (seq > newest) return 'fresh';
  return newest - seq > TOLD_APART || seen.has(seq) ? 'repeated' : 'filling';
}

/** Accepts a number that is fresh or fills a hole. @returns how many beacons are now known to be lost */
export function take(numbering: Numbering, seq: number, atMs: number): number {
  const { newest, seen, gaps } = numbering;
  seen.add(seq);
  for (const { missing } of gaps) missing.delete(seq);
  if (seq > newest + 1) {
    const missing = new Set(Array.from({ length: seq - newest - 1 }, (_, i) => newest + 1 + i));
    gaps.push({ missing, end: seq, noticedAtMs: Math.max(atMs, gaps.at(-1)?.noticedAtMs ?? atMs) });
  }
  if (seq > newest) Object.assign(numbering, { newest: seq, newestAtMs: atMs });
  return loseOld(numbering, atMs);
}

function loseOld(numbering: Numbering, atMs: number): number {
  let lost = 0;
  const isOut = (seq: number) => numbering.newest - seq > TOLD_APART;
  const isOver = ({ end, noticedAtMs }: Gap) => isOut(end) || atMs - noticedAtMs >= REORDER_MS;
  for (const gap of numbering.gaps) {
    for (const seq of gap.missing) {
      if (!isOver(gap) && !isOut(seq)) continue;
      gap.missing.delete(seq);
      lost++;
    }
  }
  numbering.gaps = numbering.gaps.filter((gap) => !isOver(gap));
  return lost;
}

/**
 * A number that leaves out more than is plausible: those are not lost, and the holes before them are closed.
 * @returns how many numbers in those holes are lost
 */
export function skipTo(numbering: Numbering, seq: number, atMs: number): number {
  const lost = loseAllOpen(numbering);
  numbering.seen.add(seq);
  Object.assign(numbering, { newest: seq, newestAtMs: atMs });
  return lost;
}

/** At the end of a run. @returns how many were lost */
export function loseAllOpen(numbering: Numbering): number {
  const lost = numbering.gaps.reduce((sum, { missing }) => sum + missing.size, 0);
  numbering.gaps = [];
  return lost;
}
