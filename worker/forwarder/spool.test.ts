/** The spool on the real SQLite storage of a Durable Object. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entries } from './entries.ts';
import { openSpool, type Spool, type SpoolLimits } from './spool.ts';

const LIMITS: SpoolLimits = { ageMs: 1_000, bytes: 1_000, shares: 4 };
const ALL = Number.POSITIVE_INFINITY;

let objects = 0;
/** Runs `work` with the storage of an object that no other test uses. */
function withStorage<T>(work: (storage: DurableObjectStorage) => T): Promise<T> {
  objects += 1;
  return runInDurableObject(env.FORWARDER.getByName(`sa:${objects}`), (_, { storage }) => work(storage));
}

/** Entries of `bytes` bytes, each filled with its number, and their sessions. */
function entries(numbers: readonly number[], { bytes = 10, session = 's' } = {}): Entries {
  return {
    bytes: Uint8Array.from(numbers.flatMap((number) => Array<number>(bytes).fill(number))),
    lengths: numbers.map(() => bytes),
    sessions: numbers.map(() => session),
  };
}

const numbersOf = ({ bytes, lengths }: Entries): number[] => {
  let at = 0;
  return lengths.map((length) => {
    at += length;
    return bytes[at - length] ?? -1;
  });
};

const takeAll = (spool: Spool, lane = 'f00'): number[] => {
  const batch = spool.take(lane, ALL);
  spool.release(lane);
  return batch ? numbersOf(batch.entries) : [];
};

describe('a batch in the spool', () => {
  it('comes out as it went in, in order per lane, also after a restart', () =>
    withStorage((storage) => {
      const spool = openSpool(storage, LIMITS);
      spool.put({ lane: 'f00', entries: entries([1, 2]), receivedAtMs: 0 });
      spool.put({ lane: 'f01', entries: entries([7]), receivedAtMs: 0 });
      spool.put({ lane: 'f00', entries: entries([3]), receivedAtMs: 0 });
      for (const reader of [spool, openSpool(storage, LIMITS)]) {
        expect(takeAll(reader)).toStrictEqual([1, 2, 3]);
        expect(takeAll(reader, 'f01')).toStrictEqual([7]);
        expect(reader.counts()).toMatchObject({ beacons: 4, bytes: 40, spooled: 4 });
      }
    }));

  it('is cut where it does not fit a message, and what is left comes next', () =>
    withStorage((storage) => {
      const spool = openSpool(storage, LIMITS);
      spool.put({ lane: 'f00', entries: entries([1, 2, 3]), receivedAtMs: 0 });
      spool.put({ lane: 'f00', entries: entries([4]), receivedAtMs: 0 });
      const taken: number[][] = [];
      for (let batch = spool.take('f00', 25); batch; batch = spool.take('f00', 25)) {
        taken.push(numbersOf(batch.entries));
        spool.remove(batch, 'drained');
      }
      expect(taken).toStrictEqual([
        [1, 2],
        [3, 4],
      ]);
      expect(openSpool(storage, LIMITS).counts()).toMatchObject({ beacons: 0, bytes: 0, drained: 4 });
    }));

  it('is taken one beacon at a time when not even one fits', () =>
    withStorage((storage) => {
      const spool = openSpool(storage, LIMITS);
      spool.put({ lane: 'f00', entries: entries([1, 2]), receivedAtMs: 0 });
      expect(numbersOf(spool.take('f00', 5)?.entries ?? entries([]))).toStrictEqual([1]);
    }));

  it('that was tried comes out as exactly that, with its try, also after a restart', () =>
    withStorage((storage) => {
      const tried = { id: 'id-1', epoch: 'e-1', accepted: 7 };
      const spool = openSpool(storage, LIMITS);
      spool.put({ lane: 'f00', entries: entries([1, 2, 3]), receivedAtMs: 0 });
      const batch = spool.take('f00', 25);
      if (batch) spool.markTried(batch, tried);
      spool.put({ lane: 'f00', entries: entries([4]), receivedAtMs: 0 });
      const again = openSpool(storage, LIMITS).take('f00', ALL);
      expect([again?.tried, numbersOf(again?.entries ?? entries([]))]).toStrictEqual([tried, [1, 2]]);
    }));

  it('that an earlier version tried comes out with an epoch of its own, so that it is counted where it is stored', () =>
    withStorage((storage) => {
      storage.sql.exec('DROP TABLE IF EXISTS tried');
      storage.sql.exec('CREATE TABLE tried (lane TEXT PRIMARY KEY, id TEXT NOT NULL, beacons INTEGER NOT NULL)');
      const spool = openSpool(storage, LIMITS);
      spool.put({ lane: 'f00', entries: entries([1, 2, 3]), receivedAtMs: 0 });
      storage.sql.exec("INSERT INTO tried (lane, id, beacons) VALUES ('f00', 'id-1', 2)");
      const again = openSpool(storage, LIMITS).take('f00', ALL);
      expect(again?.tried).toStrictEqual({ id: 'id-1', epoch: 'id-1', accepted: 2 });
      expect(numbersOf(again?.entries ?? entries([]))).toStrictEqual([1, 2]);
    }));

  it('that expires is dropped and counted, but not one that is taken', () =>
    withStorage((storage) => {
      const spool = openSpool(storage, LIMITS);
      spool.put({ lane: 'f00', entries: entries([1]), receivedAtMs: 0 });
      spool.put({ lane: 'f01', entries: entries([2]), receivedAtMs: 0 });
      spool.put({ lane: 'f01', entries: entries([3]), receivedAtMs: 1 });
      spool.take('f00', ALL);
      expect(spool.expire(1_000)).toBe(1);
      expect([takeAll(spool), takeAll(spool, 'f01')]).toStrictEqual([[1], [3]]);
      expect(spool.counts()).toMatchObject({ expired: 1, beacons: 2 });
      expect(spool.expire(5_000)).toBe(2);
    }));
});

describe('a share', () => {
  it('is a fraction of the free space: a greedy session is stopped early, others have room, and nothing is pushed out', () =>
    withStorage((storage) => {
      const spool = openSpool(storage, LIMITS);
      const put = (session: string) =>
        spool.put({ lane: 'f00', entries: entries([1], { session, bytes: 40 }), receivedAtMs: 0 }).length === 0;
      let kept = 0;
      while (put('hog')) kept += 1;
      // A quarter of what is then free.
      expect(kept).toBe(5);
      expect(put('calm')).toBe(true);
      expect(put('hog')).toBe(false);
      expect(spool.counts()).toMatchObject({ beacons: kept + 1, expired: 0 });
      const reopened = openSpool(storage, LIMITS);
      const again = { lane: 'f00', entries: entries([1], { session: 'hog', bytes: 40 }), receivedAtMs: 0 };
      expect(reopened.put(again)).toStrictEqual([0]);
    }));

  it('applies to each beacon: one call keeps what fits', () =>
    withStorage((storage) => {
      const spool = openSpool(storage, LIMITS);
      const hog = entries([1, 2, 3, 4], { session: 'hog', bytes: 100 });
      const calm = entries([9], { session: 'calm' });
      const mixed = {
        bytes: Uint8Array.from([...hog.bytes, ...calm.bytes]),
        lengths: [...hog.lengths, ...calm.lengths],
        sessions: [...hog.sessions, ...calm.sessions],
      };
      expect(spool.put({ lane: 'f00', entries: mixed, receivedAtMs: 0 })).toStrictEqual([2, 3]);
      expect(takeAll(spool)).toStrictEqual([1, 2, 9]);
    }));
});

describe('counts', () => {
  it('that were not reported come back after a restart, those reported do not', () =>
    withStorage((storage) => {
      const spool = openSpool(storage, LIMITS);
      spool.put({ lane: 'f00', entries: entries([1, 2]), receivedAtMs: 0 });
      spool.markReported(spool.counts());
      spool.put({ lane: 'f00', entries: entries([3]), receivedAtMs: 0 });
      expect(openSpool(storage, LIMITS).counts()).toMatchObject({ spooled: 1, beacons: 3 });
    }));

  it('stay as they are when storage fails in the middle of a change', () =>
    withStorage((storage) => {
      let isBroken = false;
      const spool = openSpool(
        {
          sql: storage.sql,
          transactionSync: (work) =>
            storage.transactionSync(() => {
              const value = work();
              if (isBroken) throw new Error('disk full');
              return value;
            }),
        },
        LIMITS,
      );
      spool.put({ lane: 'f00', entries: entries([1]), receivedAtMs: 0 });
      const before = spool.counts();
      isBroken = true;
      expect(() => spool.put({ lane: 'f00', entries: entries([2]), receivedAtMs: 0 })).toThrow('disk full');
      expect(spool.counts()).toStrictEqual(before);
      expect(takeAll(spool)).toStrictEqual([1]);
    }));
});

const step = fc.oneof(
  fc.record({
    put: fc.array(fc.record({ session: fc.constantFrom('a', 'b', 'c', 'd'), bytes: fc.integer({ min: 1, max: 90 }) })),
    lane: fc.constantFrom('f00', 'f01'),
  }),
  fc.record({ take: fc.integer({ min: 0, max: 200 }), lane: fc.constantFrom('f00', 'f01'), drain: fc.boolean() }),
  fc.record({ passMs: fc.nat(700) }),
  fc.constant('reopen' as const),
);

it('keeps its invariants: bounds, order, shares, and every beacon accounted for', () =>
  withStorage((storage) =>
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        for (const table of ['spooled', 'tried', 'untold']) storage.sql.exec(`DELETE FROM ${table}`);
        let spool = openSpool(storage, LIMITS);
        const model: { lane: string; number: number; bytes: number; atMs: number }[] = [];
        let nowMs = 0;
        let next = 0;
        for (const step of steps) {
          if (step === 'reopen') {
            spool = openSpool(storage, LIMITS);
          } else if ('put' in step) {
            const numbers = step.put.map(() => (next = (next + 1) % 256));
            const batch: Entries = {
              bytes: Uint8Array.from(step.put.flatMap(({ bytes }, i) => Array<number>(bytes).fill(numbers[i] ?? 0))),
              lengths: step.put.map(({ bytes }) => bytes),
              sessions: step.put.map(({ session }) => session),
            };
            const over = new Set(spool.put({ lane: step.lane, entries: batch, receivedAtMs: nowMs }));
            for (const [i, number] of numbers.entries()) {
              if (!over.has(i)) model.push({ lane: step.lane, number, bytes: batch.lengths[i] ?? 0, atMs: nowMs });
            }
          } else if ('take' in step) {
            const batch = spool.take(step.lane, step.take);
            const expected = model.filter(({ lane }) => lane === step.lane);
            expect(batch ? numbersOf(batch.entries) : []).toStrictEqual(
              expected.slice(0, batch?.entries.lengths.length ?? 0).map(({ number }) => number),
            );
            if (!batch) expect(expected).toStrictEqual([]);
            else if (step.drain) {
              spool.remove(batch, 'drained');
              for (const gone of expected.slice(0, batch.entries.lengths.length)) model.splice(model.indexOf(gone), 1);
            } else spool.release(step.lane);
          } else {
            nowMs += step.passMs;
            const expired = model.filter(({ atMs }) => atMs <= nowMs - LIMITS.ageMs);
            expect(spool.expire(nowMs)).toBe(expired.length);
            for (const gone of expired) model.splice(model.indexOf(gone), 1);
          }
          const bytes = model.reduce((sum, beacon) => sum + beacon.bytes, 0);
          expect(spool.counts()).toMatchObject({ beacons: model.length, bytes });
          expect(bytes).toBeLessThan(LIMITS.bytes);
          const { spooled, drained, expired, unpublishable, beacons } = spool.counts();
          expect(spooled - drained - expired - unpublishable).toBe(beacons);
        }
      }),
      { numRuns: 60 },
    ),
  ));

it('drops what is too old without reading its bytes: a full spool may expire at once, and memory is 128 MB', () =>
  withStorage((storage) => {
    openSpool(storage, LIMITS).put({ lane: 'f00', entries: entries([1, 2]), receivedAtMs: 0 });
    const columns = new Set<string>();
    const exec: SqlStorage['exec'] = (query, ...bindings) => {
      const cursor = storage.sql.exec(query, ...bindings);
      for (const column of cursor.columnNames) columns.add(column);
      return cursor as ReturnType<SqlStorage['exec']> as never;
    };
    const sql = { exec } as SqlStorage;
    const spool = openSpool({ sql, transactionSync: (work) => storage.transactionSync(work) }, LIMITS);
    expect(spool.expire(LIMITS.ageMs)).toBe(2);
    expect(columns).toContain('lengths');
    expect(columns).not.toContain('entries');
  }));
