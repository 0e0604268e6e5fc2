/**
 * A region whose NATS, and the ways to it, fail at random while its Forwarders turn to a fallback and back: whoever posts
 * is never taken for gone, whoever stopped is gone in the end, and each beacon is counted once.
 */
import fc from 'fast-check';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { encodeEntry, joinBatch } from '../shared/batch.ts';
import { encodeForwarderCounters } from '../shared/forwarder-counters.ts';
import { edgeSubject, forwarderSubject } from '../shared/subjects.ts';
import { forwarderCounters, validEntry } from '../test/support/edge/beacon.ts';
import type { Broker } from './feed/broker.ts';
import { createBrokerClock } from './feed/clock/broker-clock.ts';
import { createTimeLine } from './feed/clock/time-line.ts';
import { createRegionFeed, type SourceListener } from './feed/region/region-feed.ts';
import type { Lane, Source } from './feed/source/source.ts';
import type { FeedState } from './feed/source/source-status.ts';
import { createForwarders } from './ingest/forwarders.ts';
import { createIngest } from './ingest/ingest.ts';
import { createSessions } from './store/sessions.ts';

const REGION = 'apac';
const NOW = 1_800_000_000_000;
const TTL_MS = 30_000;
const STEP_MS = 1_000;
const SLOTS = [0, 1];
const SESSIONS_A_SLOT = 2;
/** Seconds between the beacons of a session, and between the counters of a Forwarder. */
const BEACON_EVERY = 7;
const COUNTERS_EVERY = 10;

type Message = { readonly atMs: number; readonly subject: string; readonly data: Uint8Array };

const LANE = {} as Lane;

/** A broker with a clock of its own, and a stream. */
function createBrokerOf(aheadMs: number) {
  const clock = createBrokerClock();
  clock.observe(NOW + aheadMs, 0, true);
  return { aheadMs, clock, stream: [] as Message[], isReached: true };
}

type FakeBroker = ReturnType<typeof createBrokerOf>;

/** What the aggregator reads of a broker: all of it at each step while it is reached, after what it missed. */
function createReading(broker: FakeBroker, place: (brokerMs: number) => number, number: number) {
  let state: FeedState = 'connecting';
  let read = 0;
  let readMs = Number.NaN;
  const source: Source = {
    name: number === 0 ? REGION : 'elsewhere',
    broker: {} as Broker,
    get state() {
      return state;
    },
    place,
    readMs: () => place(readMs),
    readMsBut: (_, timeMs) => timeMs,
    handledMs: () => place(readMs),
    readFromMs: () => place(NOW + broker.aheadMs),
    run: () => Promise.resolve(),
    drop() {},
    checkHeartbeats() {},
    answered() {},
  };
  return {
    source,
    step(monotonicMs: number, listener: SourceListener): void {
      if (!broker.isReached) {
        if (state === 'up') {
          state = 'down';
          listener.onLost(number, { filter: '', reason: '', sinceMs: monotonicMs - STEP_MS });
        }
        return;
      }
      if (state !== 'up') state = 'replaying';
      for (; read < broker.stream.length; read++) {
        const { atMs, subject, data } = broker.stream[read] as Message;
        const timestampMs = atMs + broker.aheadMs;
        const lane = subject.includes('.edge.') ? LANE : undefined;
        readMs = timestampMs;
        listener.onMessage(number, { subject, data, sequence: read + 1, timestampMs, isHistory: false }, lane);
      }
      readMs = NOW + monotonicMs + broker.aheadMs;
      if (state === 'up') return;
      state = 'up';
      listener.onUp(number);
    },
  };
}

/** A Forwarder and its clients. @param isStopped whether a session posts no more */
function createForwarder(slot: number, isStopped: (session: string) => boolean) {
  const sessions = Array.from({ length: SESSIONS_A_SLOT }, (_, i) => `s-${slot}-${i}`);
  const sent = new Map<string, number>();
  let accepted = 0;
  let at = 0;
  let movedSecond = 0;
  return {
    sessions,
    accepted: () => accepted,
    step(second: number, to: number, brokers: readonly FakeBroker[]): void {
      if (to !== at) {
        at = to;
        // It notices after a while, and keeps what comes meanwhile.
        movedSecond = second + 2;
      }
      const broker = brokers[at];
      if (!broker || second < movedSecond) return;
      const atMs = NOW + second * STEP_MS;
      const posting = sessions.filter((session, i) => !isStopped(session) && (second + i) % BEACON_EVERY < 1);
      const waited = second === movedSecond ? sessions.filter((session) => !isStopped(session)) : posting;
      if (waited.length > 0) {
        accepted += waited.length;
        const entries = waited.map((session_id) => {
          const seq = sent.get(session_id) ?? 0;
          sent.set(session_id, seq + 1);
          return encodeEntry(validEntry({ session_id, seq, peers: [] }, atMs));
        });
        const data = joinBatch({ slot, epoch: `e-${slot}`, accepted, sentAtMs: atMs }, entries);
        broker.stream.push({ atMs, subject: edgeSubject(REGION, 'f00'), data });
      }
      if (second === movedSecond || second % COUNTERS_EVERY === slot) {
        const data = encodeForwarderCounters(forwarderCounters({ slot, epoch: `c-${slot}`, sentAtMs: atMs }));
        broker.stream.push({ atMs, subject: forwarderSubject(REGION, slot), data });
      }
    },
  };
}

/**
 * For so many seconds: where Forwarders publish, and which brokers the aggregator reaches. What it can't know is left out:
 * that they went to a fallback which it has lost, while it hears nothing at home, but that well.
 */
const phase = fc
  .record({
    seconds: fc.integer({ min: 1, max: 90 }),
    at: fc.constantFrom(0, 0, 1),
    reached: fc.constantFrom([true, true], [true, true], [false, true], [true, false], [false, false]),
  })
  .filter(({ at, reached: [home, away] }) => at === 0 || home !== true || away === true);

const EVERYTHING = { at: 0, reached: [true, true] };

it('a region that is read from two streams loses nobody who posts, keeps nobody who stopped, and counts each beacon once', () => {
  fc.assert(
    fc.property(
      fc
        .array(phase, { maxLength: 6 })
        .filter((phases) => phases.every(({ reached }, i) => reached[1] || !reached[0] || phases[i - 1]?.at !== 1)),
      fc.integer({ min: -5_000, max: 5_000 }),
      fc.nat(300),
      (phases, aheadMs, stopSecond) => {
        let second = 0;
        const brokers = [createBrokerOf(0), createBrokerOf(aheadMs)];
        const line = createTimeLine();
        const readings = brokers.map((broker, i) => createReading(broker, line.add(broker.clock), i));
        const options = { regions: [REGION], servers: [], maxSessions: 100, maxSessionSeries: 0 };
        const sessions = createSessions({ ...options, ttlSeconds: TTL_MS / 1000 });
        const forwarders = createForwarders({
          regions: [REGION],
          shard: { index: 0, count: 1 },
          topology: '',
          totalsOf: (region) => sessions.totals(region).edge,
          onTopology() {},
        });
        const ingest = createIngest(sessions, forwarders);
        const now = () => line.timeAt(second * STEP_MS);
        let listener: SourceListener | undefined;
        const feed = createRegionFeed({
          region: REGION,
          line,
          ttlMs: TTL_MS,
          log: pino({ level: 'silent' }),
          monotonic: () => second * STEP_MS,
          signal: new AbortController().signal,
          createSources(given) {
            listener = given;
            return readings.map(({ source }) => source);
          },
          onMessage: ({ subject, data, timestampMs, passedMs }) =>
            ingest(subject, data, { storedAtMs: timestampMs, nowMs: now(), passedMs }),
          onPassing() {},
          onUp: (region) => sessions.feedUp(region, now()),
          onDown: sessions.feedDown,
        });
        const stopped = 's-0-0';
        const edge = SLOTS.map((slot) =>
          createForwarder(slot, (session) => session === stopped && second >= stopSecond),
        );
        const totals = sessions.totals(REGION);
        for (const { seconds, at, reached } of [...phases, { ...EVERYTHING, seconds: 400 }]) {
          for (let i = 0; i < seconds; i++) {
            for (const [b, broker] of brokers.entries()) broker.isReached = reached[b] === true;
            for (const forwarder of edge) forwarder.step(second, at, brokers);
            for (const reading of readings) reading.step(second * STEP_MS, listener as SourceListener);
            feed.check();
            while (sessions.expire(feed.readMs()));
            expect(totals.stale).toBeLessThanOrEqual(second > stopSecond ? 1 : 0);
            second++;
          }
        }
        expect(feed.state).toBe('up');
        expect(sessions.living()).toBe(SLOTS.length * SESSIONS_A_SLOT - 1);
        const accepted = edge.reduce((sum, forwarder) => sum + forwarder.accepted(), 0);
        expect(totals.edge.accepted).toBe(accepted);
        // One that comes after more than 32 later ones of its session can't be told from a repeat.
        expect(totals.applied + totals.late + totals.duplicate).toBe(accepted);
      },
    ),
    { numRuns: 100 },
  );
}, 300_000);
