import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ANSWER_WAIT_MS,
  BATCH_ENTRIES_MAX,
  BATCH_LENGTH_MAX,
  createCoalescer,
  type Destination,
  LEADER_LOST_MS,
  TURN_WAIT_MS,
} from './coalescer.ts';
import type { ForwardAnswer } from './forward.ts';

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

/** A collection of what a request would pass to `ctx.waitUntil`. */
function holder() {
  const held: Promise<unknown>[] = [];
  return { held, hold: (work: Promise<unknown>) => void held.push(work) };
}

const { hold } = holder();

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // A timer left behind would keep a request alive for nothing.
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('createCoalescer', () => {
  it('sends a lone beacon at once', async () => {
    const { send, calls, sent } = manualSend();
    const answer = createCoalescer(send)(apac, 'a', hold);
    expect(sent()).toStrictEqual([['a']]);
    calls[0]?.answer(OK);
    expect(await answer).toBe(OK);
  });

  it('sends what came during a call in one next call, in order', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send);
    const answers = ['a', 'b', 'c', 'd'].map((entry) => coalesce(apac, entry, hold));
    calls[0]?.answer(OK);
    await vi.advanceTimersByTimeAsync(0);
    expect(sent()).toStrictEqual([['a'], ['b', 'c', 'd']]);
    calls[1]?.answer(OK);
    expect(await Promise.all(answers)).toStrictEqual([OK, OK, OK, OK]);
  });

  it('keeps regions and lanes apart', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send);
    const places = [apac, { region: 'apac', lane: 'f01' }, { region: 'eu-west', lane: 'f00' }];
    const answers = places.map((place) => coalesce(place, place.lane, hold));
    expect(sent()).toStrictEqual([['f00'], ['f01'], ['f00']]);
    expect(calls.map(({ to }) => to)).toStrictEqual(places);
    for (const call of calls) call.answer(OK);
    await Promise.all(answers);
  });

  it('gives one failure to all whose beacons were in the call, and to nobody else', async () => {
    const { send, calls } = manualSend();
    const coalesce = createCoalescer(send);
    const first = coalesce(apac, 'a', hold);
    const together = [coalesce(apac, 'b', hold), coalesce(apac, 'c', hold)];
    calls[0]?.answer(OK);
    await first;
    await vi.advanceTimersByTimeAsync(0);
    calls[1]?.answer({ ok: false, reason: 'spool_full' });
    expect(await Promise.all(together)).toStrictEqual(Array(2).fill({ ok: false, reason: 'spool_full' }));
    expect(await first).toBe(OK);
  });

  it('answers unavailable when the call is lost, and goes on with the next', async () => {
    const { send, calls } = manualSend();
    const coalesce = createCoalescer(send);
    const answers = [coalesce(apac, 'a', hold), coalesce(apac, 'b', hold)];
    calls[0]?.fail();
    expect(await answers[0]).toStrictEqual({ ok: false, reason: 'unavailable' });
    await vi.advanceTimersByTimeAsync(0);
    calls[1]?.answer(OK);
    expect(await answers[1]).toBe(OK);
  });

  it('answers unavailable when no answer comes in time', async () => {
    const { send } = manualSend();
    const answer = createCoalescer(send)(apac, 'a', hold);
    await vi.advanceTimersByTimeAsync(ANSWER_WAIT_MS);
    expect(await answer).toStrictEqual({ ok: false, reason: 'unavailable' });
  });

  it('lets a batch go beside a call that takes long', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send);
    const answers = ['a', 'b', 'c'].map((entry) => coalesce(apac, entry, hold));
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
    const coalesce = createCoalescer(send);
    const answers = [coalesce(apac, 'first', hold)];
    for (let i = 0; i < bound + 1; i++) answers.push(coalesce(apac, entry, hold));
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
    const coalesce = createCoalescer(send);
    const leader = holder();
    const follower = holder();
    void coalesce(apac, 'a', holder().hold);
    void coalesce(apac, 'b', leader.hold);
    const answer = coalesce(apac, 'c', follower.hold);
    expect([leader.held.length, follower.held.length]).toStrictEqual([1, 0]);
    calls[0]?.answer(OK);
    await vi.advanceTimersByTimeAsync(0);
    calls[1]?.answer(OK);
    await Promise.all(leader.held);
    expect(await answer).toBe(OK);
  });

  it('has a follower send the batch when the leader was lost before it could, once', async () => {
    const { send, calls, sent } = manualSend();
    const coalesce = createCoalescer(send);
    const first = coalesce(apac, 'a', hold);
    loseTimersOf(() => void coalesce(apac, 'b', hold));
    const followers = [coalesce(apac, 'c', hold), coalesce(apac, 'd', hold)];
    await vi.advanceTimersByTimeAsync(LEADER_LOST_MS);
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
