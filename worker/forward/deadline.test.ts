import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRequestTimer, within } from './deadline.ts';

const never = new Promise<string>(() => undefined);
const soon = (value: string) => new Promise<string>((resolve) => setTimeout(resolve, 100, value));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('within', () => {
  it('gives the value in time, and leaves no timer behind', async () => {
    const waiting = within(soon('here'), 101, 'late');
    await vi.advanceTimersByTimeAsync(100);
    expect(await waiting).toBe('here');
  });

  it('gives up on time', async () => {
    const waiting = within(never, 100, 'late');
    await vi.advanceTimersByTimeAsync(100);
    expect(await waiting).toBe('late');
  });

  it('passes a failure on, and leaves no timer behind', async () => {
    await expect(within(Promise.reject(new Error('no')), 100, 'late')).rejects.toThrow('no');
  });
});

describe('a request timer', () => {
  it('holds one timer, however many waits it has, and none after its end', async () => {
    const timer = createRequestTimer();
    for (const value of ['a', 'b', 'c']) {
      expect(await timer.within(Promise.resolve(value), 10_000, 'late')).toBe(value);
      expect(vi.getTimerCount()).toBe(1);
    }
    timer.stop();
  });

  it.each([250, 500, 5_000])(
    'gives up after %i ms at the earliest, a quarter of a second later at the latest',
    async (milliseconds) => {
      const timer = createRequestTimer();
      // A wait that begins anywhere within a tick.
      await vi.advanceTimersByTimeAsync(130);
      let outcome = 'waiting';
      void timer.within(never, milliseconds, 'late').then((value) => {
        outcome = value;
      });
      await vi.advanceTimersByTimeAsync(milliseconds - 1);
      expect(outcome).toBe('waiting');
      await vi.advanceTimersByTimeAsync(251);
      expect(outcome).toBe('late');
      timer.stop();
    },
  );

  it('lets an earlier wait that gave up not end a later one', async () => {
    const timer = createRequestTimer();
    const first = timer.within(never, 250, 'late');
    await vi.advanceTimersByTimeAsync(500);
    expect(await first).toBe('late');
    const second = timer.within(soon('here'), 5_000, 'late');
    await vi.advanceTimersByTimeAsync(600);
    expect(await second).toBe('here');
    timer.stop();
  });

  it('says once that it has become long', async () => {
    let said = 0;
    const timer = createRequestTimer(() => {
      said += 1;
    });
    await vi.advanceTimersByTimeAsync(249);
    expect(said).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said).toBe(1);
    timer.stop();
  });

  it('passes a failure on', async () => {
    const timer = createRequestTimer();
    await expect(timer.within(Promise.reject(new Error('no')), 100, 'late')).rejects.toThrow('no');
    timer.stop();
  });
});
