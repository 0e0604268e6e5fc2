/**
 * A lane's spool: batches that NATS has not acknowledged, in the Forwarder's SQLite storage, in order.
 * Bounded by age and bytes, oldest out first, every drop counted; the counts survive a restart until an
 * envelope has told them. Publishing and the alarm are the outbox's and the Forwarder's.
 */
import { BATCH_LIMITS, bytesOf, type Limits } from './queue.ts';

export const SPOOL_LIMITS = { ageMs: 600_000, bytes: 64_000_000 } as const;

export type SpoolLimits = { readonly ageMs: number; readonly bytes: number };

/** What the spool needs of a Durable Object's storage. */
export type SpoolStorage = Pick<DurableObjectStorage, 'sql' | 'transactionSync'>;

/** `beacons` wait now; the others are beacons since this start, and those of earlier starts that were never told. */
export type SpoolCounts = {
  readonly beacons: number;
  readonly spooled: number;
  readonly expired: number;
  readonly full: number;
  /** Of these, what stored envelopes have told. */
  readonly told: Told;
};

/** What an envelope told of the spool; see `EdgeCounters`. */
export type Told = { readonly spooled: number; readonly expired: number; readonly full: number };

export type SpooledBatch = {
  /** The `Nats-Msg-Id` of every try, also after a restart. */
  readonly id: string;
  /** Each the JSON of one or more entries, joined by commas. */
  readonly entries: string[];
  readonly beacons: number;
  readonly bytes: number;
  /** The newest of its rows. */
  readonly lastRow: number;
};

export type Spoolable = {
  readonly entries: readonly string[];
  readonly receivedAtMs: number;
  /** The id of a batch that was tried already. */
  readonly id?: string | undefined;
};

export type Spool = {
  counts(): SpoolCounts;
  /** Adds a batch as the newest. @returns false when it does not fit at all. @throws when storage fails */
  put(batch: Spoolable, nowMs: number): boolean;
  /**
   * The oldest batch: rows that were tried together, or as many untried ones as fit a batch, which are
   * bound to `freshId` from now on. It can't be dropped until it is removed or released.
   */
  hold(freshId: string, nowMs: number): SpooledBatch | undefined;
  /** The held batch is in the stream; `told` is what its envelope said of the spool. */
  remove(batch: SpooledBatch, told: Told): void;
  /** The held batch stays; it may be dropped again. */
  release(): void;
  /** An envelope that was stored has told this. */
  tell(told: Told): void;
  /** Drops what is too old. */
  expire(nowMs: number): void;
};

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS spool (
    row INTEGER PRIMARY KEY,
    received_at INTEGER NOT NULL,
    beacons INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    batch_id TEXT,
    entries TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS untold (counter TEXT PRIMARY KEY, beacons INTEGER NOT NULL);
`;

const COUNTERS = ['spooled', 'expired', 'full'] as const;
type Counter = (typeof COUNTERS)[number];
type Row = { row: number; received_at: number; beacons: number; bytes: number };
type State = { beacons: number; bytes: number; told: Told } & { [Name in Counter]: number };

const NOTHING_TOLD: Told = { spooled: 0, expired: 0, full: 0 };

/** @throws when storage fails */
export function openSpool(
  storage: SpoolStorage,
  limits: SpoolLimits = SPOOL_LIMITS,
  batchLimits: Limits = BATCH_LIMITS,
): Spool {
  const { sql } = storage;
  let state = load(storage);
  let held: SpooledBatch | undefined;

  /** Runs a change in one transaction; the totals in memory follow only when it has succeeded. */
  function change<T>(work: (next: State) => T): T {
    const next = { ...state };
    const result = storage.transactionSync(() => {
      const value = work(next);
      saveUntold(next);
      return value;
    });
    state = next;
    return result;
  }

  function saveUntold(next: State): void {
    for (const counter of COUNTERS) {
      const untold = next[counter] - next.told[counter];
      if (untold === state[counter] - state.told[counter]) continue;
      sql.exec('INSERT OR REPLACE INTO untold (counter, beacons) VALUES (?, ?)', counter, untold);
    }
  }

  function drop({ row, beacons, bytes }: Row, counter: 'expired' | 'full', next: State): void {
    sql.exec('DELETE FROM spool WHERE row = ?', row);
    next.beacons -= beacons;
    next.bytes -= bytes;
    next[counter] += beacons;
  }

  function oldestDroppable(): Row | undefined {
    const select = 'SELECT row, received_at, beacons, bytes FROM spool WHERE row > ? ORDER BY row LIMIT 1';
    return sql.exec<Row>(select, held?.lastRow ?? 0).toArray()[0];
  }

  function dropExpired(nowMs: number, next: State): void {
    for (let row = oldestDroppable(); row; row = oldestDroppable()) {
      if (row.received_at > nowMs - limits.ageMs) return;
      drop(row, 'expired', next);
    }
  }

  function put({ entries, receivedAtMs, id }: Spoolable, nowMs: number): boolean {
    const bytes = bytesOf(entries);
    if (bytes + (held?.bytes ?? 0) > limits.bytes) return false;
    change((next) => {
      dropExpired(nowMs, next);
      while (next.bytes + bytes > limits.bytes) {
        const oldest = oldestDroppable();
        if (!oldest) throw new Error('the spool is full of rows that it does not have');
        drop(oldest, 'full', next);
      }
      sql.exec(
        'INSERT INTO spool (received_at, beacons, bytes, batch_id, entries) VALUES (?, ?, ?, ?, ?)',
        receivedAtMs,
        entries.length,
        bytes,
        id ?? null,
        entries.join(','),
      );
      next.beacons += entries.length;
      next.bytes += bytes;
      next.spooled += entries.length;
    });
    return true;
  }

  function expire(nowMs: number): void {
    if (state.beacons > 0) change((next) => dropExpired(nowMs, next));
  }

  function hold(freshId: string, nowMs: number): SpooledBatch | undefined {
    expire(nowMs);
    held = oldestBatch(sql, freshId, batchLimits);
    return held;
  }

  function remove(batch: SpooledBatch, told: Told): void {
    change((next) => {
      sql.exec('DELETE FROM spool WHERE row <= ?', batch.lastRow);
      next.beacons -= batch.beacons;
      next.bytes -= batch.bytes;
      next.told = told;
    });
    held = undefined;
  }

  return {
    counts: () => state,
    put,
    hold,
    remove,
    release() {
      held = undefined;
    },
    tell(told) {
      if (COUNTERS.some((counter) => told[counter] !== state.told[counter])) {
        change((next) => {
          next.told = told;
        });
      }
    },
    expire,
  };
}

type BatchRow = Row & { batch_id: string | null; entries: string };

function oldestBatch(sql: SqlStorage, freshId: string, limits: Limits): SpooledBatch | undefined {
  const entries: string[] = [];
  let boundId: string | null = null;
  let beacons = 0;
  let bytes = 0;
  let lastRow = 0;
  // The cursor reads a row when asked for it, so that rows after the batch stay on disk.
  for (const next of sql.exec<BatchRow>('SELECT * FROM spool ORDER BY row')) {
    if (entries.length === 0) boundId = next.batch_id;
    else if (next.batch_id !== boundId) break;
    else if (boundId === null && (beacons + next.beacons > limits.beacons || bytes + next.bytes > limits.bytes)) break;
    entries.push(next.entries);
    beacons += next.beacons;
    bytes += next.bytes;
    lastRow = next.row;
  }
  if (entries.length === 0) return undefined;
  if (boundId === null) sql.exec('UPDATE spool SET batch_id = ? WHERE row <= ?', freshId, lastRow);
  return { id: boundId ?? freshId, entries, beacons, bytes, lastRow };
}

function load(storage: SpoolStorage): State {
  const { sql } = storage;
  sql.exec(SCHEMA);
  const totals = sql
    .exec<{ beacons: number; bytes: number }>(
      'SELECT COALESCE(SUM(beacons), 0) AS beacons, COALESCE(SUM(bytes), 0) AS bytes FROM spool',
    )
    .one();
  const state: State = { ...totals, ...NOTHING_TOLD, told: NOTHING_TOLD };
  for (const { counter, beacons } of sql.exec<{ counter: Counter; beacons: number }>('SELECT * FROM untold')) {
    state[counter] = beacons;
  }
  return state;
}
