/** Reloads that keep a session's id, and what comes again or late: by what the store shows of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Beacon } from '../../../shared/beacon.ts';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import type { Sessions } from '../sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../testing.ts';
import type { RegionTotals } from '../totals.ts';
import { ENDED_RUNS_MAX } from './runs.ts';

/** Applies a beacon that the edge received `at` ms after the start, and that waited there. */
function post(sessions: Sessions, at: number, overrides: Partial<Beacon>, waitedMs = 0): void {
  applyEntry(sessions, 'apac', validEntry(overrides, NOW + at), NOW + at + waitedMs);
}

/** The RTT that the session shows in ms, which tells whose beacon was its newest; undefined when it does not live. */
function shownRtt(sessions: Sessions): number | undefined {
  const rtt = sessions.meeting('m-1')?.sessions.get('s-1')?.rtt;
  return rtt === undefined ? undefined : Math.round(rtt * 1_000);
}

function totals(sessions: Sessions): Pick<RegionTotals, 'applied' | 'duplicate' | 'late' | 'lost'> {
  const { applied, duplicate, late, lost } = sessions.totals('apac');
  return { applied, duplicate, late, lost };
}

function expireAll(sessions: Sessions, at: number): void {
  while (sessions.expire(NOW + at));
}

/** RTT samples that were counted. */
function samples(sessions: Sessions): number {
  const counts = [...sessions.cells()].map(({ cumulative }) => cumulative.rtt.counts.reduce((a, b) => a + b, 0));
  return counts.reduce((a, b) => a + b, 0);
}

const rttMs = (ms: number) => ({ rtt: [ms / 1_000] });

describe('a new `started`', () => {
  it.each([
    ['within the same second', 10_300, 0],
    ['whose first beacons were lost', 14_000, 2],
    ['with a number higher than those of the run before', 14_000, 9],
  ])('begins a run at once: a reload %s', (_, at, seq) => {
    const sessions = createTestSessions();
    for (const n of [0, 1, 2]) post(sessions, n * 5_000, { seq: n, started: 1, ...rttMs(100) });
    post(sessions, at, { seq, started: 2, ...rttMs(200) });
    expect(shownRtt(sessions)).toBe(200);
    expect(sessions.living()).toBe(1);
    post(sessions, at + 5_000, { seq: seq + 1, started: 2, ...rttMs(210) });
    expect(shownRtt(sessions)).toBe(210);
    expect(totals(sessions)).toEqual({ applied: 5, duplicate: 0, late: 0, lost: 0 });
  });

  it.each(['lives', 'left'])('that comes after a later run did changes nothing: the session %s', (state) => {
    const sessions = createTestSessions();
    post(sessions, 10_000, { seq: 0, started: 2, ...rttMs(200) });
    post(sessions, 15_000, { seq: 1, started: 2, ...rttMs(210), ...(state === 'left' && { leaving: true as const }) });
    // Spooled meanwhile, and delivered now.
    post(sessions, 5_000, { seq: 7, started: 1, ...rttMs(100) }, 11_000);
    post(sessions, 6_000, { seq: 8, started: 1, ...rttMs(100), leaving: true }, 11_000);
    expect(shownRtt(sessions)).toBe(state === 'lives' ? 210 : undefined);
    expect(totals(sessions)).toEqual({ applied: 2, duplicate: 0, late: 2, lost: 0 });
  });

  it('takes no difference to the counters of the run before', () => {
    const sessions = createTestSessions();
    const peers = (totalSamplesReceived: number) => [{ peer_id: 'a', audio: { totalSamplesReceived } }];
    post(sessions, 0, { seq: 0, started: 1, peers: peers(48_000) });
    post(sessions, 5_000, { seq: 0, started: 2, peers: peers(96_000) });
    post(sessions, 6_000, { seq: 1, started: 2, peers: peers(144_000) });
    expect([...sessions.cells()][0]?.cumulative.audioSamples).toBe(48_000);
  });

  it('counts the open holes of the run before as lost', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 3]) post(sessions, seq * 1_000, { seq, started: 1 });
    post(sessions, 4_000, { seq: 0, started: 2 });
    expect(totals(sessions).lost).toBe(2);
  });

  it.each([
    ['a beacon that is repeated', { seq: 1 }, { duplicate: 1, late: 0 }],
    ['one that was still on its way', { seq: 3 }, { duplicate: 0, late: 1 }],
    ['its `leaving`', { seq: 3, leaving: true as const }, { duplicate: 0, late: 1 }],
  ])('changes nothing that lives when this comes late of the run before: %s', (_, late, counted) => {
    const sessions = createTestSessions();
    for (const n of [0, 1, 2]) post(sessions, n * 5_000, { seq: n, started: 1, ...rttMs(100) });
    post(sessions, 10_500, { seq: 0, started: 2, ...rttMs(200) });
    post(sessions, 11_000, { started: 1, ...late, ...rttMs(300) });
    expect(shownRtt(sessions)).toBe(200);
    expect(totals(sessions)).toEqual({ applied: 4, lost: 0, ...counted });
    // What was late counts in cumulative histograms once, as every late beacon does.
    post(sessions, 11_500, { started: 1, ...late, ...rttMs(300) });
    expect(samples(sessions)).toBe(4 + counted.late);
    expireAll(sessions, 40_900);
    expect(sessions.living()).toBe(0);
  });

  it('is remembered for a TTL after the run was replaced, and then begins one again', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { seq: 0, started: 1 });
    for (const n of [0, 1, 2, 3]) post(sessions, 5_000 + n * 9_000, { seq: n, started: 2, ...rttMs(200) });
    post(sessions, 34_900, { seq: 1, started: 1, ...rttMs(100) });
    expect(shownRtt(sessions)).toBe(200);
    post(sessions, 35_001, { seq: 2, started: 1, ...rttMs(110) });
    expect(shownRtt(sessions)).toBe(110);
  });

  it('begins at once after `leaving`, and nothing late of the run that left brings that back', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { seq: 0, started: 1, ...rttMs(100) });
    post(sessions, 5_000, { seq: 2, started: 1, leaving: true });
    post(sessions, 5_010, { seq: 3, started: 1 });
    expect(sessions.living()).toBe(0);
    post(sessions, 5_200, { seq: 0, started: 2, ...rttMs(200) });
    expect(shownRtt(sessions)).toBe(200);
    for (const seq of [1, 2, 4]) post(sessions, 9_000, { seq, started: 1, leaving: true, ...rttMs(100) });
    expect(shownRtt(sessions)).toBe(200);
    post(sessions, 10_200, { seq: 1, started: 2, leaving: true });
    for (const seq of [1, 2, 4, 5]) post(sessions, 20_000, { seq, started: 1 });
    for (const seq of [0, 1]) post(sessions, 20_000, { seq, started: 2 });
    expect(sessions.living()).toBe(0);
  });

  it('does not begin with a beacon that was overtaken by the `leaving` of its own run', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { seq: 7, started: 1 });
    post(sessions, 300, { seq: 1, started: 2, leaving: true });
    expect(sessions.living()).toBe(0);
    post(sessions, 301, { seq: 0, started: 2 });
    expect(sessions.living()).toBe(0);
  });

  it('keeps at most a few runs of a session that says another one each time, and counts none of it as lost', () => {
    const sessions = createTestSessions();
    for (let i = 0; i < 1_000; i++) post(sessions, i * 10, { seq: 1_000 * i, started: i });
    expect(sessions.meeting('m-1')?.sessions.get('s-1')?.ended).toHaveLength(ENDED_RUNS_MAX);
    post(sessions, 10_000, { seq: 999_001, started: 999, leaving: true });
    expect(totals(sessions)).toMatchObject({ applied: 1_001, lost: 0 });
  });

  it.each([
    ['left', { leaving: true as const }],
    ['failed to join', { join: { result: 'ice' as const } }],
  ])('knows repeats of what it had before, when the run of a session that %s goes on', (_, last) => {
    const sessions = createTestSessions();
    if ('leaving' in last) for (const n of [0, 1, 2]) post(sessions, n * 1_000, { seq: n, started: 1, ...rttMs(100) });
    post(sessions, 3_000, { seq: 3, started: 1, ...last, ...rttMs(100) });
    post(sessions, 6_000, { seq: 5, started: 1, ...rttMs(100) });
    const before = { ...totals(sessions), samples: samples(sessions) };
    post(sessions, 3_000, { seq: 3, started: 1, ...last, ...rttMs(100) }, 4_000);
    expect({ ...totals(sessions), samples: samples(sessions) }).toEqual({ ...before, duplicate: 1 });
    // What was left out in between fills a hole, and was no loss.
    post(sessions, 5_500, { seq: 4, started: 1 }, 2_000);
    expect(totals(sessions)).toMatchObject({ applied: before.applied + 1, lost: 0 });
  });

  it('forgets ended runs while the session goes on', () => {
    const sessions = createTestSessions();
    const ended = () => sessions.meeting('m-1')?.sessions.get('s-1')?.ended;
    for (const started of [1, 2, 3]) post(sessions, started, { seq: 0, started });
    expect(ended()).toHaveLength(2);
    post(sessions, 31_000, { seq: 1, started: 3 }, 5_000);
    expect(ended()).toBeUndefined();
  });
});

describe('a client that says `started` at times', () => {
  it('begins a run when it says it for the first time, and goes on in it without', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 1]) post(sessions, seq * 5_000, { seq, ...rttMs(100) });
    post(sessions, 10_000, { seq: 2, started: 5, ...rttMs(200) });
    expect(shownRtt(sessions)).toBe(200);
    // What comes late of the page before, which did not say it, changes nothing.
    post(sessions, 10_100, { seq: 2, leaving: true });
    expect(shownRtt(sessions)).toBe(200);
    for (const n of [3, 4, 5, 6, 7]) post(sessions, n * 5_000, { seq: n, started: 5 });
    post(sessions, 41_000, { seq: 8, ...rttMs(300) });
    expect(shownRtt(sessions)).toBe(300);
    post(sessions, 42_000, { seq: 9, started: 5, leaving: true });
    expect(sessions.living()).toBe(0);
    expect(totals(sessions)).toEqual({ applied: 10, duplicate: 0, late: 1, lost: 0 });
  });

  it('can stop saying it, and leaves', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { seq: 0, started: 5 });
    post(sessions, 5_000, { seq: 1, ...rttMs(200) });
    expect(shownRtt(sessions)).toBe(200);
    post(sessions, 10_000, { seq: 2, leaving: true });
    expect(sessions.living()).toBe(0);
    expect(totals(sessions)).toEqual({ applied: 3, duplicate: 0, late: 0, lost: 0 });
  });
});

describe('without `started`', () => {
  it('a reload begins with the second number that was seen before', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 1, 2]) post(sessions, seq * 5_000, { seq, ...rttMs(100) });
    post(sessions, 10_400, { seq: 0, ...rttMs(200) });
    expect(shownRtt(sessions)).toBe(100);
    post(sessions, 15_400, { seq: 1, ...rttMs(210) });
    expect(shownRtt(sessions)).toBe(210);
    post(sessions, 20_400, { seq: 2, ...rttMs(220) });
    expect(shownRtt(sessions)).toBe(220);
    expect(totals(sessions)).toEqual({ applied: 5, duplicate: 1, late: 0, lost: 0 });
  });

  it('a reload after a long run does too, when its first beacons are lost', () => {
    const sessions = createTestSessions();
    for (let seq = 0; seq < 60; seq++) post(sessions, seq * 5_000, { seq });
    for (const seq of [2, 3]) post(sessions, 300_000 + seq * 5_000, { seq, ...rttMs(200) });
    expect(shownRtt(sessions)).toBe(200);
    expect(totals(sessions).lost).toBe(0);
  });

  it('a reload after `leaving` begins at once', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 1]) post(sessions, seq * 5_000, { seq });
    post(sessions, 8_000, { seq: 2, leaving: true });
    post(sessions, 9_000, { seq: 0, ...rttMs(200) });
    expect(shownRtt(sessions)).toBe(200);
  });

  it('a first beacon that is sent again after a 429 is no new run', () => {
    const sessions = createTestSessions();
    for (const seq of [1, 2]) post(sessions, seq * 5_000, { seq, ...rttMs(100 + seq) });
    post(sessions, 13_000, { seq: 0, ...rttMs(900) });
    expect(shownRtt(sessions)).toBe(102);
    post(sessions, 15_000, { seq: 3, ...rttMs(103) });
    expect(totals(sessions)).toEqual({ applied: 4, duplicate: 0, late: 0, lost: 0 });
  });

  it('nor is it when the session has left meanwhile', () => {
    const sessions = createTestSessions();
    for (const seq of [1, 2]) post(sessions, seq * 5_000, { seq });
    post(sessions, 12_000, { seq: 3, leaving: true });
    post(sessions, 20_000, { seq: 0, ...rttMs(900) });
    expect(sessions.living()).toBe(0);
    expect(totals(sessions)).toEqual({ applied: 3, duplicate: 0, late: 1, lost: 0 });
  });

  it('beacons that are sent again because no answer came are no new run', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 1, 2]) post(sessions, seq * 5_000, { seq, ...rttMs(100 + seq) });
    for (const seq of [0, 1, 2]) post(sessions, 12_000 + seq * 300, { seq, ...rttMs(900) });
    post(sessions, 22_000, { seq: 0, ...rttMs(900) });
    expect(shownRtt(sessions)).toBe(102);
    post(sessions, 23_000, { seq: 3, ...rttMs(103) });
    expect(totals(sessions)).toEqual({ applied: 4, duplicate: 4, late: 0, lost: 0 });
  });

  it('beacons that the edge publishes again are no new run', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 1, 2]) post(sessions, seq * 5_000, { seq });
    for (const seq of [0, 1, 2]) post(sessions, seq * 5_000, { seq }, 16_000 - seq * 5_000);
    expect(totals(sessions)).toEqual({ applied: 3, duplicate: 3, late: 0, lost: 0 });
  });
});

describe('laws of runs', () => {
  /** What a client that keeps its id does: beacons every 5 s in runs of various lengths, each beacon perhaps lost or repeated. */
  const beacon = fc.record({
    isLost: fc.boolean(),
    /** Under way to the edge; over 5,000 it is overtaken. */
    delayMs: fc.oneof(fc.nat(300), fc.nat(12_000)),
    againAfterMs: fc.option(fc.integer({ min: 1, max: 15_000 })),
  });
  const run = fc.record({
    // Fewer than a TTL of them: a session that went stale is not remembered.
    beacons: fc.array(beacon, { minLength: 1, maxLength: 5 }),
    leaves: fc.boolean(),
    pauseMs: fc.integer({ min: 100, max: 3_000 }),
  });
  const runs = fc.array(run, { minLength: 1, maxLength: 5 });

  type Sent = { at: number; beacon: Partial<Beacon>; run: number };

  function sentBy(all: readonly (typeof run extends fc.Arbitrary<infer R> ? R : never)[]): Sent[] {
    const sent: Sent[] = [];
    let clock = 0;
    all.forEach(({ beacons, leaves, pauseMs }, number) => {
      beacons.forEach(({ isLost: isLostLater, delayMs: delayLater, againAfterMs }, seq) => {
        // Which of two runs is the newer one can only be told when something of the older was heard before.
        const isLost = isLostLater && seq > 0;
        const delayMs = seq > 0 ? delayLater : Math.min(delayLater, 50);
        const leaving = leaves && seq === beacons.length - 1;
        const one = { seq, started: 1_000 + number, ...rttMs(number + 1), ...(leaving && { leaving: true as const }) };
        const at = clock + delayMs;
        if (!isLost) sent.push({ at, beacon: one, run: number });
        if (!isLost && againAfterMs !== null) sent.push({ at: at + againAfterMs, beacon: one, run: number });
        clock += 5_000;
      });
      clock += pauseMs - 5_000 + 1;
    });
    return sent.sort((a, b) => a.at - b.at);
  }

  it('with `started`, what lives is always of the newest run heard, and every beacon counts once', () => {
    fc.assert(
      fc.property(runs, (all) => {
        const sessions = createTestSessions();
        const sent = sentBy(all);
        let newest = 0;
        for (const { at, beacon, run } of sent) {
          expireAll(sessions, at);
          post(sessions, at, beacon);
          newest = Math.max(newest, run);
          expect(shownRtt(sessions) ?? newest + 1).toBe(newest + 1);
        }
        expireAll(sessions, 1_000_000);
        const { applied, duplicate, late } = totals(sessions);
        expect(applied + duplicate + late).toBe(sent.length);
        expect(samples(sessions)).toBe(applied + late);
        expect(samples(sessions)).toBe(new Set(sent.map(({ beacon }) => beacon)).size);
      }),
      { numRuns: 500 },
    );
  });

  it('with `started`, everything a second time changes nothing but `duplicate`', () => {
    fc.assert(
      fc.property(runs, (all) => {
        const sessions = createTestSessions();
        const sent = sentBy(all).filter(({ at }) => at < 29_000);
        for (const { at, beacon } of sent) post(sessions, at, beacon);
        const before = { ...totals(sessions), rtt: shownRtt(sessions), samples: samples(sessions) };
        for (const { at, beacon } of sent) post(sessions, at, beacon, 29_000 - at);
        const after = { ...totals(sessions), rtt: shownRtt(sessions), samples: samples(sessions) };
        expect(after).toEqual({ ...before, duplicate: before.duplicate + sent.length });
      }),
    );
  });

  it('without it, no retry of a first beacon that was rejected is ever a new run', () => {
    const retry = fc.record({
      rejected: fc.integer({ min: 1, max: 4 }),
      afterMs: fc.integer({ min: 10_000, max: 25_000 }),
      apartMs: fc.nat(5_000),
      beacons: fc.integer({ min: 5, max: 12 }),
    });
    fc.assert(
      fc.property(retry, ({ rejected, afterMs, apartMs, beacons }) => {
        const sessions = createTestSessions();
        const sent = Array.from({ length: beacons }, (_, seq) => {
          const at = seq < rejected ? afterMs + seq * apartMs : seq * 5_000;
          return { at, beacon: { seq, ...rttMs(seq) } };
        }).sort((a, b) => a.at - b.at);
        let newest = 0;
        for (const { at, beacon } of sent) {
          post(sessions, at, beacon);
          newest = Math.max(newest, beacon.seq);
          expect(shownRtt(sessions)).toBe(newest);
        }
        post(sessions, 100_000, { seq: beacons, leaving: true });
        expect(totals(sessions)).toMatchObject({ applied: beacons + 1, duplicate: 0, late: 0 });
      }),
    );
  });

  it('without it, a reload is seen from its second beacon on', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 100 }), fc.integer({ min: 100, max: 5_000 }), (first, pauseMs) => {
        const sessions = createTestSessions();
        for (let seq = 0; seq < first; seq++) post(sessions, seq * 5_000, { seq, ...rttMs(100) });
        const again = (first - 1) * 5_000 + pauseMs;
        for (const seq of [0, 1, 2]) {
          post(sessions, again + seq * 5_000, { seq, ...rttMs(200 + seq) });
          if (seq > 0) expect(shownRtt(sessions)).toBe(200 + seq);
        }
        expect(totals(sessions)).toEqual({ applied: first + 2, duplicate: 1, late: 0, lost: 0 });
      }),
    );
  });
});
