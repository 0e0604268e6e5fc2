import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ForwardAnswer } from './call.ts';
import {
  ANSWER_WAIT_MS,
  BATCH_ENTRIES_MAX,
  BATCH_LENGTH_MAX,
  createCoalescer,
  type Destination,
  LEADER_LOST_MS,
  REST_MAX_MS,
  TURN_WAIT_MS,
} from './coalescer.ts';
import { createPatience, type Patience } from './deadline.ts';

const apac = { region: 'apac', lane: 'f00' };
const OK: ForwardAnswer = { ok: true };

/** A Forwarder whose answers the test gives, one by one. */
function manualSend() {
  const calls: { to: Destination; entries: string[]; answer: (answer: ForwardAnswer) => void; fail: () => void }[] = [];
  const send = (to: Destination, entries: string[]) =>
    new Promise<ForwardAnswer>((resolve, reject) => {
      calls.push({ to, entries, answer: resolve, fail: () => reject(new Error('lost')) });
    });
  return { calls, send, sent: () => calls.map(({ entries }) => entries) };
}

const patiences: Patience[] = [];

/** A request that waits; `held` is what it passed to `ctx.waitUntil`. */
function waiting() {
  const held: Promise<unknown>[] = [];
  const patience = createPatience();
  patiences.push(patience);
  return { held, hold: (work: Promise<unknown>) => void held.push(work), patience };
}

/** How much later than asked a request may notice. */
const TICK_MS = 250;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const patience of patiences.splice(0)) patience.end();
  // A timer left behind would keep a request alive for nothing.
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('createCoalescer', () => {
  it('sends a lone beacon at once', async () => {
    const { send, calls, sent } = manualSend();
    const answer = createCoalescer(send, Date.now)(apac, 'a', waiting());
    expect(sent()).toStrictEqual([['a']]);
    calls[0]?.answer(OK);
    expect(await answer).toBe(OK);
  });

  it.each([
    [1, 2],
    [4, 8],
    [20, REST_MAX_MS],
  ])('lets a lane rest after a call of %i ms for %i ms, and takes along what comes meanwhile', async (took, rest) => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const answers = [coalesce(apac, 'a', waiting())];
    await vi.advanceTimersByTimeAsync(took);
    calls[0]?.answer(OK);
    await vi.advanceTimersByTimeAsync(0);
    answers.push(coalesce(apac, 'b', waiting()));
    await vi.advanceTimersByTimeAsync(rest - 1);
    answers.push(coalesce(apac, 'c', waiting()));
    expect(sent()).toStrictEqual([['a']]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent()).toStrictEqual([['a'], ['b', 'c']]);
    calls[1]?.answer(OK);
    expect(await Promise.all(answers)).toStrictEqual([OK, OK, OK]);
  });

  it('sends at once again when a lane has rested', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const first = coalesce(apac, 'a', waiting());
    await vi.advanceTimersByTimeAsync(5);
    calls[0]?.answer(OK);
    await vi.advanceTimersByTimeAsync(20);
    const second = coalesce(apac, 'b', waiting());
    expect(sent()).toStrictEqual([['a'], ['b']]);
    calls[1]?.answer(OK);
    expect(await Promise.all([first, second])).toStrictEqual([OK, OK]);
  });

  it('sends what came during a call in one next call, in order', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const answers = ['a', 'b', 'c', 'd'].map((entry) => coalesce(apac, entry, waiting()));
    calls[0]?.answer(OK);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent()).toStrictEqual([['a'], ['b', 'c', 'd']]);
    calls[1]?.answer(OK);
    expect(await Promise.all(answers)).toStrictEqual([OK, OK, OK, OK]);
  });

  it('keeps regions and lanes apart', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const places = [apac, { region: 'apac', lane: 'f01' }, { region: 'eu-west', lane: 'f00' }];
    const answers = places.map((place) => coalesce(place, place.lane, waiting()));
    expect(sent()).toStrictEqual([['f00'], ['f01'], ['f00']]);
    expect(calls.map(({ to }) => to)).toStrictEqual(places);
    for (const call of calls) call.answer(OK);
    await Promise.all(answers);
  });

  it('gives one failure to all whose beacons were in the call, and to nobody else', async () => {
    const { send, calls } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const first = coalesce(apac, 'a', waiting());
    const together = [coalesce(apac, 'b', waiting()), coalesce(apac, 'c', waiting())];
    calls[0]?.answer(OK);
    await first;
    await vi.advanceTimersByTimeAsync(0);
    calls[1]?.answer({ ok: false, reason: 'spool_full' });
    expect(await Promise.all(together)).toStrictEqual(Array(2).fill({ ok: false, reason: 'spool_full' }));
    expect(await first).toBe(OK);
  });

  it('answers unavailable when the call is lost, and goes on with the next', async () => {
    const { send, calls } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const answers = [coalesce(apac, 'a', waiting()), coalesce(apac, 'b', waiting())];
    calls[0]?.fail();
    expect(await answers[0]).toStrictEqual({ ok: false, reason: 'unavailable' });
    await vi.advanceTimersByTimeAsync(0);
    calls[1]?.answer(OK);
    expect(await answers[1]).toBe(OK);
  });

  it('answers unavailable when no answer comes in time', async () => {
    const { send } = manualSend();
    const answer = createCoalescer(send, Date.now)(apac, 'a', waiting());
    await vi.advanceTimersByTimeAsync(ANSWER_WAIT_MS + TICK_MS);
    expect(await answer).toStrictEqual({ ok: false, reason: 'unavailable' });
  });

  it('lets a batch go beside a call that takes long', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const answers = ['a', 'b', 'c'].map((entry) => coalesce(apac, entry, waiting()));
    await vi.advanceTimersByTimeAsync(TURN_WAIT_MS);
    expect(sent()).toStrictEqual([['a'], ['b', 'c']]);
    for (const call of calls) call.answer(OK);
    await Promise.all(answers);
  });

  it.each([
    ['beacons', BATCH_ENTRIES_MAX, 'x'],
    ['characters', 8, 'x'.repeat(BATCH_LENGTH_MAX / 8)],
  ])('closes a batch at its bound of %s and sends the next one after it', async (_, bound, entry) => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const answers = [coalesce(apac, 'first', waiting())];
    for (let i = 0; i < bound + 1; i++) answers.push(coalesce(apac, entry, waiting()));
    calls[0]?.answer(OK);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent().map((entries) => entries.length)).toStrictEqual([1, bound]);
    calls[1]?.answer(OK);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent().map((entries) => entries.length)).toStrictEqual([1, bound, 1]);
    calls[2]?.answer(OK);
    expect(new Set(await Promise.all(answers))).toStrictEqual(new Set([OK]));
  });

  it("holds the leader's work, so that its client may hang up", async () => {
    const { send, calls } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const leader = waiting();
    const follower = waiting();
    void coalesce(apac, 'a', waiting());
    void coalesce(apac, 'b', leader);
    const answer = coalesce(apac, 'c', follower);
    expect([leader.held.length, follower.held.length]).toStrictEqual([1, 0]);
    calls[0]?.answer(OK);
    await vi.advanceTimersByTimeAsync(0);
    calls[1]?.answer(OK);
    await Promise.all(leader.held);
    expect(await answer).toBe(OK);
  });

  it('has a follower send the batch when the leader was lost before it could, once', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send, Date.now);
    const first = coalesce(apac, 'a', waiting());
    loseTimersOf(() => void coalesce(apac, 'b', waiting()));
    const followers = [coalesce(apac, 'c', waiting()), coalesce(apac, 'd', waiting())];
    await vi.advanceTimersByTimeAsync(LEADER_LOST_MS + TICK_MS);
    expect(sent()).toStrictEqual([['a'], ['b', 'c', 'd']]);
    for (const call of calls) call.answer(OK);
    expect(await Promise.all([first, ...followers])).toStrictEqual([OK, OK, OK]);
  });
});

/** Runs what would wait on a timer without ever giving it one, as when its request is killed. */
function loseTimersOf(start: () => void): void {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
  start();
  globalThis.setTimeout = setTimeout;
}
