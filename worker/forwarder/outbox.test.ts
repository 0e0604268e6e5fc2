/** Outbox and lanes on the real SQLite storage of a Durable Object, with a broker whose every answer the test chooses. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeBatch } from '../../shared/batch.ts';
import type { ForwardAnswer } from '../forward/call.ts';
import { callOf, NOW_MS, type TestBeacon } from '../testing.ts';
import type { Connection, Outcome, Publication } from './connection/connection.ts';
import { createCounters } from './counters.ts';
import { ACK_MS, LINGER_MS } from './lane.ts';
import { createOutbox } from './outbox.ts';
import { openSpool, type Spool, type SpoolStorage } from './spool.ts';

const STORED: Outcome = { kind: 'stored', isDuplicate: false };
const SAFE: ForwardAnswer = { rejected: [] };

type Message = {
  readonly lane: string;
  readonly id: string;
  readonly epoch: string;
  readonly accepted: number;
  readonly beacons: string[];
};

/**
 * The stream of a region, that of a fallback, and the way to them. `answer` decides what becomes of a publish; by
 * default it is stored at once.
 */
function fakeBroker() {
  const stream: Message[] = [];
  const fallback: Message[] = [];
  const tries: Publication[] = [];
  const ids = new Set<string>();
  const broker = {
    stream,
    fallback,
    tries,
    isUp: true,
    isThroughFallback: false,
    maxPayload: 1_048_576,
    /** How often an alarm was asked for. */
    retries: 0,
    answer: (_: Publication): Promise<Outcome> => Promise.resolve(broker.store(_)),
    store(publication: Publication, through?: boolean): Outcome {
      const isThroughFallback: boolean = through ?? broker.isThroughFallback;
      const idThere = `${isThroughFallback ? 'fallback' : 'home'} ${publication.id}`;
      if (ids.has(idThere)) return { kind: 'stored', isDuplicate: true };
      ids.add(idThere);
      const batch = decodeBatch(publication.payload);
      if (!batch.ok) throw new Error(batch.detail);
      const { epoch, accepted, entries } = batch.value;
      const beacons = entries.map(({ beacon }) => `${beacon.session_id} ${beacon.seq}`);
      const messages = isThroughFallback ? fallback : stream;
      messages.push({
        lane: publication.subject.split('.').at(-1) ?? '',
        id: publication.id,
        epoch,
        accepted,
        beacons,
      });
      return STORED;
    },
    reserve: (id: string) => void ids.add(`home ${id}`),
  };
  const connection: Connection = {
    isUp: () => broker.isUp,
    open: async () => {},
    close: async () => {},
    maxPayload: () => broker.maxPayload,
    publish(publication) {
      tries.push(publication);
      return broker.answer(publication);
    },
  };
  return { ...broker, broker, connection };
}

type Broker = ReturnType<typeof fakeBroker>;

function start(storage: SpoolStorage, { connection, broker }: Broker, spool: Spool = openSpool(storage)) {
  let epochs = 0;
  const counters = createCounters({ slot: 0, epoch: 'counters', spoolCounts: spool.counts, via: () => '' });
  const outbox = createOutbox({
    region: 'apac',
    slot: 0,
    spool,
    counters,
    connection,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    now: () => Date.now(),
    newId: () => `id-${run}-${epochs++}`,
    retrySoon: () => {
      broker.retries += 1;
    },
    onChange: () => {},
  });
  run += 1;
  return { ...outbox, spool, counters };
}
let run = 0;

let objects = 0;
/** Runs `work` with the storage of an object that no other test uses. */
function withStorage<T>(work: (storage: DurableObjectStorage) => Promise<T>): Promise<T> {
  objects += 1;
  return runInDurableObject(env.FORWARDER.getByName(`sa:${100 + objects}`), (_, { storage }) => work(storage));
}

function beacons(count: number, beacon: TestBeacon = {}, first = 0): TestBeacon[] {
  return Array.from({ length: count }, (_, i) => ({ ...beacon, seq: first + i }));
}

const keysOf = (stream: readonly Message[]): string[] => stream.flatMap(({ beacons }) => beacons);
const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

/** What an aggregator makes of a stream: each epoch and lane counts by its own differences. */
function acceptedOf(stream: readonly Message[]): number {
  const newest = new Map<string, number>();
  for (const { epoch, lane, accepted } of stream) {
    const key = `${epoch} ${lane}`;
    // A batch that is not above the last one is taken for a repeat, and skipped whole.
    expect(accepted).toBeGreaterThan(newest.get(key) ?? 0);
    newest.set(key, accepted);
  }
  return [...newest.values()].reduce((sum, accepted) => sum + accepted, 0);
}

/** Of two streams, each batch once: the same place in the same epoch is the same batch. */
function withoutCopies(streams: readonly Message[][]): Message[] {
  const batches = new Map<string, Message>();
  for (const message of streams.flat()) {
    const key = `${message.lane} ${message.epoch} ${message.accepted}`;
    expect(batches.get(key)?.beacons ?? message.beacons).toStrictEqual(message.beacons);
    batches.set(key, message);
  }
  return [...batches.values()].toSorted((a, b) => a.accepted - b.accepted);
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a call', () => {
  it('is answered when each of its lanes has been acknowledged, and not before', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      const acks: (() => void)[] = [];
      broker.broker.answer = (publication) =>
        new Promise((resolve) => acks.push(() => resolve(broker.store(publication))));
      const { submit } = start(storage, broker);
      let answer: ForwardAnswer | undefined;
      void submit(callOf([{ lane: 0 }, { lane: 1 }, { lane: 0, seq: 1 }])).then((value) => {
        answer = value;
      });
      await settle();
      expect(acks.length).toBe(2);
      acks[0]?.();
      await settle();
      expect(answer).toBe(undefined);
      acks[1]?.();
      await settle();
      expect(answer).toStrictEqual(SAFE);
      expect(broker.stream.map(({ lane, beacons }) => [lane, beacons])).toStrictEqual([
        ['f00', ['s-1 0', 's-1 1']],
        ['f01', ['s-1 0']],
      ]);
    }));

  it('of a quiet lane is published at once, of a busy one batched, at most ten batches a second', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      const { submit } = start(storage, broker);
      const answers: Promise<ForwardAnswer>[] = [];
      for (let i = 0; i < 100; i++) {
        answers.push(submit(callOf([{ seq: i }], { isolate: `isolate-${i}` })));
        await settle(10);
      }
      await settle(LINGER_MS);
      expect(await Promise.all(answers)).toStrictEqual(Array(100).fill(SAFE));
      expect(broker.stream[0]?.beacons).toStrictEqual(['s-1 0']);
      expect(broker.stream.length).toBeLessThanOrEqual(11);
      expect(keysOf(broker.stream)).toStrictEqual(beacons(100).map(({ seq }) => `s-1 ${seq}`));
    }));

  it('does not linger when no more beacons can come', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      const { submit } = start(storage, broker);
      await submit(callOf([{}]));
      let isAnswered = false;
      const first = submit(callOf(beacons(20, {}, 1)));
      void first.then(() => {
        isAnswered = true;
      });
      await settle(5);
      expect(isAnswered).toBe(false);
      await submit(callOf(beacons(20, {}, 21), { isLast: true }));
      expect(isAnswered).toBe(true);
    }));
});

describe('an acknowledgement that comes late', () => {
  it('costs no throughput: everything is answered, and everything offered is in the stream', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.answer = async (publication) => {
        const outcome = broker.store(publication);
        await new Promise((resolve) => setTimeout(resolve, 2_300));
        return outcome;
      };
      const { submit, pump, spool, counters } = start(storage, broker);
      const answers: Promise<ForwardAnswer>[] = [];
      for (let i = 0; i < 140; i++) {
        answers.push(submit(callOf([{ seq: i, lane: i % 4, session: `s-${i % 4}` }])));
        await settle(50);
      }
      await settle(ACK_MS);
      expect(await Promise.all(answers)).toStrictEqual(Array(140).fill(SAFE));
      void pump();
      await settle(5_000);
      expect(keysOf(broker.stream).length).toBe(140);
      expect(new Set(keysOf(broker.stream)).size).toBe(140);
      expect(acceptedOf(broker.stream)).toBe(140);
      expect(spool.counts()).toMatchObject({ beacons: 0, bytes: 0 });
      expect(counters.snapshot(0)).toMatchObject({ accepted: 140, inSpool: 0 });
      // Nothing was tried twice: what is in doubt waits for its acknowledgement.
      expect(new Set(broker.tries.map(({ id }) => id)).size).toBe(broker.tries.length);
    }));

  it('is answered from the spool after 2 s', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.answer = () => new Promise(() => {});
      const { submit, spool } = start(storage, broker);
      const answer = submit(callOf(beacons(3)));
      await settle(ACK_MS - 1);
      expect(spool.counts().beacons).toBe(0);
      await settle(1);
      expect(await answer).toStrictEqual(SAFE);
      expect(spool.counts()).toMatchObject({ beacons: 3, spooled: 3 });
      // What comes meanwhile goes behind it, and does not wait.
      expect(await submit(callOf(beacons(2, {}, 3)))).toStrictEqual(SAFE);
      expect(spool.counts().beacons).toBe(5);
    }));

  it('that never comes makes the batch be retried under its id, and counted once', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.answer = async (publication) => {
        // Stored, but its acknowledgement is lost with the connection.
        broker.store(publication);
        broker.broker.isUp = false;
        return { kind: 'lost', error: 'disconnected' };
      };
      const { submit, pump, spool } = start(storage, broker);
      expect(await submit(callOf(beacons(4)))).toStrictEqual(SAFE);
      broker.broker.isUp = true;
      broker.broker.answer = async (publication) => broker.store(publication);
      await submit(callOf(beacons(2, {}, 4)));
      void pump();
      await settle(10 * LINGER_MS);
      expect(broker.tries[1]?.id).toBe(broker.tries[0]?.id);
      expect(keysOf(broker.stream)).toStrictEqual(beacons(6).map(({ seq }) => `s-1 ${seq}`));
      expect(acceptedOf(broker.stream)).toBe(6);
      expect(spool.counts()).toMatchObject({ beacons: 0, spooled: 6, drained: 6 });
    }));
});

it('a batch that may be in the stream of its region is published through the fallback as it was, and counts once', () =>
  withStorage(async (storage) => {
    const broker = fakeBroker();
    const { submit } = start(storage, broker);
    await submit(callOf(beacons(3)));
    broker.broker.answer = async (publication) => {
      broker.store(publication);
      broker.broker.isUp = false;
      return { kind: 'lost', error: 'disconnected' };
    };
    await settle(LINGER_MS);
    expect(await submit(callOf(beacons(4, {}, 3)))).toStrictEqual(SAFE);
    // Evicted meanwhile: the next start has an epoch of its own.
    const { pump, submit: submitAgain, counters } = start(storage, broker);
    Object.assign(broker.broker, { isUp: true, isThroughFallback: true });
    broker.broker.answer = async (publication) => broker.store(publication);
    void pump();
    await submitAgain(callOf(beacons(2, {}, 7)));
    await settle(10 * LINGER_MS);
    const [copy, ...others] = broker.fallback;
    expect(copy).toStrictEqual(broker.stream[1]);
    expect(others.map(({ beacons }) => beacons)).toStrictEqual([['s-1 7', 's-1 8']]);
    expect(acceptedOf(withoutCopies([broker.stream, broker.fallback]))).toBe(9);
    expect(counters.snapshot(0).accepted).toBe(6);
  }));

describe('a message id', () => {
  it('that the broker calls a duplicate at the first attempt is replaced', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      let attacks = 1;
      broker.broker.answer = async (publication) => {
        if (attacks-- > 0) broker.reserve(publication.id);
        return broker.store(publication);
      };
      const { submit, counters } = start(storage, broker);
      expect(await submit(callOf(beacons(3)))).toStrictEqual(SAFE);
      expect(keysOf(broker.stream).length).toBe(3);
      expect(broker.tries.length).toBe(2);
      expect(broker.tries[1]?.id).not.toBe(broker.tries[0]?.id);
      expect(counters.snapshot(0)).toMatchObject({ accepted: 3, publishErrors: 1 });
    }));
});

describe('a broker with a small max_payload', () => {
  it('gets batches that fit', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.maxPayload = 4_096;
      const { submit } = start(storage, broker);
      const answer = submit(callOf(beacons(60)));
      await settle(40 * LINGER_MS);
      expect(await answer).toStrictEqual(SAFE);
      expect(keysOf(broker.stream).length).toBe(60);
      for (const { payload } of broker.tries) expect(payload.length).toBeLessThanOrEqual(4_096);
    }));

  it.each(['fresh', 'spooled'])(
    'that takes less than it says gets halves; one %s beacon too large blocks nobody',
    (when) =>
      withStorage(async (storage) => {
        const broker = fakeBroker();
        const { submit, pump, spool } = start(storage, broker);
        broker.broker.isUp = when === 'fresh';
        broker.broker.answer = async (publication) =>
          publication.payload.length > 1_500 ? { kind: 'too_large', error: '10054' } : broker.store(publication);
        const calls = [...beacons(5), { seq: 5, peers: 64 }, ...beacons(5, {}, 6)];
        const answer = submit(callOf(calls));
        await settle(60 * LINGER_MS);
        expect(await answer).toStrictEqual(
          when === 'fresh' ? { rejected: [{ index: 5, reason: 'body_too_large' }] } : SAFE,
        );
        broker.broker.isUp = true;
        void pump();
        await settle(60 * LINGER_MS);
        expect(keysOf(broker.stream)).toStrictEqual([0, 1, 2, 3, 4, 6, 7, 8, 9, 10].map((seq) => `s-1 ${seq}`));
        expect(spool.counts()).toMatchObject({ beacons: 0, unpublishable: when === 'fresh' ? 0 : 1 });
      }),
  );
});

describe('when something fails', () => {
  it('stalled lanes delay the others once, and lose nothing', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      const isStuck = ({ subject }: Publication) => /f0[01]$/.test(subject);
      broker.broker.answer = (publication) =>
        isStuck(publication) ? new Promise(() => {}) : Promise.resolve(broker.store(publication));
      const { submit, spool } = start(storage, broker);
      const all = (seq: number) => callOf([0, 1, 2, 3].map((lane) => ({ lane, seq, session: `s-${lane}` })));
      const first = submit(all(0));
      await settle(ACK_MS);
      expect(await first).toStrictEqual(SAFE);
      const second = submit(all(1));
      await settle(LINGER_MS);
      expect(await second).toStrictEqual(SAFE);
      expect(keysOf(broker.stream)).toStrictEqual(['s-2 0', 's-3 0', 's-2 1', 's-3 1']);
      expect(spool.counts().beacons).toBe(4);
    }));

  it('a full lane rejects new beacons, and the other lanes are not affected', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.answer = (publication) =>
        publication.subject.endsWith('f00') ? new Promise(() => {}) : Promise.resolve(broker.store(publication));
      const { submit } = start(storage, broker);
      void submit(callOf([{ lane: 0 }]));
      await settle();
      void submit(callOf(beacons(32_768, { lane: 0 })));
      const answer = submit(callOf([{ lane: 0 }, { lane: 1 }]));
      await settle(ACK_MS);
      expect(await answer).toStrictEqual({ rejected: [{ index: 0, reason: 'unavailable' }] });
      expect(keysOf(broker.stream).length).toBe(1);
    }));

  it('failing storage is answered with storage_failed, and the next beacon is tried again', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.isUp = false;
      let isFull = true;
      const real = openSpool(storage);
      const spool: Spool = {
        ...real,
        put(batch) {
          if (isFull) throw new Error('disk full');
          return real.put(batch);
        },
      };
      const { submit } = start(storage, broker, spool);
      expect(await submit(callOf(beacons(2)))).toStrictEqual({
        rejected: [
          { index: 0, reason: 'storage_failed' },
          { index: 1, reason: 'storage_failed' },
        ],
      });
      isFull = false;
      expect(await submit(callOf(beacons(2, {}, 2)))).toStrictEqual(SAFE);
    }));

  it('a clock that is set back or forward delays nothing', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      const { submit } = start(storage, broker);
      for (const step of [-3_600_000, 7_200_000, -1]) {
        await submit(callOf([{}]));
        vi.setSystemTime(Date.now() + step);
        const answer = submit(callOf([{ seq: 1 }]));
        await settle(LINGER_MS);
        expect(await answer).toStrictEqual(SAFE);
      }
    }));
});

it('one session can not fill the spool: over its share it is rejected, in the same call as others that are not', () =>
  withStorage(async (storage) => {
    const broker = fakeBroker();
    broker.broker.isUp = false;
    const spool = openSpool(storage, { ageMs: 600_000, bytes: 64_000, shares: 8 });
    const { submit } = start(storage, broker, spool);
    const rejectedOf: { [session: string]: number } = {};
    for (let seq = 0; seq < 60; seq++) {
      const sessions = ['hog-1', 'hog-2', `calm-${seq}`];
      const calls = sessions.map((session) => ({ session, seq, peers: session.startsWith('hog') ? 64 : 1 }));
      const { rejected } = await submit(callOf(calls));
      for (const { index, reason } of rejected) {
        expect(reason).toBe('spool_full');
        rejectedOf[sessions[index] ?? ''] = (rejectedOf[sessions[index] ?? ''] ?? 0) + 1;
      }
    }
    expect(Object.keys(rejectedOf)).toStrictEqual(['hog-1', 'hog-2']);
    expect(spool.counts().bytes).toBeLessThan(64_000);
  }));

/** Anything a broker can do to a publish, or to the Forwarder. */
const fate = fc.constantFrom(
  'stored',
  'stored',
  'refused',
  'lost',
  'lost after it was stored',
  'late',
  'late and lost',
  'evicted',
);
const round = fc.record({
  fate,
  isUp: fc.boolean(),
  isThroughFallback: fc.boolean(),
  ms: fc.constantFrom(0, 10, 150, 2_500),
  beacons: fc.array(fc.record({ lane: fc.nat(2), session: fc.constantFrom('a', 'b', 'c') }), { maxLength: 6 }),
});

it('keeps its invariants whatever the broker does: nothing answered is lost, order per lane, each counted once', () =>
  withStorage((storage) =>
    fc.assert(
      fc.asyncProperty(fc.array(round, { maxLength: 12 }), async (rounds) => {
        const broker = fakeBroker();
        let forwarder = mortal(storage, broker);
        let seq = 0;
        const safe = new Map<string, number>();
        for (const { fate, isUp, isThroughFallback, ms, beacons } of rounds) {
          Object.assign(broker.broker, { isUp, isThroughFallback });
          broker.broker.answer = (publication) => fateOf(fate, publication, broker);
          const posted = beacons.map((beacon) => ({ ...beacon, seq: seq++ }));
          const asked = forwarder;
          void asked.submit(callOf(posted)).then(({ rejected }) => {
            const indexes = new Set(rejected.map(({ index }) => index));
            for (const [i, { lane, session, seq }] of posted.entries()) {
              if (asked.isAlive() && !indexes.has(i)) safe.set(`${session} ${seq}`, lane);
            }
          });
          void forwarder.pump();
          await settle(ms);
          if (fate !== 'evicted') continue;
          forwarder.evict();
          forwarder = mortal(storage, broker);
        }
        broker.broker.isUp = true;
        broker.broker.answer = async (publication) => broker.store(publication);
        for (let i = 0; i < 8; i++) {
          void forwarder.pump();
          await settle(1_500);
        }
        const stored = keysOf([...broker.stream, ...broker.fallback]);
        expect([...safe.keys()].filter((key) => !stored.includes(key))).toStrictEqual([]);
        for (const lane of [0, 1, 2]) {
          for (const stream of [broker.stream, broker.fallback]) {
            const inLane = keysOf(stream).filter((key) => safe.get(key) === lane);
            const seqs = inLane.map((key) => Number(key.split(' ')[1]));
            expect(seqs).toStrictEqual(seqs.toSorted((x, y) => x - y));
          }
        }
        // An aggregator's sum: what the headers count is what is in the streams, each beacon once.
        expect(acceptedOf(withoutCopies([broker.stream, broker.fallback]))).toBe(new Set(stored).size);
        const { beacons, bytes } = forwarder.spool.counts();
        expect({ beacons, bytes }).toStrictEqual({ beacons: 0, bytes: 0 });
        forwarder.evict();
        for (const table of ['spooled', 'tried', 'untold']) storage.sql.exec(`DELETE FROM ${table}`);
      }),
      { numRuns: 25 },
    ),
  ));

/** A Forwarder that can be evicted: from then on it neither writes nor hears. */
function mortal(storage: DurableObjectStorage, broker: Broker) {
  let alive = true;
  const real = openSpool(storage);
  const guard =
    <Rest extends unknown[], T>(work: (...rest: Rest) => T) =>
    (...rest: Rest): T => {
      if (!alive) throw new Error('evicted');
      return work(...rest);
    };
  const spool: Spool = {
    ...real,
    put: guard(real.put),
    take: guard(real.take),
    remove: guard(real.remove),
    markTried: guard(real.markTried),
  };
  const connection: Connection = {
    ...broker.connection,
    isUp: () => alive && broker.connection.isUp(),
    publish: (publication) => (alive ? broker.connection.publish(publication) : new Promise(() => {})),
  };
  const evict = (): void => {
    alive = false;
  };
  return { ...start(storage, { ...broker, connection }, spool), isAlive: () => alive, evict };
}

function fateOf(fate: string, publication: Publication, broker: Broker): Promise<Outcome> {
  const after = (ms: number, outcome: () => Outcome) =>
    new Promise<Outcome>((resolve) => setTimeout(() => resolve(outcome()), ms));
  switch (fate) {
    case 'refused':
      return Promise.resolve({ kind: 'refused', error: '503' });
    case 'lost':
      return Promise.resolve({ kind: 'lost', error: 'disconnected' });
    case 'lost after it was stored':
      broker.store(publication);
      return Promise.resolve({ kind: 'lost', error: 'disconnected' });
    case 'late': {
      const { isThroughFallback } = broker.broker;
      return after(2_300, () => broker.store(publication, isThroughFallback));
    }
    case 'late and lost':
      broker.store(publication);
      return after(4_000, () => ({ kind: 'lost', error: 'TIMEOUT' }));
    default:
      return Promise.resolve(broker.store(publication));
  }
}

it('asks for another alarm while a spooled batch still waits for its acknowledgement: the object may end first', () =>
  withStorage(async (storage) => {
    const broker = fakeBroker();
    const acks: (() => void)[] = [];
    broker.broker.answer = (publication) =>
      new Promise((resolve) => acks.push(() => resolve(broker.store(publication))));
    const { submit, pump, spool } = start(storage, broker);
    const answer = submit(callOf([{}]));
    await settle(ACK_MS);
    expect(await answer).toStrictEqual(SAFE);
    expect(spool.counts().beacons).toBe(1);
    // The alarm that the spooling set has fired.
    broker.broker.retries = 0;
    const pumping = pump();
    await settle();
    expect(broker.broker.retries).toBe(1);
    acks[0]?.();
    await pumping;
  }));

describe('a broker that takes small messages only', () => {
  it('gets them one after the other: a batch that is full waits for no company', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.maxPayload = 1_024;
      const { submit } = start(storage, broker);
      const answer = submit(callOf(beacons(100)));
      await settle(2 * LINGER_MS);
      expect(keysOf(broker.stream).length).toBe(100);
      expect(await answer).toStrictEqual(SAFE);
    }));

  it('gets what the spool holds in the same way', () =>
    withStorage(async (storage) => {
      const broker = fakeBroker();
      broker.broker.isUp = false;
      const { submit, pump, spool } = start(storage, broker);
      await submit(callOf(beacons(100)));
      expect(spool.counts().beacons).toBe(100);
      broker.broker.isUp = true;
      broker.broker.maxPayload = 1_024;
      const pumping = pump();
      await settle(2 * LINGER_MS);
      expect(spool.counts().beacons).toBe(0);
      await pumping;
    }));
});
