import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NOW_MS, regions } from '../testing.ts';
import type { ForwardBatch } from './call.ts';
import { createForwarders } from './client.ts';
import { TELL_AFTER_MS } from './refusals.ts';

const apac = { region: 'apac', lane: 'f07' };

function forwarders(forward: (batch: ForwardBatch) => void = () => undefined) {
  const calls: { name: string; batch: ForwardBatch }[] = [];
  const find = (name: string) => ({
    async forward(batch: ForwardBatch) {
      calls.push({ name, batch });
      forward(batch);
      return { ok: true } as const;
    },
  });
  const held: Promise<unknown>[] = [];
  const hold = (work: Promise<unknown>) => void held.push(work);
  return { ...createForwarders(find, regions, () => Date.now()), calls, held, hold };
}

function failing(error: Error, times: number): () => void {
  let left = times;
  return () => {
    if (left-- > 0) throw error;
  };
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('refusals', () => {
  it("are told alone after a second, through the region's first lane, and once", async () => {
    const { refusals, calls, hold } = forwarders();
    refusals.count('apac', 'invalid_id', hold);
    refusals.count('apac', 'invalid_id', hold);
    refusals.count('apac', 'token_missing', hold);
    await vi.advanceTimersByTimeAsync(TELL_AFTER_MS - 1);
    expect(calls).toStrictEqual([]);
    await vi.advanceTimersByTimeAsync(10 * TELL_AFTER_MS);
    const refused = { invalid_id: 2, token_missing: 1 };
    expect(calls).toStrictEqual([{ name: 'apac:f00', batch: { entries: [], refused, jwksErrors: 0 } }]);
  });

  it('go along with the next batch of their region, and not again', async () => {
    const { refusals, send, calls, hold } = forwarders();
    refusals.count('apac', 'invalid_id', hold);
    refusals.count('eu-west', 'malformed_json', hold);
    refusals.countJwksError('apac', hold);
    await send(apac, ['{}']);
    expect(calls).toStrictEqual([
      { name: 'apac:f07', batch: { entries: ['{}'], refused: { invalid_id: 1 }, jwksErrors: 1 } },
    ]);
    await vi.advanceTimersByTimeAsync(TELL_AFTER_MS);
    expect(calls.slice(1).map(({ name }) => name)).toStrictEqual(['eu-west:f00']);
  });

  it('are put back when the call fails, and added to what came meanwhile', async () => {
    const { refusals, send, calls, hold } = forwarders(failing(new Error('lost'), 1));
    refusals.count('apac', 'invalid_id', hold);
    await expect(send(apac, ['{}'])).rejects.toThrow('lost');
    refusals.count('apac', 'invalid_id', hold);
    refusals.countJwksError('apac', hold);
    await send(apac, ['{}']);
    expect(calls.at(-1)?.batch).toStrictEqual({ entries: ['{}'], refused: { invalid_id: 2 }, jwksErrors: 1 });
  });

  it('that could not be told alone wait for the next batch', async () => {
    const { refusals, send, calls, held, hold } = forwarders(failing(new Error('lost'), 1));
    refusals.count('apac', 'invalid_id', hold);
    await vi.advanceTimersByTimeAsync(TELL_AFTER_MS);
    await Promise.all(held);
    await send(apac, ['{}']);
    expect(calls.map(({ batch }) => batch.refused)).toStrictEqual([{ invalid_id: 1 }, { invalid_id: 1 }]);
  });

  it('are told by one timer a region, whatever their number, and by another once it has told', async () => {
    const { refusals, calls, held, hold } = forwarders();
    for (let i = 0; i < 1_000; i++) refusals.count('apac', 'token_missing', hold);
    expect(held.length).toBe(1);
    await vi.advanceTimersByTimeAsync(TELL_AFTER_MS);
    refusals.count('apac', 'token_missing', hold);
    await vi.advanceTimersByTimeAsync(TELL_AFTER_MS);
    expect(calls.map(({ batch }) => batch.refused)).toStrictEqual([{ token_missing: 1_000 }, { token_missing: 1 }]);
  });

  it('find another teller when the first one was lost with its request', async () => {
    const { refusals, calls, hold } = forwarders();
    refusals.count('apac', 'token_missing', hold);
    vi.clearAllTimers();
    await vi.advanceTimersByTimeAsync(10_000);
    refusals.count('apac', 'token_missing', hold);
    await vi.advanceTimersByTimeAsync(TELL_AFTER_MS);
    expect(calls.map(({ batch }) => batch.refused)).toStrictEqual([{ token_missing: 2 }]);
  });
});

describe('a call to a Forwarder', () => {
  it('is tried once more where the runtime says that it helps', async () => {
    const { send, calls } = forwarders(failing(Object.assign(new Error('moved'), { retryable: true }), 1));
    expect(await send(apac, ['{}'])).toStrictEqual({ ok: true });
    expect(calls.length).toBe(2);
  });

  it.each([
    ['that is overloaded', { retryable: true, overloaded: true }],
    ['that failed for another reason', {}],
  ])('is not repeated to one %s', async (_, marks) => {
    const { send, calls } = forwarders(failing(Object.assign(new Error('no'), marks), 9));
    await expect(send(apac, ['{}'])).rejects.toThrow('no');
    expect(calls.length).toBe(1);
  });
});
