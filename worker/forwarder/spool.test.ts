/** The spool on the real SQLite storage of a Durable Object. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, type Limits } from './queue.ts';
import { openSpool, type Spool, type SpooledBatch, type SpoolLimits, type SpoolStorage } from './spool.ts';

const LIMITS: SpoolLimits = { ageMs: 1_000, bytes: 100 };
const BATCH: Limits = { beacons: 4, bytes: 40 };
const NOTHING = { spooled: 0, expired: 0, full: 0 };

/** Runs `work` with the storage of an object that no other test uses. */
function withStorage<T>(name: string, work: (storage: DurableObjectStorage) => T): Promise<T> {
  return runInDurableObject(env.FORWARDER.getByName(`sa:${name}`), (_, { storage }) => work(storage));
}

function empty(storage: SpoolStorage): void {
  storage.sql.exec('DELETE FROM spool');
  storage.sql.exec('DELETE FROM untold');
}

const open = (storage: SpoolStorage): Spool => openSpool(storage, LIMITS, BATCH);

describe('a batch in the spool', () => {
  it('comes out as it went in, under the id it was tried with', () =>
    withStorage('f00', (storage) => {
      const spool = open(storage);
      spool.put({ entries: ['{"a":1}', '{"b":2}'], receivedAtMs: 5, id: 'e1.7' }, 10);
      expect(spool.counts()).toMatchObject({ beacons: 2, spooled: 2 });
      const batch = spool.hold('e2.0', 10);
      expect(batch).toMatchObject({ id: 'e1.7', beacons: 2 });
      expect(batch?.entries.join(',')).toBe('{"a":1},{"b":2}');
    }));

  it('goes out together with untried ones behind it, within the bounds of a batch, and is bound to one id', () =>
    withStorage('f01', (storage) => {
      const spool = open(storage);
      for (const entry of ['a', 'b', 'c', 'd', 'e']) spool.put({ entries: [entry], receivedAtMs: 0 }, 0);
      expect(spool.hold('e1.0', 0)).toMatchObject({ id: 'e1.0', entries: ['a', 'b', 'c', 'd'] });
      spool.release();
      spool.put({ entries: ['f'], receivedAtMs: 0 }, 0);
      expect(open(storage).hold('e2.0', 0)).toMatchObject({ id: 'e1.0', entries: ['a', 'b', 'c', 'd'] });
    }));

  it('keeps apart what was tried and what was not', () =>
    withStorage('f02', (storage) => {
      const spool = open(storage);
      spool.put({ entries: ['a'], receivedAtMs: 0, id: 'e1.0' }, 0);
      spool.put({ entries: ['b'], receivedAtMs: 0 }, 0);
      spool.put({ entries: ['c'], receivedAtMs: 0, id: 'e1.5' }, 0);
      const ids: [string, string][] = [];
      for (let batch = spool.hold('fresh', 0); batch; batch = spool.hold('fresh', 0)) {
        ids.push([batch.id, batch.entries.join()]);
        spool.remove(batch, NOTHING);
      }
      expect(ids).toEqual([
        ['e1.0', 'a'],
        ['fresh', 'b'],
        ['e1.5', 'c'],
      ]);
    }));
});

describe('the bounds', () => {
  it('drops what is older than the age, counted as expired, also when nothing is put', () =>
    withStorage('f03', (storage) => {
      const spool = open(storage);
      spool.put({ entries: ['a', 'b'], receivedAtMs: 0 }, 0);
      spool.put({ entries: ['c'], receivedAtMs: 1 }, 1);
      spool.expire(999);
      expect(spool.counts()).toMatchObject({ beacons: 3, expired: 0 });
      spool.expire(1_000);
      expect(spool.counts()).toMatchObject({ beacons: 1, expired: 2 });
    }));

  it('drops the oldest for room, counted as full', () =>
    withStorage('f04', (storage) => {
      const spool = open(storage);
      for (const entry of ['a', 'b', 'c']) spool.put({ entries: [entry.repeat(39)], receivedAtMs: 0 }, 0);
      expect(spool.counts()).toMatchObject({ beacons: 2, full: 1 });
      expect(spool.hold('e1.0', 0)?.entries).toEqual(['b'.repeat(39)]);
    }));

  it('refuses only what does not fit at all, and drops nothing for it', () =>
    withStorage('f05', (storage) => {
      const spool = open(storage);
      spool.put({ entries: ['a'], receivedAtMs: 0 }, 0);
      expect(spool.put({ entries: ['x'.repeat(100)], receivedAtMs: 0 }, 0)).toBe(false);
      expect(spool.put({ entries: ['x'.repeat(99)], receivedAtMs: 0 }, 0)).toBe(true);
      expect(spool.counts()).toMatchObject({ beacons: 1, full: 1, spooled: 2 });
    }));

  it('never drops the batch that is on its way', () =>
    withStorage('f06', (storage) => {
      const spool = open(storage);
      spool.put({ entries: ['a'.repeat(39)], receivedAtMs: 0 }, 0);
      const held = spool.hold('e1.0', 0) as SpooledBatch;
      spool.put({ entries: ['b'.repeat(39)], receivedAtMs: 0 }, 0);
      spool.put({ entries: ['c'.repeat(39)], receivedAtMs: 5_000 }, 5_000);
      expect(spool.counts()).toMatchObject({ beacons: 2, expired: 1 });
      expect(spool.put({ entries: ['d'.repeat(70)], receivedAtMs: 5_000 }, 5_000)).toBe(false);
      spool.remove(held, NOTHING);
      expect(spool.hold('e1.1', 5_000)?.entries).toEqual(['c'.repeat(39)]);
    }));
});

describe('the counts', () => {
  it('that no envelope has told come back after a restart, those told do not', () =>
    withStorage('f07', (storage) => {
      const spool = open(storage);
      spool.put({ entries: ['a'], receivedAtMs: 0 }, 0);
      spool.put({ entries: ['b'], receivedAtMs: 900 }, 900);
      spool.expire(1_500);
      expect(open(storage).counts()).toMatchObject({ beacons: 1, spooled: 2, expired: 1 });
      spool.tell({ spooled: 2, expired: 0, full: 0 });
      expect(open(storage).counts()).toMatchObject({ beacons: 1, spooled: 0, expired: 1 });
      spool.remove(spool.hold('e1.0', 1_500) as SpooledBatch, { spooled: 2, expired: 1, full: 0 });
      expect(open(storage).counts()).toMatchObject({ beacons: 0, spooled: 0, expired: 0 });
    }));

  it('stay as they are when storage fails in the middle of a change', () =>
    withStorage('f08', (storage) => {
      const failing = (statement: string): SpoolStorage => ({
        transactionSync: (work) => storage.transactionSync(work),
        sql: {
          exec: (query: string, ...values: unknown[]) => {
            if (query.startsWith(statement)) throw new Error('disk I/O error');
            return storage.sql.exec(query, ...values);
          },
        } as SqlStorage,
      });
      const spool = open(storage);
      for (const entry of ['a', 'b']) spool.put({ entries: [entry.repeat(39)], receivedAtMs: 0 }, 0);
      for (const statement of ['INSERT INTO spool', 'INSERT OR REPLACE INTO untold']) {
        const broken = open(failing(statement));
        expect(() => broken.put({ entries: ['c'.repeat(39)], receivedAtMs: 0 }, 0)).toThrow('disk I/O error');
        expect(broken.counts()).toMatchObject({ beacons: 2, full: 0 });
        expect(open(storage).counts()).toMatchObject({ beacons: 2, full: 0 });
      }
    }));
});

type Step =
  | { do: 'put'; sizes: number[]; tried: boolean }
  | { do: 'wait'; ms: number }
  | { do: 'hold' | 'remove' | 'release' | 'expire' | 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('put' as const),
    sizes: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
    tried: fc.boolean(),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 700 }) }),
  fc.record({ do: fc.constantFrom('hold', 'remove', 'release', 'expire', 'restart') }),
);

it('holds its laws whatever happens: bounds, order, and a place for every beacon', () =>
  withStorage('f09', (storage) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        empty(storage);
        runSteps(storage, steps);
      }),
      { numRuns: 200 },
    );
  }));

function runSteps(storage: SpoolStorage, steps: readonly Step[]): void {
  let spool = open(storage);
  let held: SpooledBatch | undefined;
  let now = 0;
  let serial = 0;
  let put = 0;
  const removed: number[] = [];

  for (const next of steps) {
    if (next.do === 'wait') now += next.ms;
    else if (next.do === 'expire') spool.expire(now);
    else if (next.do === 'hold') held ??= spool.hold(`e1.${now}`, now);
    else if (next.do === 'put') {
      const entries = next.sizes.map((size) => `${serial++}:`.padEnd(size, '.'));
      const id = next.tried ? `e0.${serial}` : undefined;
      const fits = spool.put({ entries, receivedAtMs: now, id }, now);
      expect(fits).toBe(bytesOf(entries) + (held?.bytes ?? 0) <= LIMITS.bytes);
      if (!fits) spool.expire(now);
      else put += entries.length;
    } else if (next.do === 'remove' && held) {
      spool.remove(held, NOTHING);
      for (const entry of held.entries.join(',').split(',')) removed.push(Number.parseInt(entry, 10));
      held = undefined;
    } else {
      // A restart forgets what was on its way, as a release does.
      if (next.do === 'restart') spool = open(storage);
      else spool.release();
      held = undefined;
    }
    checkLaws(storage, spool, held, { put, removed: removed.length, now, next });
  }
  expect(removed).toEqual(removed.toSorted((a, b) => a - b));
  expect(new Set(removed).size).toBe(removed.length);
}

type Seen = { put: number; removed: number; now: number; next: Step };

function checkLaws(storage: SpoolStorage, spool: Spool, held: SpooledBatch | undefined, seen: Seen): void {
  const { beacons, spooled, expired, full } = spool.counts();
  const rows = storage.sql
    .exec<{ row: number; received_at: number; beacons: number; bytes: number }>('SELECT * FROM spool ORDER BY row')
    .toArray();
  expect(rows.reduce((sum, row) => sum + row.beacons, 0)).toBe(beacons);
  expect(rows.reduce((sum, row) => sum + row.bytes, 0)).toBeLessThanOrEqual(LIMITS.bytes);
  expect(spooled).toBe(seen.put);
  expect(beacons + seen.removed + expired + full).toBe(seen.put);
  if (seen.next.do === 'put' || seen.next.do === 'expire') {
    const free = rows.filter((row) => row.row > (held?.lastRow ?? 0));
    for (const row of free) expect(row.received_at).toBeGreaterThan(seen.now - LIMITS.ageMs);
  }
}
