/** What one session can do to the counters of its region: no more than the time that passed allows, whatever it sends. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AudioStats, Beacon, Peer, VideoStats } from '../../../shared/beacon.ts';
import { COUNTER_MAX } from '../../../shared/members.ts';
import { validEntry } from '../../../test/support/edge/beacon.ts';
import { MEASURE } from '../../live/measures.ts';
import type { Sessions } from '../sessions.ts';
import { applyEntry, createTestSessions, NOW } from '../testing.ts';
import { CHECKED_FIELDS } from './plausibility.ts';

const SAMPLES_PER_SECOND = 50_400;
const TTL_SECONDS = 30;

function post(sessions: Sessions, at: number, overrides: Partial<Beacon>, waitedMs = 0): void {
  applyEntry(sessions, 'apac', validEntry({ peers: [], ...overrides }, NOW + at), NOW + at + waitedMs);
}

function audio(stats: AudioStats, peer_id = 's-2'): Partial<Beacon> {
  return { peers: [{ peer_id, audio: stats }] };
}

/** The counts of samples, over all cells. */
function counted(sessions: Sessions): {
  audio: number;
  concealed: number;
  silent: number;
  other: number;
  freezes: number;
} {
  const sums = { audio: 0, concealed: 0, silent: 0, other: 0, freezes: 0 };
  for (const { cumulative } of sessions.cells()) {
    sums.audio += cumulative.audioSamples;
    sums.concealed += cumulative.concealedSamples;
    sums.silent += cumulative.silentConcealedSamples;
    sums.freezes += cumulative.videoFreezes;
    sums.other = Math.max(sums.other, cumulative.acceleratedSamples, cumulative.deceleratedSamples);
  }
  return sums;
}

/** By field, those that are not zero. */
function implausible(sessions: Sessions): { [field: string]: number } {
  return Object.fromEntries(Object.entries(sessions.totals('apac').implausible).filter(([, count]) => count > 0));
}

/** Twenty sessions in a call for a minute, one sample in a hundred of each concealed. */
function honestRegion(): Sessions {
  const sessions = createTestSessions();
  for (let seq = 0; seq <= 12; seq++) {
    const total = 240_000 * seq;
    const stats = { totalSamplesReceived: total, concealedSamples: total / 100, silentConcealedSamples: 0 };
    for (let i = 0; i < 20; i++) post(sessions, seq * 5_000, { session_id: `h-${i}`, seq, ...audio(stats) });
  }
  return sessions;
}

describe('one session', () => {
  it('moves the concealment of a region with four beacons by what it can have heard', () => {
    const sessions = honestRegion();
    expect(counted(sessions).concealed / counted(sessions).audio).toBeCloseTo(0.01);
    for (const [seq, total] of [0, 1e12, 2e12, COUNTER_MAX].entries()) {
      post(sessions, 60_000 + seq, { seq, ...audio({ totalSamplesReceived: total, concealedSamples: total }) });
    }
    expect(counted(sessions).concealed / counted(sessions).audio).toBeCloseTo(0.01);
    expect(implausible(sessions)).toEqual({ totalSamplesReceived: 3, concealedSamples: 3 });
  });

  it('adds with sixty beacons a second apart at most the beacons that it could have sent', () => {
    const sessions = createTestSessions();
    for (let i = 0; i < 60; i++) post(sessions, i * 1_000, { seq: i * 1_000 });
    post(sessions, 60_000, { seq: 60_000, leaving: true });
    expect(sessions.totals('apac').lost).toBeLessThanOrEqual(60 + TTL_SECONDS);
    expect(implausible(sessions)).toEqual({ seq: 60 });
  });

  it('loses what it left out of its numbers as far as it can have sent it', () => {
    const sessions = createTestSessions();
    post(sessions, 0, { seq: 0 });
    post(sessions, 20_000, { seq: 21 });
    expect(sessions.totals('apac').lost).toBe(0);
    post(sessions, 30_000, { seq: 22, leaving: true });
    expect(sessions.totals('apac').lost).toBe(20);
    expect(implausible(sessions)).toEqual({});
  });

  it('goes on after a jump of its numbers, of which nothing is lost', () => {
    const sessions = createTestSessions();
    for (const seq of [0, 2]) post(sessions, seq * 1_000, { seq });
    for (const seq of [COUNTER_MAX - 2, COUNTER_MAX - 1]) post(sessions, 10_000, { seq });
    post(sessions, 20_000, { seq: COUNTER_MAX, leaving: true });
    // The hole before the jump.
    expect(sessions.totals('apac')).toMatchObject({ applied: 5, lost: 1 });
    expect(implausible(sessions)).toEqual({ seq: 1 });
  });

  it('can have dropped no more than it could have sent', () => {
    const sessions = createTestSessions();
    for (const [seq, dropped] of [0, COUNTER_MAX, 5, 9].entries()) post(sessions, seq * 5_000, { seq, dropped });
    // After the implausible one it began again at 0, as far as its counter says.
    expect(sessions.totals('apac').clientDropped).toBe(9);
    expect(implausible(sessions)).toEqual({ dropped: 1 });
  });

  it.each([
    ['audio', 'jitterBufferDelay'],
    ['audio', 'jitterBufferEmittedCount'],
    ['audio', 'jitterBufferTargetDelay'],
    ['audio', 'concealedSamples'],
    ['audio', 'silentConcealedSamples'],
    ['audio', 'removedSamplesForAcceleration'],
    ['audio', 'insertedSamplesForDeceleration'],
    ['audio', 'totalSamplesReceived'],
    ['audio', 'packetsReceived'],
    ['audio', 'packetsLost'],
    ['video', 'framesDecoded'],
    ['video', 'framesDropped'],
    ['video', 'freezeCount'],
    ['video', 'packetsReceived'],
    ['video', 'packetsLost'],
  ] as const)('adds nothing of a stream of which %s.%s is impossible, and says so', (kind, name) => {
    const sessions = createTestSessions();
    const names = {
      audio: ['totalSamplesReceived', 'concealedSamples', 'silentConcealedSamples', 'jitterBufferEmittedCount'],
      video: ['freezeCount'],
    };
    const stats = (count: number) => Object.fromEntries(names[kind].map((one) => [one, count]));
    const send = (seq: number, values: AudioStats & VideoStats) =>
      post(sessions, seq * 5_000, { seq, peers: [{ peer_id: 'a', [kind]: values }] });
    send(0, { ...stats(0), [name]: 0 });
    send(1, { ...stats(10), [name]: 2 ** 52 - 1 });
    expect(counted(sessions)).toEqual({ audio: 0, concealed: 0, silent: 0, other: 0, freezes: 0 });
    expect(implausible(sessions)).toEqual({ [name]: 1 });
    expect([...sessions.cells()].flatMap(({ live }) => live.slice(1).filter((one) => one?.count))).toEqual([]);
  });

  it('shows no ratio of what is impossible, and one again with its next beacon', () => {
    const sessions = createTestSessions();
    const concealed = [0, 2_400, 1e9, 1e9 + 2_400];
    const shown = concealed.map((concealedSamples, seq) => {
      const stats = { totalSamplesReceived: 240_000 * seq, concealedSamples, silentConcealedSamples: 0 };
      post(sessions, seq * 5_000, { seq, ...audio(stats) });
      const [row = 0] = sessions.meeting('m-1')?.sessions.get('s-1')?.peers ?? [];
      return sessions.peers.value(row, MEASURE.concealment);
    });
    expect(shown).toEqual([Number.NaN, 0.01, Number.NaN, 0.01]);
  });

  it.each<[string, (seconds: number) => AudioStats]>([
    ['the whole', (n) => ({ concealedSamples: 48_000 * n, silentConcealedSamples: 48_000 * n })],
    [
      'the whole in every other beacon',
      (n) => ({ concealedSamples: n, ...(n % 2 === 0 && { totalSamplesReceived: n }) }),
    ],
    ['what is concealed', (n) => ({ totalSamplesReceived: 48_000 * n, silentConcealedSamples: 48_000 * n })],
  ])('adds no part without its whole: leaving out %s', (_, statsAt) => {
    const sessions = createTestSessions();
    for (let seq = 0; seq < 10; seq++) post(sessions, seq * 1_000, { seq, ...audio(statsAt(seq)) });
    const { audio: all, concealed, silent } = counted(sessions);
    expect(concealed).toBeLessThanOrEqual(all);
    expect(silent).toBeLessThanOrEqual(concealed);
  });

  it('has no part that is more than its whole, and up to 0.1 s more of one is what NetEQ is ahead', () => {
    const sessions = createTestSessions();
    const none = { totalSamplesReceived: 0, concealedSamples: 0, silentConcealedSamples: 0 };
    post(sessions, 0, { seq: 0, ...audio(none) });
    const ahead = { totalSamplesReceived: 48_000, concealedSamples: 52_800, silentConcealedSamples: 52_800 };
    post(sessions, 1_000, { seq: 1, ...audio(ahead) });
    expect(counted(sessions)).toMatchObject({ audio: 48_000, concealed: 48_000, silent: 48_000 });
    post(sessions, 2_000, { seq: 2, ...audio({ ...ahead, concealedSamples: 57_601 }) });
    expect(counted(sessions)).toMatchObject({ audio: 48_000, concealed: 48_000, silent: 48_000 });
    expect(implausible(sessions)).toEqual({ concealedSamples: 1 });
  });

  it.each([
    ['by leaving', { leaving: true as const }, {}],
    ['by a new `started`', {}, { started: 2 }],
    ['by both', { leaving: true as const }, { started: 2 }],
  ])('does not get its slack a second time %s', (_, last, next) => {
    const sessions = createTestSessions();
    const all = SAMPLES_PER_SECOND * TTL_SECONDS;
    const again = 'started' in next ? 0 : 3;
    for (const [seq, total] of [0, all].entries())
      post(sessions, seq, { seq, started: 1, ...audio({ totalSamplesReceived: total }) });
    post(sessions, 2, { seq: 2, started: 1, ...last });
    for (const [i, total] of [0, all].entries()) {
      post(sessions, 5_000 + i, { seq: again + i, started: 1, ...next, ...audio({ totalSamplesReceived: total }) });
    }
    expect(counted(sessions).audio).toBe(all);
    expect(implausible(sessions)).toEqual({ totalSamplesReceived: 1 });
  });
});

describe('laws of plausibility', () => {
  /** Often what just passes: nothing, and then all of the slack. */
  const number = fc.oneof(fc.constantFrom(0, SAMPLES_PER_SECOND * TTL_SECONDS), fc.nat(300_000), fc.maxSafeNat());
  const sample = fc.record(
    {
      totalSamplesReceived: number,
      concealedSamples: number,
      silentConcealedSamples: number,
      removedSamplesForAcceleration: number,
      insertedSamplesForDeceleration: number,
    },
    { requiredKeys: [] },
  );
  const video = fc.record({ freezeCount: fc.oneof(fc.constantFrom(0, 300), number) });
  const peers = fc.uniqueArray(fc.record({ peer_id: fc.constantFrom('a', 'b', 'c'), audio: sample, video }), {
    selector: ({ peer_id }) => peer_id,
  }) as fc.Arbitrary<Peer[]>;
  const step = fc.record({
    afterMs: fc.oneof({ weight: 8, arbitrary: fc.nat(100) }, fc.nat(2_000), fc.nat(40_000)),
    waitedMs: fc.oneof(fc.constant(0), fc.nat(35_000)),
    skips: fc.oneof(fc.constant(1), fc.nat(60), fc.nat(10_000)),
    overrides: fc.record(
      {
        peers,
        dropped: fc.oneof(fc.nat(40), fc.maxSafeNat()),
        leaving: fc.constant(true as const),
        started: fc.nat(3),
      },
      { requiredKeys: ['peers'] },
    ),
    /** Its number is a low one instead of the next. */
    low: fc.option(fc.nat(40)),
  });

  it('whatever a session sends, it adds to each series at most what the time and a slack for each TTL allow', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        const sessions = createTestSessions();
        let at = 0;
        let seq = 0;
        for (const { afterMs, waitedMs, skips, overrides, low } of steps) {
          at += afterMs;
          seq += skips;
          while (sessions.expire(NOW + at));
          post(sessions, at - waitedMs, { seq: low ?? seq, ...overrides }, waitedMs);
        }
        while (sessions.expire(NOW + at + 100_000));
        // A session that is forgotten after a TTL of silence begins with the slack again, which is as much as that TTL.
        const seconds = 2 * (at / 1000 + 35) + 2 * TTL_SECONDS;
        const { audio, concealed, silent, other, freezes } = counted(sessions);
        expect(audio).toBeLessThanOrEqual(3 * SAMPLES_PER_SECOND * seconds);
        expect(other).toBeLessThanOrEqual(3 * SAMPLES_PER_SECOND * seconds);
        expect(concealed).toBeLessThanOrEqual(3 * SAMPLES_PER_SECOND * seconds);
        expect(silent).toBeLessThanOrEqual(3 * SAMPLES_PER_SECOND * seconds);
        expect(freezes).toBeLessThanOrEqual(3 * 10 * seconds);
        expect(sessions.totals('apac').lost).toBeLessThanOrEqual(seconds);
        expect(sessions.totals('apac').clientDropped).toBeLessThanOrEqual(seconds);
      }),
      { numRuns: 300 },
    );
  });

  /** A client between two beacons: in trouble every second or so, well every five, throttled once a minute. */
  const moment = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 1_000, max: 1_200 }), fc.constantFrom(5_000, 7_500), fc.constant(60_000)),
    /** To the edge: a bad line, a retry; the edge then may spool it. */
    delayMs: fc.oneof(fc.nat(300), fc.nat(20_000)),
    waitedMs: fc.oneof(fc.constant(0), fc.nat(25_000)),
    isLost: fc.boolean(),
    isDropped: fc.boolean(),
    isReload: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
    concealedShare: fc.constantFrom(0, 0.02, 1),
    acceleratedShare: fc.constantFrom(0, 0.05, 0.4),
  });
  const client = fc.record({
    moments: fc.array(moment, { maxLength: 60, size: 'max' }),
    /** Of its sound card, against the broker's clock. */
    speed: fc.double({ min: 0.98, max: 1.02, noNaN: true }),
    /** What it had counted before its first beacon. */
    head: fc.nat(1e9),
    ttlSeconds: fc.constantFrom(30, 120),
    saysStarted: fc.boolean(),
  });

  type Client = typeof client extends fc.Arbitrary<infer C> ? C : never;
  type Sent = { at: number; waitedMs: number; beacon: Partial<Beacon> };

  function sentBy({ moments, speed, head, saysStarted }: Client): Sent[] {
    const sent: Sent[] = [];
    const counters = { total: head, concealed: head / 50, silent: 0, removed: 0, emitted: head, packets: head / 960 };
    /** Audio that lies in the jitter buffer, which acceleration plays out: at most a few seconds. */
    let buffered = 4 * 48_000;
    let clock = 0;
    let seq = 0;
    let dropped = 0;
    let started = 0;
    for (const { afterMs, delayMs, waitedMs, isLost, isDropped, isReload, ...shares } of moments) {
      clock += afterMs;
      if (isReload && saysStarted) {
        started++;
        seq = 0;
        dropped = 0;
        for (const name of Object.keys(counters) as (keyof typeof counters)[]) counters[name] = 0;
      }
      const samples = ((afterMs * 48) / (isReload && saysStarted ? 2 : 1)) * speed;
      const removed = Math.min(buffered, samples * shares.acceleratedShare);
      buffered -= removed;
      counters.total += samples;
      counters.concealed += samples * shares.concealedShare;
      counters.silent += (samples * shares.concealedShare) / 2;
      counters.removed += removed;
      counters.emitted += samples + removed;
      counters.packets += samples / 960;
      if (isDropped) dropped++;
      const number = seq++;
      if (isLost || isDropped) continue;
      const peer: Peer = {
        peer_id: 'a',
        audio: {
          totalSamplesReceived: Math.round(counters.total),
          concealedSamples: Math.round(counters.concealed),
          silentConcealedSamples: Math.round(counters.silent),
          removedSamplesForAcceleration: Math.round(counters.removed),
          jitterBufferEmittedCount: Math.round(counters.emitted),
          jitterBufferDelay: counters.emitted * 0.2,
          packetsReceived: Math.round(counters.packets),
        },
      };
      const beacon = { seq: number, dropped, ...(saysStarted && { started }), peers: [peer] };
      sent.push({ at: clock + delayMs, waitedMs, beacon });
    }
    return sent.sort((a, b) => a.at + a.waitedMs - (b.at + b.waitedMs));
  }

  it('nothing of a client that plays audio is implausible, however its beacons are delayed within a TTL', () => {
    fc.assert(
      fc.property(client, (one) => {
        const sessions = createTestSessions({ ttlSeconds: one.ttlSeconds });
        for (const { at, waitedMs, beacon } of sentBy(one)) {
          while (sessions.expire(NOW + at + waitedMs));
          post(sessions, at, beacon, waitedMs);
        }
        expect(implausible(sessions)).toEqual({});
      }),
      { numRuns: 500 },
    );
  });

  it('nothing of a day in a call is, though the clock of the sound card runs fast by three percent', () => {
    const sessions = createTestSessions();
    for (let seq = 0; seq < 86_400 / 5; seq++) {
      const total = Math.round(seq * 240_000 * 1.03);
      post(sessions, seq * 5_000, { seq, ...audio({ totalSamplesReceived: total }) });
    }
    expect(implausible(sessions)).toEqual({});
  });

  it('has a counter for every field', () => {
    expect(Object.keys(createTestSessions().totals('apac').implausible)).toEqual([...CHECKED_FIELDS]);
  });
});
