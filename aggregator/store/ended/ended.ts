/**
 * The sessions that ended within the last quarter of an hour: how they ended, and how they and those whom they heard were
 * doing then. A pure record beside the store: nothing that is alive depends on it, and no figure of the population has it
 * in it. Bounded in sessions and in peers; at either bound the oldest go first, and what is complete begins later.
 */
import type { Side } from '../../attribution/side.ts';
import type { Standing } from '../../live/breakdown.ts';
import type { Cell } from '../../live/population.ts';
import { type Diagnosis, diagnose, IMPAIRMENT_CAUSES, type ImpairmentCause } from '../diagnosis.ts';
import type { PeerReadings } from '../peers/peer-table.ts';
import type { Session } from '../session.ts';
import { createEndedPeers, type EndedPeer } from './ended-peers.ts';
import { createRows, indexIn } from './rows.ts';

/** How long an ended session is remembered, by the broker's time. */
export const ENDED_FOR_MS = 15 * 60_000;

/**
 * `left`: it said so. `stale`: nothing came from it for a TTL. `restarted`: a new run of it began (a reload that kept its
 * id), which may still be alive.
 */
export const END_REASONS = ['left', 'stale', 'restarted'] as const;
export type EndReason = (typeof END_REASONS)[number];

/** How a session ended. */
export type Ending = {
  readonly reason: EndReason;
  /** The broker's time: when its last beacon said so, or when it was removed. */
  readonly atMs: number;
};

/** An ended session, as it was with the last beacon that it sent as one that lives. Times are the broker's. */
export type EndedSession = Ending & {
  readonly meetingId: string;
  readonly id: string;
  readonly participantId: string;
  readonly cell: Cell;
  readonly beganAtMs: number;
  /** It may have begun before that: the first beacon that this process read of it was not its first one. */
  readonly isBegunEarlier: boolean;
  /** When the beacon came that its figures are of. */
  readonly lastBeaconAtMs: number;
  /** Seconds, and a ratio; NaN when not known. */
  readonly rtt: number;
  readonly uplinkLoss: number;
  readonly standing: Standing;
  readonly causes: readonly ImpairmentCause[];
  readonly peers: readonly EndedPeer[];
};

/** Those that are looked for: each of the members that is given has to be so. */
export type EndedSearch = {
  readonly meetingId?: string;
  readonly sessionId?: string;
  readonly region?: string;
  readonly limit: number;
};

export type FoundEnded = {
  readonly total: number;
  /** The newest ones, newest first, by their rows; {@link EndedReadings.read} reads them one by one. */
  readonly rows: readonly number[];
};

export type EndedReadings = {
  readonly count: number;
  /** How many were dropped at a bound before their time, since the start of the process. */
  readonly dropped: number;
  /** How many sessions and peers there is memory for. */
  readonly capacity: { readonly sessions: number; readonly peers: number };
  /** Since when every session that ended is there; never longer ago than they are remembered. */
  reachMs(nowMs: number): number;
  /** In steps of bounded work. */
  find(search: EndedSearch, nowMs: number): Generator<void, FoundEnded, void>;
  /** @returns undefined when it has been forgotten since it was found */
  read(row: number): EndedSession | undefined;
};

export type Ended = EndedReadings & {
  /** Notes a session that lives and is about to be removed, or to begin again. */
  note(session: Session, ending: Ending): void;
  /** Forgets at most `most` of those whose time is over. @returns how many */
  forgetDue(nowMs: number, most: number): number;
  /** Sessions may have come and gone unseen before then. */
  beginReach(fromMs: number): void;
};

export type EndedOptions = {
  /** How many are remembered at once, and how many peers of all of them. */
  readonly maxSessions: number;
  readonly maxPeers: number;
  /** Those of the living. */
  readonly peers: PeerReadings;
  /** Whether a cell's server is to blame for what its sessions receive badly. */
  readonly isServerAtFault: (cell: Cell) => boolean;
};

type Chunk = {
  /** For each row: of the meeting, the session and the participant. */
  readonly ids: string[];
  readonly cells: (Cell | undefined)[];
  readonly numbers: Float64Array;
};

const IDS = 3;
const COLUMN = {
  beganAtMs: 0,
  endedAtMs: 1,
  lastBeaconAtMs: 2,
  rtt: 3,
  uplinkLoss: 4,
  standing: 5,
  /** The reason's number, whether it began earlier, and a bit for each cause. */
  marks: 6,
  firstPeer: 7,
  peers: 8,
} as const;
const COLUMNS = Object.keys(COLUMN).length;

const REASON_BITS = 2;
const EARLIER_MARK = 1 << REASON_BITS;
const CAUSE_SHIFT = REASON_BITS + 1;

/** Well under a millisecond of work. */
const ROWS_AT_ONCE = 5_000;

export function createEnded({ maxSessions, maxPeers, peers, isServerAtFault }: EndedOptions): Ended {
  const rows = createRows<Chunk>((count) => ({
    ids: new Array<string>(count * IDS).fill(''),
    cells: new Array<Cell | undefined>(count).fill(undefined),
    numbers: new Float64Array(count * COLUMNS),
  }));
  const endedPeers = createEndedPeers();
  let dropped = 0;
  let completeFromMs = Number.NEGATIVE_INFINITY;

  function number(row: number, column: number): number {
    return rows.chunkOf(row).numbers[indexIn(row) * COLUMNS + column] as number;
  }

  function endedAtMs(row: number): number {
    return number(row, COLUMN.endedAtMs);
  }

  function dropBefore(to: number): void {
    for (let row = rows.first; row < to; row++) {
      const chunk = rows.chunkOf(row);
      const index = indexIn(row);
      chunk.ids.fill('', index * IDS, (index + 1) * IDS);
      chunk.cells[index] = undefined;
    }
    endedPeers.dropBefore(to < rows.end ? number(to, COLUMN.firstPeer) : endedPeers.end);
    rows.dropBefore(to);
  }

  /** Makes room for a session with so many peers. */
  function makeRoom(peerCount: number): void {
    while (rows.first < rows.end && (rows.end - rows.first >= maxSessions || endedPeers.count + peerCount > maxPeers)) {
      // What ended at the same time may be dropped only in part.
      completeFromMs = Math.max(completeFromMs, endedAtMs(rows.first) + 1);
      dropped++;
      dropBefore(rows.first + 1);
    }
  }

  function appendPeers(session: Session, diagnosis: Diagnosis | undefined): void {
    const { cell } = session;
    // One that may not be impaired has no bad stream: nearly all of those that end at once cost no diagnosis.
    const bad = diagnosis && new Map(diagnosis.bad.map((stream) => [stream.row, stream]));
    for (const row of session.peers) {
      const stream = bad?.get(row);
      const side: Side | undefined = stream && (isServerAtFault(cell) ? 'server' : stream.side);
      endedPeers.append(peers, row, side && { side, silence: stream?.silence });
    }
  }

  function matches(row: number, { meetingId, sessionId, region }: EndedSearch): boolean {
    const { ids, cells } = rows.chunkOf(row);
    const index = indexIn(row);
    if (meetingId !== undefined && ids[index * IDS] !== meetingId) return false;
    if (sessionId !== undefined && ids[index * IDS + 1] !== sessionId) return false;
    return region === undefined || cells[index]?.region === region;
  }

  return {
    get count() {
      return rows.end - rows.first;
    },
    get dropped() {
      return dropped;
    },
    get capacity() {
      return { sessions: rows.capacity, peers: endedPeers.capacity };
    },
    reachMs: (nowMs) => Math.max(completeFromMs, nowMs - ENDED_FOR_MS),
    *find(search, nowMs) {
      const found: { row: number; atMs: number }[] = [];
      const sinceMs = nowMs - ENDED_FOR_MS;
      let steps = 0;
      for (let row = rows.end - 1; row >= rows.first; row--) {
        if (matches(row, search) && endedAtMs(row) > sinceMs) found.push({ row, atMs: endedAtMs(row) });
        if (++steps % ROWS_AT_ONCE === 0) yield;
      }
      // Noted nearly in that order, but for what regions that are read at different times say.
      found.sort((a, b) => b.atMs - a.atMs || b.row - a.row);
      return { total: found.length, rows: found.slice(0, search.limit).map(({ row }) => row) };
    },
    read(row) {
      if (row < rows.first) return undefined;
      const { ids, cells } = rows.chunkOf(row);
      const index = indexIn(row);
      const marks = number(row, COLUMN.marks);
      const firstPeer = number(row, COLUMN.firstPeer);
      return {
        meetingId: ids[index * IDS] as string,
        id: ids[index * IDS + 1] as string,
        participantId: ids[index * IDS + 2] as string,
        cell: cells[index] as Cell,
        reason: END_REASONS[marks & (EARLIER_MARK - 1)] as EndReason,
        atMs: endedAtMs(row),
        beganAtMs: number(row, COLUMN.beganAtMs),
        isBegunEarlier: (marks & EARLIER_MARK) !== 0,
        lastBeaconAtMs: number(row, COLUMN.lastBeaconAtMs),
        rtt: number(row, COLUMN.rtt),
        uplinkLoss: number(row, COLUMN.uplinkLoss),
        standing: number(row, COLUMN.standing),
        causes: IMPAIRMENT_CAUSES.filter((_, i) => (marks >> CAUSE_SHIFT) & (1 << i)),
        peers: Array.from({ length: number(row, COLUMN.peers) }, (_, i) => endedPeers.read(firstPeer + i)),
      };
    },
    note(session, { reason, atMs }) {
      makeRoom(session.peers.length);
      const diagnosis = session.isSuspect ? diagnose(session, peers) : undefined;
      const row = rows.append();
      const { ids, cells, numbers } = rows.chunkOf(row);
      const index = indexIn(row);
      ids[index * IDS] = session.presence.meeting.id;
      ids[index * IDS + 1] = session.id;
      ids[index * IDS + 2] = session.participantId;
      cells[index] = session.cell;
      const at = index * COLUMNS;
      numbers[at + COLUMN.beganAtMs] = session.beganAtMs;
      numbers[at + COLUMN.endedAtMs] = atMs;
      numbers[at + COLUMN.lastBeaconAtMs] = session.receivedAtMs;
      numbers[at + COLUMN.rtt] = session.rtt;
      numbers[at + COLUMN.uplinkLoss] = session.uplinkLoss;
      numbers[at + COLUMN.standing] = session.standing;
      numbers[at + COLUMN.marks] = marksOf(reason, session, diagnosis);
      numbers[at + COLUMN.firstPeer] = endedPeers.end;
      numbers[at + COLUMN.peers] = session.peers.length;
      appendPeers(session, diagnosis);
    },
    forgetDue(nowMs, most) {
      const first = rows.first;
      const last = Math.min(rows.end, first + most);
      let to = first;
      while (to < last && endedAtMs(to) <= nowMs - ENDED_FOR_MS) to++;
      if (to > first) dropBefore(to);
      return to - first;
    },
    beginReach(fromMs) {
      completeFromMs = Math.max(completeFromMs, fromMs);
    },
  };
}

function marksOf(reason: EndReason, { isBegunEarlier }: Session, diagnosis: Diagnosis | undefined): number {
  let marks = END_REASONS.indexOf(reason) | (isBegunEarlier ? EARLIER_MARK : 0);
  IMPAIRMENT_CAUSES.forEach((cause, i) => {
    if (diagnosis?.[cause]) marks |= 1 << (CAUSE_SHIFT + i);
  });
  return marks;
}
