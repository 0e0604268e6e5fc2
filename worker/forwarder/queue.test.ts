import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, createBatchQueue, type Limits, splitEntries } from './queue.ts';

const LIMITS: Limits = { beacons: 5, bytes: 60 };
const entry = fc.string({ minLength: 1, maxLength: 80, unit: 'grapheme-ascii' });
const call = fc.array(entry, { maxLength: 40 });

describe('splitEntries', () => {
  it('keeps every entry, in order, in parts that each fit a batch', () => {
    fc.assert(
      fc.property(call, (entries) => {
        const parts = splitEntries(entries, LIMITS);
        expect(parts.flat()).toEqual(entries);
        for (const part of parts) {
          expect(part.length).toBeGreaterThan(0);
          expect(part.length).toBeLessThanOrEqual(LIMITS.beacons);
          if (part.length > 1) expect(bytesOf(part)).toBeLessThanOrEqual(LIMITS.bytes);
        }
      }),
    );
  });

  it('fills a part before it begins the next', () => {
    expect(splitEntries(['a', 'b', 'c', 'd', 'e', 'f'], LIMITS)).toEqual([['a', 'b', 'c', 'd', 'e'], ['f']]);
    expect(splitEntries(['x'.repeat(29), 'y'.repeat(29), 'z'], LIMITS).map((part) => part.length)).toEqual([2, 1]);
  });
});

describe('the queue', () => {
  it('hands out everything once, in order of arrival, in batches within the limits', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 12 }), (calls) => {
        const queue = createBatchQueue(LIMITS);
        const parts = calls.flatMap((entries) => splitEntries(entries, LIMITS));
        parts.forEach((part, at) => void queue.add(part, at));
        const taken: string[] = [];
        for (let batch = queue.take(); batch; batch = queue.take()) {
          expect(batch.entries.length).toBeLessThanOrEqual(LIMITS.beacons);
          if (batch.entries.length > 1) expect(batch.bytes).toBeLessThanOrEqual(LIMITS.bytes);
          expect(batch.bytes).toBe(bytesOf(batch.entries));
          taken.push(...batch.entries);
        }
        expect(taken).toEqual(parts.flat());
      }),
    );
  });

  it('takes along all that waits, under the age of the oldest', () => {
    const queue = createBatchQueue();
    void queue.add(['a'], 100);
    void queue.add(['b', 'c'], 150);
    expect(queue.take()).toMatchObject({ entries: ['a', 'b', 'c'], receivedAtMs: 100 });
    expect(queue.take()).toBeUndefined();
  });

  it('answers each caller with the answer of the batch that carried its entries', async () => {
    const queue = createBatchQueue(LIMITS);
    const answers = [['a', 'b', 'c'], ['d', 'e'], ['f']].map((entries) => queue.add(entries, 0));
    queue.take()?.answer({ ok: true });
    queue.take()?.answer({ ok: false, reason: 'storage_failed' });
    expect(await Promise.all(answers)).toEqual([{ ok: true }, { ok: true }, { ok: false, reason: 'storage_failed' }]);
  });

  it.each<{ bound: string; limits: Limits }>([
    { bound: 'beacons', limits: { beacons: 2, bytes: 1_000 } },
    { bound: 'bytes', limits: { beacons: 1_000, bytes: 4 } },
  ])('refuses what would pass its bound of $bound, and has room again after a take', async ({ limits }) => {
    const queue = createBatchQueue(LIMITS, limits);
    const first = queue.add(['a', 'b'], 0);
    expect(await queue.add(['c'], 0)).toEqual({ ok: false, reason: 'unavailable' });
    queue.take()?.answer({ ok: true });
    expect(await first).toEqual({ ok: true });
    void queue.add(['c'], 0);
    expect(queue.take()).toMatchObject({ entries: ['c'] });
  });
});
