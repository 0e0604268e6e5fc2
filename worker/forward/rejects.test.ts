import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { log } from '../log.ts';
import { NOW_MS, regions } from '../testing.ts';
import type { ForwardCall, IsolateCounts } from './call.ts';
import { createForwarderClient } from './client.ts';
import { DELIVER_AFTER_MS, DELIVERY_LOST_MS } from './rejects.ts';
import { AVOID_MS } from './slots.ts';

type Made = { readonly name: string; readonly call: ForwardCall };

const BEACON = { entries: [new Uint8Array([1, 2, 3])], lanes: [7], sessions: ['m/s'], bytes: 3 };

function client({
  forward = () => {},
  forwarders = 1,
}: {
  forward?: (made: Made) => unknown;
  forwarders?: number;
} = {}) {
  const calls: Made[] = [];
  const find = (name: string) => ({
    async forward(call: ForwardCall) {
      calls.push({ name, call });
      await forward({ name, call });
      return { rejected: [] };
    },
  });
  const kept: Promise<unknown>[] = [];
  const waitUntil = (work: Promise<unknown>) => void kept.push(work);
  const options = { find, regions, forwarders, topology: 't', random: () => 0, newId: () => 'isolate-1', log };
  return {
    ...createForwarderClient({ ...options, now: () => Date.now() }),
    calls,
    kept,
    waitUntil,
    counts: () => calls.map(({ call }) => call.counts),
  };
}

function failing(error: Error, times: number): () => void {
  let left = times;
  return () => {
    if (left-- > 0) throw error;
  };
}

const countsOf = (number: number, rejected: IsolateCounts['rejected'], more: Partial<IsolateCounts> = {}) => ({
  number,
  rejected,
  jwksErrors: 0,
  overloadedCalls: 0,
  ...more,
});

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('reject counts', () => {
  it('are delivered alone after a second, and once', async () => {
    const { rejects, calls, waitUntil } = client();
    rejects.count('apac', 'invalid_id', waitUntil);
    rejects.count('apac', 'invalid_id', waitUntil);
    rejects.count('apac', 'token_missing', waitUntil);
    await vi.advanceTimersByTimeAsync(DELIVER_AFTER_MS - 1);
    expect(calls).toStrictEqual([]);
    await vi.advanceTimersByTimeAsync(10 * DELIVER_AFTER_MS);
    expect(calls.map(({ name }) => name)).toStrictEqual(['apac:0']);
    expect(calls[0]?.call.counts).toStrictEqual(countsOf(1, { invalid_id: 2, token_missing: 1 }));
    expect(calls[0]?.call.lengths.length).toBe(0);
  });

  it('go along with the next call to their region, and not again', async () => {
    const { rejects, send, calls, counts, waitUntil } = client();
    rejects.count('apac', 'invalid_id', waitUntil);
    rejects.count('eu-west', 'malformed_json', waitUntil);
    rejects.countJwksError('apac', waitUntil);
    await send('apac', BEACON, false);
    await send('apac', BEACON, false);
    expect(counts()).toStrictEqual([countsOf(1, { invalid_id: 1 }, { jwksErrors: 1 }), undefined]);
    await vi.advanceTimersByTimeAsync(DELIVER_AFTER_MS);
    expect(calls.slice(2).map(({ name }) => name)).toStrictEqual(['eu-west:0']);
  });

  it('keep their number when the call fails, and counts that came meanwhile wait for the next number', async () => {
    const { rejects, send, counts, waitUntil } = client({ forward: failing(new Error('lost'), 1) });
    rejects.count('apac', 'invalid_id', waitUntil);
    await expect(send('apac', BEACON, false)).rejects.toThrow('lost');
    rejects.count('apac', 'token_missing', waitUntil);
    await send('apac', BEACON, false);
    await send('apac', BEACON, false);
    const first = countsOf(1, { invalid_id: 1 });
    expect(counts()).toStrictEqual([first, first, countsOf(2, { token_missing: 1 })]);
  });

  it('travel with one call at a time', async () => {
    const { rejects, send, counts, waitUntil } = client();
    rejects.count('apac', 'invalid_id', waitUntil);
    const first = send('apac', BEACON, false);
    rejects.count('apac', 'invalid_id', waitUntil);
    await Promise.all([first, send('apac', BEACON, false)]);
    expect(counts()).toStrictEqual([countsOf(1, { invalid_id: 1 }), undefined]);
  });

  it('are sent again under their number when the request that carried them never saw its answer', async () => {
    let hangs = true;
    const { rejects, send, waitUntil, counts } = client({
      forward: () => (hangs ? new Promise<never>(() => undefined) : undefined),
    });
    rejects.count('apac', 'invalid_id', waitUntil);
    void send('apac', BEACON, false);
    hangs = false;
    await vi.advanceTimersByTimeAsync(DELIVERY_LOST_MS);
    rejects.count('apac', 'token_missing', waitUntil);
    await send('apac', BEACON, false);
    await send('apac', BEACON, false);
    expect(counts().filter((one) => one !== undefined)).toStrictEqual([
      countsOf(1, { invalid_id: 1 }),
      countsOf(1, { invalid_id: 1 }),
      countsOf(2, { token_missing: 1 }),
    ]);
  });

  it('are delivered by one timer a region, whatever their number, and by another one later', async () => {
    const { rejects, counts, kept, waitUntil } = client();
    for (let i = 0; i < 1_000; i++) rejects.count('apac', 'token_missing', waitUntil);
    expect(kept.length).toBe(1);
    await vi.advanceTimersByTimeAsync(DELIVER_AFTER_MS);
    rejects.count('apac', 'token_missing', waitUntil);
    await vi.advanceTimersByTimeAsync(DELIVER_AFTER_MS);
    expect(counts()).toStrictEqual([countsOf(1, { token_missing: 1_000 }), countsOf(2, { token_missing: 1 })]);
  });

  it('are delivered by another request when the first one was lost', async () => {
    const { rejects, counts, waitUntil } = client();
    rejects.count('apac', 'token_missing', waitUntil);
    vi.clearAllTimers();
    await vi.advanceTimersByTimeAsync(10_000);
    rejects.count('apac', 'token_missing', waitUntil);
    await vi.advanceTimersByTimeAsync(DELIVER_AFTER_MS);
    expect(counts()).toStrictEqual([countsOf(1, { token_missing: 2 })]);
  });
});

describe('a call that fails', () => {
  const marked = (marks: object) => Object.assign(new Error('no'), marks);

  it('is retried once where the runtime says that it helps', async () => {
    const { send, calls } = client({ forward: failing(marked({ retryable: true }), 1) });
    expect(await send('apac', BEACON, false)).toStrictEqual({ rejected: [] });
    expect(calls.length).toBe(2);
  });

  it('is not repeated for another reason', async () => {
    const { send, calls } = client({ forward: failing(marked({}), 9) });
    await expect(send('apac', BEACON, false)).rejects.toThrow('no');
    expect(calls.length).toBe(1);
  });

  it('is not repeated to an object that is overloaded and the only one, and counted', async () => {
    const { send, calls, counts } = client({ forward: failing(marked({ overloaded: true, retryable: true }), 1) });
    await expect(send('apac', BEACON, false)).rejects.toThrow('no');
    expect(calls.length).toBe(1);
    await send('apac', BEACON, false);
    expect(counts().at(-1)).toStrictEqual(countsOf(1, {}, { overloadedCalls: 1 }));
  });

  it('leaves an overloaded object for another one, for a while, with its counts', async () => {
    const { send, calls, rejects, waitUntil } = client({
      forwarders: 2,
      forward: ({ name }) => {
        if (name === 'apac:0' && Date.now() < NOW_MS + AVOID_MS) throw marked({ overloaded: true });
      },
    });
    rejects.count('apac', 'invalid_id', waitUntil);
    await send('apac', BEACON, false);
    await send('apac', BEACON, false);
    expect(calls.map(({ name }) => name)).toStrictEqual(['apac:0', 'apac:1', 'apac:1']);
    const first = countsOf(1, { invalid_id: 1 });
    expect(calls.map(({ call }) => call.counts)).toStrictEqual([first, first, countsOf(2, {}, { overloadedCalls: 1 })]);
    await vi.advanceTimersByTimeAsync(AVOID_MS);
    await send('apac', BEACON, false);
    expect(calls.at(-1)?.name).toBe('apac:0');
  });
});

it('carries every lane, each entry once, and marks the last call', async () => {
  const { send, calls } = client();
  const gathered = {
    ...BEACON,
    entries: [Uint8Array.of(1), Uint8Array.of(2, 3)],
    lanes: [7, 255],
    sessions: ['a', 'b'],
  };
  await send('apac', gathered, false);
  await send('apac', gathered, true);
  const { entries, lengths, lanes, sessions } = calls[0]?.call ?? {};
  expect([entries, lengths, lanes, sessions].map((list) => [...(list ?? [])])).toStrictEqual([
    [1, 2, 3],
    [1, 2],
    [7, 255],
    ['a', 'b'],
  ]);
  expect(calls.map(({ call }) => call.isLast)).toStrictEqual([false, true]);
});
