import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALL_REGIONS,
  createHistory,
  HISTORY_COLUMNS,
  type History,
  STEP_MS,
  STEPS_KEPT,
  type StepFigures,
} from './history.ts';

const START = 1_800_000_000_000;

/** A step of which one figure is known. */
function step(sessions: number): StepFigures {
  const unknown = Object.fromEntries(HISTORY_COLUMNS.map((column) => [column, Number.NaN])) as StepFigures;
  return { ...unknown, sessions };
}

function write(history: History, i: number, region = 'apac'): void {
  history.write(region, START + i * STEP_MS, step(i));
}

/** The steps by their numbers, with how many sessions the region had. */
function stepsIn(history: History, region = 'apac', since?: number) {
  const { timesMs, of } = history.read(since === undefined ? undefined : START + since * STEP_MS);
  const { sessions } = of(region);
  return timesMs.map((atMs, i) => [(atMs - START) / STEP_MS, sessions[i]]);
}

describe('the history', () => {
  it('has what was recorded of each region, null where nothing is known, and steps without gaps', () => {
    const history = createHistory(['apac', 'sa']);
    expect(stepsIn(history)).toEqual([]);
    expect(history.newestMs).toBeNaN();
    for (const i of [0, 1, 4]) write(history, i);
    write(history, 2, 'sa');
    write(history, 4, ALL_REGIONS);
    expect(stepsIn(history)).toEqual([
      [0, 0],
      [1, 1],
      [2, null],
      [3, null],
      [4, 4],
    ]);
    expect(stepsIn(history, 'sa')).toEqual([
      [0, null],
      [1, null],
      [2, 2],
      [3, null],
      [4, null],
    ]);
    expect(stepsIn(history, ALL_REGIONS).at(-1)).toEqual([4, 4]);
    expect(history.read().of('apac').rtt_p95).toEqual(Array(5).fill(null));
    expect(history.newestMs).toBe(START + 4 * STEP_MS);
  });

  it('keeps figures as they were measured', () => {
    const history = createHistory(['apac']);
    history.write('apac', START, {
      ...step(1_000_000),
      rtt_p95: 0.0821,
      expand_p95: 12.345678,
      audio_packet_loss_p95: 1e-6,
    });
    const { sessions, rtt_p95, expand_p95, audio_packet_loss_p95 } = history.read().of('apac');
    expect([sessions, rtt_p95, audio_packet_loss_p95]).toEqual([[1_000_000], [0.0821], [1e-6]]);
    expect(expand_p95[0]).toBeCloseTo(12.345678, 5);
  });

  it('keeps a quarter of an hour, whatever comes', () => {
    const history = createHistory(['apac']);
    for (let i = 0; i < 500; i++) write(history, i);
    const kept = stepsIn(history);
    expect(kept).toHaveLength(STEPS_KEPT);
    expect([kept[0], kept.at(-1)]).toEqual([
      [320, 320],
      [499, 499],
    ]);
    // Too old to be kept.
    write(history, 319);
    expect(stepsIn(history)).toEqual(kept);
    // After a long hole nothing of before is within it.
    write(history, 5_000);
    expect(stepsIn(history)).toEqual([[5_000, 5_000]]);
  });

  it('forgets what is after a time to which the clock was set back, and goes on from there', () => {
    const history = createHistory(['apac']);
    for (let i = 0; i < 10; i++) write(history, i);
    history.forgetAfter(START + 6.5 * STEP_MS);
    expect(stepsIn(history).at(-1)).toEqual([6, 6]);
    write(history, 8);
    expect(stepsIn(history, 'apac', 6)).toEqual([
      [7, null],
      [8, 8],
    ]);
    history.forgetAfter(START - 100 * STEP_MS);
    expect(stepsIn(history)).toEqual([]);
    write(history, -90);
    expect(stepsIn(history)).toEqual([[-90, -90]]);
  });

  it('a reading stays the same while steps are recorded', () => {
    const history = createHistory(['apac']);
    for (let i = 0; i < STEPS_KEPT; i++) write(history, i);
    const { of } = history.read();
    for (let i = 0; i < 100; i++) write(history, STEPS_KEPT + i);
    expect(of('apac').sessions[0]).toBe(0);
  });

  it('has no region but its own', () => {
    const history = createHistory(['apac']);
    expect(() => write(history, 0, 'mars')).toThrow(RangeError);
    expect(() => history.read().of('mars')).toThrow(RangeError);
  });
});

describe('what is new since a step', () => {
  it('is nothing, the steps after it, or everything for who knows no step of these', () => {
    const history = createHistory(['apac']);
    for (let i = 0; i < 4; i++) write(history, i);
    expect(stepsIn(history, 'apac', 3)).toEqual([]);
    expect(stepsIn(history, 'apac', 1).map(([i]) => i)).toEqual([2, 3]);
    for (const since of [-1, 4, 1e6]) expect(stepsIn(history, 'apac', since)).toHaveLength(4);
  });

  it('begins with the oldest step that was written again since', () => {
    const history = createHistory(['apac', 'sa']);
    for (let i = 0; i < 6; i++) write(history, i);
    stepsIn(history);
    write(history, 2, 'sa');
    expect(stepsIn(history, 'sa', 5).map(([i]) => i)).toEqual([2, 3, 4, 5]);
    write(history, 6);
    // Who knows the newest one has read it after the other one was written again.
    expect(stepsIn(history, 'sa', 6)).toEqual([]);
  });

  it('is enough: who asks again and again, with the newest step of before, has what is there', () => {
    const action = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ ahead: fc.integer({ min: -5, max: 3 }), region: fc.constantFrom('apac', 'sa') }),
      },
      { weight: 2, arbitrary: fc.constant('poll' as const) },
      { weight: 1, arbitrary: fc.record({ back: fc.nat(8) }) },
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: 'max' }), (actions) => {
        const history = createHistory(['apac', 'sa']);
        let newest = 100;
        let mine: (readonly [number, unknown])[] = [];
        for (const one of [...actions, 'poll' as const]) {
          if (one === 'poll') {
            const since = mine.at(-1)?.[0];
            const { timesMs, of } = history.read(since);
            const first = timesMs[0];
            if (first !== undefined) mine = mine.filter(([atMs]) => atMs < first);
            mine = [
              ...mine,
              ...timesMs.map((atMs, i) => [atMs, [of('apac').sessions[i], of('sa').sessions[i]]] as const),
            ];
            // Older ones it may have longer than the aggregator, and others only from before the clock was set back.
            const whole = history.read();
            const oldest = whole.timesMs[0] ?? Number.POSITIVE_INFINITY;
            const now = whole.timesMs.map((atMs, i) => [
              atMs,
              [whole.of('apac').sessions[i], whole.of('sa').sessions[i]],
            ]);
            expect(mine.filter(([atMs]) => atMs >= oldest)).toEqual(now);
          } else if ('back' in one) {
            newest -= one.back;
            history.forgetAfter(START + newest * STEP_MS);
          } else {
            newest = Math.max(newest, newest + one.ahead);
            history.write(one.region, START + (newest + Math.min(0, one.ahead)) * STEP_MS, step(Math.random()));
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
