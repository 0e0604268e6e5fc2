/**
 * The Forwarder's spool: beacons of all its lanes that NATS has not acknowledged, in its SQLite storage, each lane
 * in order. Bounded by age and bytes, every drop counted; counts survive a restart until a counters message
 * has reported them. A session may hold a fraction of the free space (dynamic threshold, Choudhury and Hahne, 1998):
 * no session can fill the spool, and nothing that was accepted is pushed out. Lanes publish; the Forwarder sets the
 * alarm.
 */
import { SPOOL_AGE_MS } from '../../shared/forwarder-counters.ts';
import { countFitting, type Entries, joinEntries, sliceEntries } from './entries.ts';
import { openTries, type Try } from './tries.ts';

export type SpoolLimits = {
  readonly ageMs: number;
  readonly bytes: number;
  /** A session may hold 1/`shares` of the free bytes. */
  readonly shares: number;
};

export const SPOOL_LIMITS: SpoolLimits = { ageMs: SPOOL_AGE_MS, bytes: 64_000_000, shares: 64 };

/** What the spool needs of a Durable Object's storage. */
export type SpoolStorage = Pick<DurableObjectStorage, 'sql' | 'transactionSync'>;

/** Counters that are kept in storage until they were reported (table `untold`). */
const KEPT = ['spooled', 'drained', 'expired', 'unpublishable'] as const;

/** Beacons since this start, plus those of earlier starts that were not reported. */
export type KeptCounts = { readonly [Name in (typeof KEPT)[number]]: number };

export type SpoolCounts = KeptCounts & {
  /** Beacons and bytes that wait now. */
  readonly beacons: number;
  readonly bytes: number;
};

/** The oldest beacons of a lane. */
export type SpooledBatch = {
  readonly lane: string;
  readonly entries: Entries;
  /** The publish that may have stored exactly these. */
  readonly tried: Try | undefined;
};

export type Spoolable = {
  readonly lane: string;
  readonly entries: Entries;
  readonly receivedAtMs: number;
  /** The publish that may have stored these; such a batch is spooled whole, regardless of shares. */
  readonly tried?: Try;
};

export type Spool = {
  counts(): SpoolCounts;
  /** Whether a lane has beacons here. */
  has(lane: string): boolean;
  lanes(): string[];
  /**
   * Adds a lane's newest beacons.
   * @returns the places in `entries` of those that were left out, because their session's share or the spool is full
   * @throws when storage fails; nothing was added then
   */
  put(batch: Spoolable): number[];
  /**
   * The lane's oldest beacons: those of a publish that may be in the stream, else as many as fit `bytesMax`, at
   * least one. They don't expire until `remove` or `release`.
   */
  take(lane: string, bytesMax: number): SpooledBatch | undefined;
  /** Remembers that the batch is tried, or with undefined that it is in no stream. */
  markTried(batch: SpooledBatch, tried: Try | undefined): void;
  /** Removes the taken batch: it is in the stream, or can't be published at all. */
  remove(batch: SpooledBatch, as: 'drained' | 'unpublishable'): void;
  /** Keeps the taken batch for a later retry. */
  release(lane: string): void;
  /** Drops what is too old. @returns how many beacons */
  expire(nowMs: number): number;
  /** Call when the stream has acknowledged a message with these counts. */
  markReported(counts: KeptCounts): void;
};

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS spooled (
    row INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    lengths TEXT NOT NULL,
    sessions TEXT NOT NULL,
    entries BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS spooled_by_lane ON spooled (lane, row);
  CREATE TABLE IF NOT EXISTS untold (counter TEXT PRIMARY KEY, beacons INTEGER NOT NULL);
`;

type Row = { row: number; lane: string; received_at: number; lengths: string; sessions: string; entries: ArrayBuffer };

type Holdings = {
  beacons: number;
  bytes: number;
  readonly byLane: Map<string, number>;
  readonly bytesBySession: Map<string, number>;
};

/** @throws when storage fails */
export function openSpool(storage: SpoolStorage, limits: SpoolLimits = SPOOL_LIMITS): Spool {
  const { sql } = storage;
  sql.exec(SCHEMA);
  const tries = openTries(storage);
  const holdings = loadHoldings(sql);
  let kept = loadUnreported(sql);
  let reportedCounts: KeptCounts = { spooled: 0, drained: 0, expired: 0, unpublishable: 0 };
  const taken = new Set<string>();

  /** Changes rows and counters in one transaction; memory follows only when that has succeeded. */
  function change<T>(gains: Partial<KeptCounts>, work: () => T): T {
    const next = { ...kept };
    for (const name of KEPT) next[name] += gains[name] ?? 0;
    const result = storage.transactionSync(() => {
      const value = work();
      saveUnreported(next, reportedCounts);
      return value;
    });
    kept = next;
    return result;
  }

  function saveUnreported(next: KeptCounts, nextReported: KeptCounts): void {
    for (const name of KEPT) {
      const unreported = next[name] - nextReported[name];
      if (unreported === kept[name] - reportedCounts[name]) continue;
      sql.exec('INSERT OR REPLACE INTO untold (counter, beacons) VALUES (?, ?)', name, unreported);
    }
  }

  function adjustHoldings({ lengths, sessions }: Entries, lane: string, sign: 1 | -1): void {
    holdings.beacons += sign * lengths.length;
    add(holdings.byLane, lane, sign * lengths.length);
    for (const [i, length] of lengths.entries()) {
      holdings.bytes += sign * length;
      add(holdings.bytesBySession, sessions[i] ?? '', sign * length);
    }
  }

  /** The places of entries that would be over their session's share, each counted after the ones before it. */
  function overShare({ lengths, sessions }: Entries): number[] {
    const over: number[] = [];
    const added = new Map<string, number>();
    let free = limits.bytes - holdings.bytes;
    for (const [i, length] of lengths.entries()) {
      const session = sessions[i] ?? '';
      const holds = (holdings.bytesBySession.get(session) ?? 0) + (added.get(session) ?? 0);
      if (holds + length > free / limits.shares) {
        over.push(i);
        continue;
      }
      add(added, session, length);
      free -= length;
    }
    return over;
  }

  function put({ lane, entries, receivedAtMs, tried }: Spoolable): number[] {
    const over = tried === undefined ? overShare(entries) : [];
    const kept = over.length === 0 ? entries : without(entries, new Set(over));
    const beacons = kept.lengths.length;
    if (beacons === 0) return over;
    change({ spooled: beacons }, () => {
      sql.exec(
        'INSERT INTO spooled (lane, received_at, lengths, sessions, entries) VALUES (?, ?, ?, ?, ?)',
        lane,
        receivedAtMs,
        JSON.stringify(kept.lengths),
        JSON.stringify(kept.sessions),
        bufferOf(kept.bytes),
      );
      if (tried) tries.save(lane, tried, beacons);
    });
    adjustHoldings(kept, lane, 1);
    if (tried) taken.add(lane);
    return over;
  }

  function oldestRows(lane: string): Iterable<Row> {
    // The cursor reads rows lazily, so rows after the batch stay on disk.
    return sql.exec<Row>('SELECT * FROM spooled WHERE lane = ? ORDER BY row', lane);
  }

  function take(lane: string, bytesMax: number): SpooledBatch | undefined {
    if (!has(lane)) return undefined;
    const tried = tries.get(lane);
    const parts: Entries[] = [];
    let bytes = 0;
    let beacons = 0;
    for (const row of oldestRows(lane)) {
      const all = entriesOf(row);
      const fitting = tried
        ? Math.min(all.lengths.length, tried.beacons - beacons)
        : Math.max(countFitting(all, bytesMax - bytes), beacons === 0 ? 1 : 0);
      if (fitting > 0) parts.push(sliceEntries(all, 0, fitting));
      if (fitting < all.lengths.length) break;
      bytes += all.bytes.length;
      beacons += fitting;
    }
    taken.add(lane);
    return { lane, entries: joinEntries(parts), tried: tried?.tried };
  }

  function markTried({ lane, entries }: SpooledBatch, tried: Try | undefined): void {
    if (tried) tries.save(lane, tried, entries.lengths.length);
    else tries.forget(lane);
  }

  function remove({ lane, entries }: SpooledBatch, as: 'drained' | 'unpublishable'): void {
    let left = entries.lengths.length;
    change({ [as]: left }, () => {
      tries.forget(lane);
      for (const row of [...firstRows(lane, left)]) {
        const all = entriesOf(row);
        if (all.lengths.length <= left) sql.exec('DELETE FROM spooled WHERE row = ?', row.row);
        else shorten(row.row, sliceEntries(all, left, all.lengths.length));
        left -= Math.min(left, all.lengths.length);
      }
    });
    adjustHoldings(entries, lane, -1);
    taken.delete(lane);
  }

  function* firstRows(lane: string, beacons: number): Iterable<Row> {
    let left = beacons;
    for (const row of oldestRows(lane)) {
      if (left <= 0) return;
      left -= (JSON.parse(row.lengths) as number[]).length;
      yield row;
    }
  }

  function shorten(row: number, { lengths, sessions, bytes }: Entries): void {
    sql.exec(
      'UPDATE spooled SET lengths = ?, sessions = ?, entries = ? WHERE row = ?',
      JSON.stringify(lengths),
      JSON.stringify(sessions),
      bufferOf(bytes),
      row,
    );
  }

  function expire(nowMs: number): number {
    if (holdings.beacons === 0) return 0;
    let dropped = 0;
    for (const lane of lanes()) if (!taken.has(lane)) dropped += expireLane(lane, nowMs - limits.ageMs);
    return dropped;
  }

  function expireLane(lane: string, receivedBeforeMs: number): number {
    // Without the entries' bytes: all of a full spool may be too old at once, after the object was away for long.
    type Shares = Pick<Row, 'row' | 'received_at' | 'lengths' | 'sessions'>;
    const query = 'SELECT row, received_at, lengths, sessions FROM spooled WHERE lane = ? ORDER BY row';
    const rows: Shares[] = [];
    for (const row of sql.exec<Shares>(query, lane)) {
      if (row.received_at > receivedBeforeMs) break;
      rows.push(row);
    }
    if (rows.length === 0) return 0;
    const parts = rows.map((row) => entriesOf({ ...row, entries: new ArrayBuffer(0) }));
    const beacons = parts.reduce((sum, { lengths }) => sum + lengths.length, 0);
    change({ expired: beacons }, () => {
      for (const { row } of rows) sql.exec('DELETE FROM spooled WHERE row = ?', row);
      // The remainder of a tried batch is a new batch; if it is in a stream, `seq` reveals the repeat.
      tries.forget(lane);
    });
    for (const part of parts) adjustHoldings(part, lane, -1);
    return beacons;
  }

  const has = (lane: string): boolean => holdings.byLane.has(lane);
  const lanes = (): string[] => [...holdings.byLane.keys()];

  return {
    counts: () => ({ ...kept, beacons: holdings.beacons, bytes: holdings.bytes }),
    has,
    lanes,
    put,
    take,
    markTried,
    remove,
    release: (lane) => void taken.delete(lane),
    expire,
    markReported({ spooled, drained, expired, unpublishable }) {
      const next = { spooled, drained, expired, unpublishable };
      if (KEPT.every((name) => next[name] === reportedCounts[name])) return;
      storage.transactionSync(() => saveUnreported(kept, next));
      reportedCounts = next;
    },
  };
}

function loadHoldings(sql: SqlStorage): Holdings {
  const holdings: Holdings = { beacons: 0, bytes: 0, byLane: new Map(), bytesBySession: new Map() };
  type Shares = { lane: string; lengths: string; sessions: string };
  for (const row of sql.exec<Shares>('SELECT lane, lengths, sessions FROM spooled')) {
    const lengths: number[] = JSON.parse(row.lengths);
    const sessions: string[] = JSON.parse(row.sessions);
    holdings.beacons += lengths.length;
    add(holdings.byLane, row.lane, lengths.length);
    for (const [i, length] of lengths.entries()) {
      holdings.bytes += length;
      add(holdings.bytesBySession, sessions[i] ?? '', length);
    }
  }
  return holdings;
}

function loadUnreported(sql: SqlStorage): { -readonly [Name in keyof KeptCounts]: number } {
  const unreported = { spooled: 0, drained: 0, expired: 0, unpublishable: 0 };
  for (const { counter, beacons } of sql.exec<{ counter: string; beacons: number }>('SELECT * FROM untold')) {
    for (const name of KEPT) if (name === counter) unreported[name] = beacons;
  }
  return unreported;
}

function entriesOf({ lengths, sessions, entries }: Pick<Row, 'lengths' | 'sessions' | 'entries'>): Entries {
  return { bytes: new Uint8Array(entries), lengths: JSON.parse(lengths), sessions: JSON.parse(sessions) };
}

function without(entries: Entries, places: ReadonlySet<number>): Entries {
  const parts = entries.lengths.flatMap((_, i) => (places.has(i) ? [] : [sliceEntries(entries, i, i + 1)]));
  return joinEntries(parts);
}

/** Copies these bytes only: a view may share its buffer with a whole call. */
function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer as ArrayBuffer;
}

function add(sums: Map<string, number>, key: string, amount: number): void {
  const next = (sums.get(key) ?? 0) + amount;
  if (next > 0) sums.set(key, next);
  else sums.delete(key);
}
