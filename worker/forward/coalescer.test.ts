import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CALL_LIMITS, CALLS_MAX, type ForwardAnswer } from './call.ts';
import type { Gathered } from './client.ts';
import {
  ANSWER_WAIT_MS,
  CALL_LOST_MS,
  createCoalescer,
  LEADER_LOST_MS,
  TURN_MAX_MS,
  WAITING_MAX,
} from './coalescer.ts';
import { createRequestTimer, type RequestTimer } from './deadline.ts';
import { msBeforeCall, REST_MS, SILENCE_MS } from './pace.ts';

/** How long a call gathers beacons while one is in flight. */
const COMPANY_MS = 3 * REST_MS;
const SAFE: ForwardAnswer = { rejected: [] };
/** How much later than asked a request may notice. */
const TIMER_TICK_MS = 250;

type Sent = {
  readonly region: string;
  readonly sessions: readonly string[];
  readonly isLast: boolean;
  readonly underWay: number;
  answer(answer: ForwardAnswer): void;
  fail(): void;
};

/** Forwarders whose answers the test gives, call by call. */
function manual() {
  const sent: Sent[] = [];
  const underWay = new Map<string, number>();
  const change = (region: string, by: number): number => {
    const count = (underWay.get(region) ?? 0) + by;
    underWay.set(region, count);
    return count;
  };
  const send = (region: string, gathered: Gathered, isLast: boolean) =>
    new Promise<ForwardAnswer>((resolve, reject) => {
      const fail = () => reject(new Error('lost'));
      sent.push({
        region,
        sessions: [...gathered.sessions],
        isLast,
        underWay: change(region, 1),
        answer: resolve,
        fail,
      });
    }).finally(() => change(region, -1));
  const coalesce = createCoalescer({ send, now: Date.now });
  const post = (session: string, { region = 'apac', bytes = 10, request = waiting() } = {}) =>
    coalesce({ region, lane: 1, session, entry: new Uint8Array(bytes) }, request);
  return { sent, post, sessions: () => sent.map(({ sessions }) => sessions) };
}

const timers: RequestTimer[] = [];

/** A request that waits; `kept` is what it passed to `ctx.waitUntil`. */
function waiting() {
  const kept: Promise<unknown>[] = [];
  const timer = createRequestTimer();
  timers.push(timer);
  return { kept, waitUntil: (work: Promise<unknown>) => void kept.push(work), timer };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
});
afterEach(() => {
  for (const timer of timers.splice(0)) timer.stop();
  // A timer left behind would keep a request alive for nothing.
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('a beacon', () => {
  it('leaves at once when its region is quiet', async () => {
    const { post, sent, sessions } = manual();
    const answer = post('a');
    expect(sessions()).toStrictEqual([['a']]);
    sent[0]?.answer(SAFE);
    expect(await answer).toBe(undefined);
  });

  it('rides with the others of its region, whatever their lane, in order', async () => {
    const { post, sent, sessions } = manual();
    const answers = ['a', 'b', 'c', 'd'].map((session) => post(session));
    await vi.advanceTimersByTimeAsync(COMPANY_MS);
    expect(sessions()).toStrictEqual([['a'], ['b', 'c', 'd']]);
    for (const call of sent) call.answer(SAFE);
    expect(new Set(await Promise.all(answers))).toStrictEqual(new Set([undefined]));
  });

  it('is sent as the last call when many beacons have come and no more follow', async () => {
    const { post, sent } = manual();
    const answers = Array.from({ length: 128 }, (_, i) => post(`${i}`));
    await vi.advanceTimersByTimeAsync(REST_MS + SILENCE_MS);
    expect(sent.map(({ sessions, isLast }) => [sessions.length, isLast])).toStrictEqual([
      [1, false],
      [127, true],
    ]);
    for (const call of sent) call.answer(SAFE);
    await Promise.all(answers);
  });

  it('does not wait for another region', async () => {
    const { post, sent } = manual();
    const answers = [post('a'), post('b', { region: 'sa' })];
    expect(sent.map(({ region }) => region)).toStrictEqual(['apac', 'sa']);
    for (const call of sent) call.answer(SAFE);
    await Promise.all(answers);
  });

  it('is rejected alone when it is the only one', async () => {
    const { post, sent } = manual();
    const first = post('first');
    const answers = ['a', 'b', 'c'].map((session) => post(session));
    await vi.advanceTimersByTimeAsync(COMPANY_MS);
    sent[0]?.answer(SAFE);
    sent[1]?.answer({ rejected: [{ index: 1, reason: 'spool_full' }] });
    expect(await Promise.all([first, ...answers])).toStrictEqual([undefined, undefined, 'spool_full', undefined]);
  });

  it('is unavailable when its call fails, and so is no other', async () => {
    const { post, sent } = manual();
    const answers = [post('a'), post('b')];
    sent[0]?.fail();
    await vi.advanceTimersByTimeAsync(REST_MS);
    sent[1]?.answer(SAFE);
    expect(await Promise.all(answers)).toStrictEqual(['unavailable', undefined]);
  });

  it('is unavailable when no answer comes in time', async () => {
    const { post } = manual();
    const answer = post('a');
    await vi.advanceTimersByTimeAsync(ANSWER_WAIT_MS + TIMER_TICK_MS);
    expect(await answer).toBe('unavailable');
  });
});

it('is one of 10,000 at once, and each is answered', async () => {
  const { post, sent } = manual();
  const answers = Array.from({ length: 10_000 }, (_, i) => post(`${i}`));
  for (let i = 0; i < 20; i++) {
    await vi.advanceTimersByTimeAsync(REST_MS);
    for (const call of sent) call.answer(SAFE);
  }
  expect(new Set(await Promise.all(answers))).toStrictEqual(new Set([undefined]));
  expect(sent.length).toBeLessThanOrEqual(12);
});

describe('a slow broker', () => {
  it('has a bounded number of calls in flight, and new beacons gather behind them', async () => {
    const { post, sent, sessions } = manual();
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      answers.push(post(`${i}`));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(sessions()).toStrictEqual([['0'], ['1'], ['2']]);
    expect(sent.map(({ isLast }) => isLast)).toStrictEqual([false, false, true]);
    sent[1]?.answer(SAFE);
    await vi.advanceTimersByTimeAsync(0);
    expect(sessions()[3]).toStrictEqual(Array.from({ length: 17 }, (_, i) => `${i + 3}`));
    for (const call of sent) call.answer(SAFE);
    await Promise.all(answers);
  });

  it('has beacons rejected over the bound, and never sends what was given up', async () => {
    const { post, sent } = manual();
    const bytes = CALL_LIMITS.bytes;
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < CALLS_MAX + WAITING_MAX + 5; i++) {
      answers.push(post(`${i}`, { bytes }));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(await Promise.all(answers.slice(-5))).toStrictEqual(Array(5).fill('unavailable'));
    await vi.advanceTimersByTimeAsync(ANSWER_WAIT_MS + TURN_MAX_MS);
    expect(new Set(await Promise.all(answers))).toStrictEqual(new Set(['unavailable']));
    expect(sent.length).toBeLessThanOrEqual(2 * CALLS_MAX);
  });
});

it('loses no beacon, sends none twice, and keeps every bound, whatever comes and however long calls take', async () => {
  const step = fc.record({
    posts: fc.nat(15),
    bytes: fc.nat(60_000),
    ms: fc.nat(60),
    region: fc.constantFrom('apac', 'sa'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.array(fc.nat(4), { maxLength: 60 }),
      async (steps, order) => {
        const { post, sent } = manual();
        const posted: { session: string; region: string; answer: Promise<unknown> }[] = [];
        let answered = 0;
        for (const [i, { posts, bytes, ms, region }] of steps.entries()) {
          for (let k = 0; k < posts; k++) {
            const session = `${i}-${k}`;
            posted.push({ session, region, answer: post(session, { region, bytes }) });
          }
          await vi.advanceTimersByTimeAsync(ms);
          if (order[i] === 0) sent[answered++]?.answer(SAFE);
          for (const { underWay } of sent) expect(underWay).toBeLessThanOrEqual(CALLS_MAX);
        }
        for (let i = 0; i < 60; i++) {
          for (const call of sent) call.answer(SAFE);
          await vi.advanceTimersByTimeAsync(50);
        }
        for (const region of ['apac', 'sa']) {
          const answers = await Promise.all(posted.filter((p) => p.region === region).map(({ answer }) => answer));
          const sessions = posted.filter((p) => p.region === region).map(({ session }) => session);
          const safe = sessions.filter((_, i) => answers[i] === undefined);
          // In order of arrival, each once.
          expect(sent.filter((call) => call.region === region).flatMap((call) => call.sessions)).toStrictEqual(safe);
        }
        for (const { sessions } of sent) expect(sessions.length).toBeLessThanOrEqual(CALL_LIMITS.beacons);
        for (const timer of timers.splice(0)) timer.stop();
      },
    ),
    { numRuns: 20 },
  );
});

describe('a leader', () => {
  it('may hang up: its work is kept', async () => {
    const { post, sent } = manual();
    const [leader, follower] = [waiting(), waiting()];
    const answers = [post('a'), post('b', { request: leader }), post('c', { request: follower })];
    expect([leader.kept.length, follower.kept.length]).toStrictEqual([1, 0]);
    await vi.advanceTimersByTimeAsync(COMPANY_MS);
    for (const call of sent) call.answer(SAFE);
    await Promise.all([...leader.kept, ...answers]);
  });

  it('that is lost is replaced by a follower, once', async () => {
    const { post, sent, sessions } = manual();
    const first = post('a');
    loseTimersOf(() => void post('b'));
    const followers = [post('c'), post('d')];
    await vi.advanceTimersByTimeAsync(2 * (LEADER_LOST_MS + TIMER_TICK_MS));
    expect(sessions()).toStrictEqual([['a'], ['b', 'c', 'd']]);
    for (const call of sent) call.answer(SAFE);
    expect(await Promise.all([first, ...followers])).toStrictEqual([undefined, undefined, undefined]);
  });

  it('that is lost after it has sent its call holds no other call back', async () => {
    const { post, sent, sessions } = manual();
    for (let i = 0; i < CALLS_MAX; i++) {
      const request = waiting();
      void post(`lost-${i}`, { request });
      await vi.advanceTimersByTimeAsync(100);
      // The runtime has ended the request: no answer and no timer reaches it any more.
      request.timer.stop();
    }
    expect(sent.length).toBe(CALLS_MAX);
    await vi.advanceTimersByTimeAsync(ANSWER_WAIT_MS);
    const answer = post('a');
    await vi.advanceTimersByTimeAsync(CALL_LOST_MS - ANSWER_WAIT_MS + TIMER_TICK_MS);
    expect(sessions().at(-1)).toStrictEqual(['a']);
    sent.at(-1)?.answer(SAFE);
    expect(await answer).toBe(undefined);
  });
});

describe('the pace', () => {
  const busy = { sinceStartMs: 50, sinceBeaconMs: 0, beacons: 40, underWay: 0, isFull: false };

  it.each([
    ['a quiet region goes at once', busy, 0],
    ['calls start apart', { ...busy, sinceStartMs: 4 }, REST_MS - 4],
    ['a call under way makes the next one wait', { ...busy, sinceStartMs: 12, underWay: 1 }, SILENCE_MS],
    ['but not when no beacon comes', { ...busy, sinceStartMs: 12, sinceBeaconMs: 5, underWay: 1 }, 0],
    ['few beacons wait for more', { ...busy, sinceStartMs: 12, sinceBeaconMs: 5, beacons: 3, underWay: 1 }, 18],
    ['nor for ever', { ...busy, sinceStartMs: 30, underWay: 1 }, 0],
    ['a full call does not wait', { ...busy, sinceStartMs: 0, underWay: 2, isFull: true }, 0],
    ['a clock that was set back does not matter', { ...busy, sinceStartMs: -1e9, underWay: 1 }, 0],
  ])('%s', (_, pace, ms) => {
    expect(Math.max(0, msBeforeCall(pace))).toBe(ms);
  });
});

/** Runs what would wait on a timer without ever giving it one, as when its request is killed. */
function loseTimersOf(start: () => void): void {
  const { setTimeout } = globalThis;
  globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout;
  start();
  globalThis.setTimeout = setTimeout;
}
