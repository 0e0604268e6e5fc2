import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutbox, type Draft, type Outbox } from './outbox.ts';

const NO_ANSWER = { status: 0, retryAfterMs: 0 };
const ACCEPTED = { status: 204, retryAfterMs: 0 };

function setup(random = () => 0): { outbox: Outbox<string>; given: string[] } {
  const given: string[] = [];
  return { outbox: createOutbox<string>({ random, onDropped: (content) => given.push(content) }), given };
}

function taken(outbox: Outbox<string>, nowMs: number): Draft<string> {
  const draft = outbox.take(nowMs);
  if (!draft) throw new Error(`nothing to send at ${nowMs}`);
  draft.content ??= `beacon ${draft.seq}`;
  return draft;
}

describe('createOutbox', () => {
  it('has nothing to send when nothing is due', () => {
    expect(setup().outbox.take(0)).toBeUndefined();
  });

  it('sends one at a time, and numbers them', () => {
    const { outbox } = setup();
    outbox.offer();
    expect(taken(outbox, 0).seq).toBe(0);
    outbox.offer();
    expect(outbox.take(0)).toBeUndefined();
    outbox.settle(ACCEPTED, 0);
    expect(taken(outbox, 0).seq).toBe(1);
    expect(outbox.dropped).toBe(0);
  });

  it('sends an unanswered beacon again unchanged, unless a newer one is due', () => {
    const { outbox, given } = setup();
    outbox.offer();
    const first = taken(outbox, 0);
    outbox.settle(NO_ANSWER, 0);
    expect(outbox.take(499)).toBeUndefined();
    expect(taken(outbox, 500)).toBe(first);
    outbox.settle(NO_ANSWER, 500);
    outbox.offer();
    expect([taken(outbox, 10_000).seq, outbox.dropped, given]).toEqual([1, 1, ['beacon 0']]);
  });

  it('drops one that is due when the next is due', () => {
    const { outbox } = setup();
    outbox.offer();
    outbox.offer();
    outbox.offer();
    expect([taken(outbox, 0).seq, outbox.dropped]).toEqual([2, 2]);
  });

  it.each([400, 401, 403, 413, 415, 422])('does not send again what was answered %i', (status) => {
    const { outbox, given } = setup();
    outbox.offer();
    taken(outbox, 0);
    outbox.settle({ status, retryAfterMs: 0 }, 0);
    expect([outbox.take(100_000), outbox.dropped, given]).toEqual([undefined, 1, ['beacon 0']]);
  });

  it.each([0, 408, 429, 500, 503])('sends again what was answered %i', (status) => {
    const { outbox } = setup();
    outbox.offer();
    const draft = taken(outbox, 0);
    outbox.settle({ status, retryAfterMs: 0 }, 0);
    expect(taken(outbox, 100_000)).toBe(draft);
    expect(outbox.dropped).toBe(0);
  });

  it('waits for as long as Retry-After says, plus jitter', () => {
    for (const [luck, atMs] of [
      [0, 10_000],
      [0.5, 10_250],
    ] as const) {
      const { outbox } = setup(() => luck);
      outbox.offer();
      taken(outbox, 0);
      outbox.settle({ status: 429, retryAfterMs: 10_000 }, 0);
      expect(outbox.take(atMs - 1)).toBeUndefined();
      expect(outbox.take(atMs)).toBeDefined();
    }
  });

  it('backs off up to 5 s, and not after a success', () => {
    const { outbox } = setup(() => 0.999);
    const waits: number[] = [];
    let nowMs = 0;
    outbox.offer();
    for (let attempt = 0; attempt < 8; attempt++) {
      taken(outbox, nowMs);
      outbox.settle(NO_ANSWER, nowMs);
      const failedAtMs = nowMs;
      while (!outbox.take(nowMs)) nowMs += 10;
      waits.push(nowMs - failedAtMs);
      outbox.settle(NO_ANSWER, nowMs - 1e9);
    }
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.at(-1)).toBeLessThanOrEqual(5_000);
    taken(outbox, nowMs + 60_000);
    outbox.settle(ACCEPTED, nowMs + 60_000);
    outbox.offer();
    expect(outbox.take(nowMs + 60_000)).toBeDefined();
  });

  it('is heard again within 5 s of the end of an outage, however long it was', () => {
    const luck = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
    fc.assert(
      fc.property(luck, fc.integer({ min: 0, max: 300_000 }), (lucks, backAtMs) => {
        const { outbox } = setup(() => lucks.next().value);
        for (let nowMs = 0; nowMs <= backAtMs + 5_000; nowMs += 100) {
          if (nowMs % 2_000 === 0) outbox.offer();
          if (!outbox.take(nowMs)) continue;
          if (nowMs >= backAtMs) return true;
          outbox.settle(NO_ANSWER, nowMs);
        }
        return false;
      }),
    );
  });

  it('reuses a number that was not sent', () => {
    const { outbox } = setup();
    outbox.offer();
    outbox.take(0);
    outbox.withdraw();
    outbox.offer();
    expect([taken(outbox, 0).seq, outbox.dropped]).toEqual([0, 0]);
  });

  it('has a last beacon whatever is in flight', () => {
    const { outbox } = setup();
    outbox.offer();
    taken(outbox, 0);
    const last = outbox.takeLast();
    expect([last.seq, outbox.dropped]).toEqual([1, 0]);
    outbox.drop(last);
    expect(outbox.dropped).toBe(1);
  });

  it('numbers exactly what was sent and what was dropped, whatever happens', () => {
    const steps = fc.array(fc.constantFrom('offer', 'take', 'ok', 'fail', 'reject', 'last'), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (actions) => {
        const { outbox } = setup();
        const accepted = new Set<number>();
        let inFlight: Draft<string> | undefined;
        let nowMs = 0;
        const settle = (status: number) => {
          if (!inFlight) return;
          if (status === 204) accepted.add(inFlight.seq);
          inFlight = undefined;
          outbox.settle({ status, retryAfterMs: 0 }, nowMs);
        };
        for (const action of actions) {
          nowMs += 60_000;
          if (action === 'offer') outbox.offer();
          else if (action === 'take') inFlight = outbox.take(nowMs) ?? inFlight;
          else if (action === 'last') accepted.add(outbox.takeLast().seq);
          else settle({ ok: 204, fail: 0, reject: 422 }[action]);
        }
        // A beacon in flight is neither yet.
        settle(204);
        const last = outbox.takeLast();
        accepted.add(last.seq);
        expect(accepted.size + outbox.dropped).toBe(last.seq + 1);
      }),
    );
  });
});
