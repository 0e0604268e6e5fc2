/** The outbox with a real SQLite spool; broker and clock are the test's. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EdgeCounters } from '../../shared/envelope.ts';
import type { ForwardAnswer } from '../forward/call.ts';
import type { Log } from '../log.ts';
import type { Ack, Publication, PublishFailure } from './connection.ts';
import { createNumbering } from './numbering.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createBatchQueue } from './queue.ts';
import { openSpool, type Spool } from './spool.ts';
import { createTally } from './tally.ts';

type Envelope = { id: string; beacons: number[]; edge: EdgeCounters };

/** A broker that stores each id once, and whose answers the test gives. */
function createBroker() {
  const stream: Envelope[] = [];
  const waiting: { publication: Publication; timeoutMs: number; answer(ack: Ack | PublishFailure): void }[] = [];
  let up = true;

  function store({ id, text }: Publication): Ack {
    const seq = stream.findIndex((envelope) => envelope.id === id) + 1;
    if (seq > 0) return { ok: true, duplicate: true, seq };
    stream.push({ id, ...JSON.parse(text) });
    return { ok: true, duplicate: false, seq: stream.length };
  }

  function answer(give: (publication: Publication) => Ack | PublishFailure): Promise<void> {
    const next = waiting.shift();
    next?.answer(give(next.publication));
    return turn();
  }

  return {
    stream,
    waiting,
    link: {
      isUp: () => up,
      open: () => Promise.resolve(),
      publish: (publication: Publication, timeoutMs: number) =>
        new Promise<Ack | PublishFailure>((resolve) => {
          waiting.push({ publication, timeoutMs, answer: resolve });
        }),
    },
    connect: (yes: boolean) => {
      up = yes;
    },
    ack: () => answer(store),
    refuse: () => answer(() => ({ ok: false, error: '503', refused: true })),
    /** Stores nothing and says nothing. */
    ignore: () => answer(() => ({ ok: false, error: 'TIMEOUT', refused: false })),
    /** Stores the message; the acknowledgement is lost. */
    lose: () =>
      answer((publication) => {
        store(publication);
        return { ok: false, error: 'TIMEOUT', refused: false };
      }),
  };
}

type Broker = ReturnType<typeof createBroker>;

/** One start of a Forwarder on `storage`. */
function start(storage: DurableObjectStorage, broker: Broker, epoch: string) {
  const spool = openSpool(storage);
  const clock = { now: 0 };
  const asked = { retries: 0, reports: 0 };
  const outbox = createOutbox({
    region: 'apac',
    lane: 'f00',
    queue: createBatchQueue(),
    spool,
    tally: createTally(epoch),
    numbering: createNumbering(epoch),
    link: broker.link,
    log: SILENT,
    now: () => clock.now,
    retrySoon: () => {
      asked.retries += 1;
    },
    reportSoon: () => {
      asked.reports += 1;
    },
  });
  return { outbox, spool, clock, asked };
}

const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Lets everything run that can: no part here waits for more than promises. */
async function turn(): Promise<void> {
  for (let i = 0; i < 30; i++) await undefined;
}

const beacons = (...serials: number[]) => ({ entries: serials.map(String), refused: {}, jwksErrors: 0 });

function withParts<T>(lane: string, work: (storage: DurableObjectStorage, broker: Broker) => Promise<T>): Promise<T> {
  return runInDurableObject(env.FORWARDER.getByName(`oc:${lane}`), (_, { storage }) => work(storage, createBroker()));
}

/** What a promise is now, without waiting for it. */
async function stateOf(promise: Promise<ForwardAnswer>): Promise<ForwardAnswer | 'pending'> {
  await turn();
  return Promise.race([promise, Promise.resolve('pending' as const)]);
}

describe('while the broker acknowledges', () => {
  it('publishes at once, and what comes meanwhile together', () =>
    withParts('f00', async (storage, broker) => {
      const { outbox } = start(storage, broker, 'e1');
      const first = outbox.submit(beacons(1));
      const rest = [outbox.submit(beacons(2)), outbox.submit(beacons(3, 4))];
      expect(broker.waiting).toHaveLength(1);
      expect(await stateOf(first)).toBe('pending');
      await broker.ack();
      expect(await stateOf(first)).toEqual({ ok: true });
      expect(await stateOf(rest[0] as Promise<ForwardAnswer>)).toBe('pending');
      await broker.ack();
      expect(await Promise.all(rest)).toEqual([{ ok: true }, { ok: true }]);
      expect(broker.stream).toMatchObject([
        { id: 'e1.0', beacons: [1], edge: { batch: 0, accepted: 1 } },
        { id: 'e1.1', beacons: [2, 3, 4], edge: { batch: 1, accepted: 4 } },
      ]);
    }));

  it('waits for an acknowledgement as long as is left of 2 s since the oldest beacon came', () =>
    withParts('f01', async (storage, broker) => {
      const { outbox, clock } = start(storage, broker, 'e1');
      void outbox.submit(beacons(1));
      expect(broker.waiting[0]?.timeoutMs).toBe(2_000);
      clock.now = 500;
      void outbox.submit(beacons(2));
      clock.now = 1_500;
      await broker.ack();
      expect(broker.waiting[0]?.timeoutMs).toBe(1_000);
    }));

  it('spools what has no time left, without a try', () =>
    withParts('f02', async (storage, broker) => {
      const { outbox, clock, spool } = start(storage, broker, 'e1');
      void outbox.submit(beacons(1));
      const late = outbox.submit(beacons(2));
      clock.now = 1_950;
      await broker.ack();
      expect(await stateOf(late)).toEqual({ ok: true });
      expect(broker.waiting).toHaveLength(0);
      expect(spool.counts()).toMatchObject({ beacons: 1 });
    }));
});

describe('when the broker does not acknowledge', () => {
  it('spools the batch and all that waits, in order, and answers; a retry is asked for', () =>
    withParts('f03', async (storage, broker) => {
      const { outbox, spool, asked } = start(storage, broker, 'e1');
      const answers = [outbox.submit(beacons(1)), outbox.submit(beacons(2))];
      await broker.refuse();
      expect(await Promise.all(answers)).toEqual([{ ok: true }, { ok: true }]);
      expect(spool.counts()).toMatchObject({ beacons: 2, spooled: 2 });
      expect(asked.retries).toBeGreaterThan(0);
      void outbox.pump();
      await broker.ack();
      await broker.ack();
      expect(broker.stream.flatMap((envelope) => envelope.beacons)).toEqual([1, 2]);
      expect(broker.stream.at(-1)?.edge).toMatchObject({ drained: 2, spool: 0, publish_errors: 1 });
    }));

  it('spools at once whatever comes after, and tries nothing until asked', () =>
    withParts('f04', async (storage, broker) => {
      const { outbox } = start(storage, broker, 'e1');
      void outbox.submit(beacons(1));
      await broker.refuse();
      expect(await stateOf(outbox.submit(beacons(2)))).toEqual({ ok: true });
      expect(broker.waiting).toHaveLength(0);
    }));

  it('drains before anything new is published directly', () =>
    withParts('f05', async (storage, broker) => {
      const { outbox } = start(storage, broker, 'e1');
      void outbox.submit(beacons(1));
      await broker.refuse();
      void outbox.pump();
      expect(await stateOf(outbox.submit(beacons(2)))).toEqual({ ok: true });
      await broker.ack();
      await broker.ack();
      void outbox.submit(beacons(3));
      await broker.ack();
      expect(broker.stream.map((envelope) => envelope.beacons)).toEqual([[1], [2], [3]]);
    }));

  it('spools at once while the link is down', () =>
    withParts('f06', async (storage, broker) => {
      const { outbox, spool } = start(storage, broker, 'e1');
      broker.connect(false);
      expect(await stateOf(outbox.submit(beacons(1)))).toEqual({ ok: true });
      expect(spool.counts().beacons).toBe(1);
      expect(broker.waiting).toHaveLength(0);
    }));

  it('drops what has waited too long, also while the link is down', () =>
    withParts('f07', async (storage, broker) => {
      const { outbox, spool, clock } = start(storage, broker, 'e1');
      broker.connect(false);
      await outbox.submit(beacons(1, 2));
      clock.now = 600_000;
      await outbox.pump();
      expect(spool.counts()).toMatchObject({ beacons: 0, expired: 2 });
    }));

  it.each<{ reason: string; lane: string; put: Spool['put'] }>([
    { reason: 'spool_full', lane: 'f08', put: () => false },
    {
      reason: 'storage_failed',
      lane: 'f09',
      put: () => {
        throw new Error('disk I/O error');
      },
    },
  ])('answers $reason when a batch is safe nowhere', ({ reason, lane, put }) =>
    withParts(lane, async (storage, broker) => {
      const outbox = createOutbox({
        region: 'apac',
        lane: 'f00',
        queue: createBatchQueue(),
        spool: { ...openSpool(storage), put },
        tally: createTally('e1'),
        numbering: createNumbering('e1'),
        link: broker.link,
        log: SILENT,
        now: () => 0,
        retrySoon: () => {},
        reportSoon: () => {},
      });
      broker.connect(false);
      expect(await outbox.submit(beacons(1))).toEqual({ ok: false, reason });
    }),
  );
});

describe('counters without beacons', () => {
  it('are published when asked for, once, and only when they have moved', () =>
    withParts('f10', async (storage, broker) => {
      const { outbox, asked } = start(storage, broker, 'e1');
      expect(await outbox.submit({ entries: [], refused: { rate_limited: 3 }, jwksErrors: 1 })).toEqual({ ok: true });
      expect(asked.reports).toBe(1);
      expect(broker.waiting).toHaveLength(0);
      void outbox.report();
      await broker.ack();
      await outbox.report();
      expect(broker.stream).toMatchObject([{ beacons: [], edge: { rejected: { rate_limited: 3 }, jwks_errors: 1 } }]);
    }));

  it('are kept, and asked for again, when the broker refuses them', () =>
    withParts('f11', async (storage, broker) => {
      const { outbox, asked } = start(storage, broker, 'e1');
      await outbox.submit({ entries: [], refused: { rate_limited: 3 }, jwksErrors: 0 });
      void outbox.report();
      await broker.refuse();
      expect(asked.reports).toBe(2);
      void outbox.report();
      await broker.ack();
      expect(broker.stream).toMatchObject([{ edge: { batch: 0, rejected: { rate_limited: 3 }, publish_errors: 1 } }]);
    }));

  it('need no envelope of their own when a batch has told them', () =>
    withParts('f12', async (storage, broker) => {
      const { outbox } = start(storage, broker, 'e1');
      void outbox.submit({ ...beacons(1), refused: { rate_limited: 3 } });
      await broker.ack();
      await outbox.report();
      expect(broker.stream).toHaveLength(1);
    }));
});

describe('what was dropped', () => {
  it('is told when the link is back, also when nothing else is left to publish', () =>
    withParts('f16', async (storage, broker) => {
      const { outbox, clock, asked } = start(storage, broker, 'e1');
      broker.connect(false);
      await outbox.submit(beacons(1, 2));
      clock.now = 600_000;
      broker.connect(true);
      await outbox.pump();
      expect(asked.reports).toBe(1);
      void outbox.report();
      await broker.ack();
      expect(broker.stream).toMatchObject([
        { beacons: [], edge: { accepted: 0, spooled: 2, drained: 0, dropped: { expired: 2 }, spool: 0 } },
      ]);
    }));

  it('is told by the next start when this one could not, and then no more', () =>
    withParts('f17', async (storage, broker) => {
      const first = start(storage, broker, 'e1');
      broker.connect(false);
      await first.outbox.submit(beacons(1, 2));
      first.clock.now = 600_000;
      await first.outbox.pump();
      broker.connect(true);
      void start(storage, broker, 'e2').outbox.report();
      await broker.ack();
      void start(storage, broker, 'e3').outbox.submit(beacons(3));
      await broker.ack();
      expect(broker.stream).toMatchObject([
        { edge: { epoch: 'e2', spooled: 2, dropped: { expired: 2 } } },
        { edge: { epoch: 'e3', spooled: 0, dropped: { expired: 0 } } },
      ]);
    }));
});

describe('after a restart', () => {
  it('tells its counters first, then drains under the id of the first try', () =>
    withParts('f13', async (storage, broker) => {
      void start(storage, broker, 'e1').outbox.submit(beacons(1, 2));
      await broker.refuse();
      const { outbox } = start(storage, broker, 'e2');
      void outbox.pump();
      await broker.ack();
      await broker.ack();
      expect(broker.stream).toMatchObject([
        { id: 'e2.0', beacons: [], edge: { epoch: 'e2', accepted: 0, spooled: 2, spool: 2 } },
        { id: 'e1.0', beacons: [1, 2], edge: { epoch: 'e2', batch: 1, accepted: 2, drained: 2, spool: 0 } },
      ]);
    }));

  it('does not count again what an earlier start got into the stream', () =>
    withParts('f14', async (storage, broker) => {
      void start(storage, broker, 'e1').outbox.submit(beacons(1, 2));
      await broker.lose();
      const { outbox } = start(storage, broker, 'e2');
      void outbox.pump();
      await broker.ack();
      await broker.ack();
      void outbox.submit(beacons(3));
      await broker.ack();
      expect(broker.stream.flatMap((envelope) => envelope.beacons)).toEqual([1, 2, 3]);
      expect(broker.stream.at(-1)?.edge).toMatchObject({ epoch: 'e2', accepted: 1, spool: 0 });
    }));
});

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('submit' as const), count: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ack' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('refuse', 'ignore', 'lose', 'pump', 'report', 'down', 'up') }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('lose' as const, 'restart' as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

it(
  'loses nothing, keeps the order, and counts every stored beacon once, whatever the broker does',
  () =>
    withParts('f15', async (storage) => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 10, maxLength: 60 }), async (actions) => {
          storage.sql.exec('DELETE FROM spool');
          storage.sql.exec('DELETE FROM untold');
          await runActions(storage, actions);
        }),
        { numRuns: 100 },
      );
    }),
  30_000,
);

async function runActions(storage: DurableObjectStorage, actions: readonly Action[]): Promise<void> {
  const broker = createBroker();
  const safe: number[] = [];
  let epoch = 0;
  let serial = 0;
  let current = start(storage, broker, 'e0');

  for (const next of actions) {
    if (next.do === 'submit') {
      const serials = Array.from({ length: next.count }, () => serial++);
      void current.outbox.submit(beacons(...serials)).then(({ ok }) => {
        if (ok) safe.push(...serials);
      });
    } else if (next.do === 'restart') {
      broker.waiting.length = 0;
      epoch += 1;
      current = start(storage, broker, `e${epoch}`);
    } else if (next.do === 'down' || next.do === 'up') broker.connect(next.do === 'up');
    else if (next.do === 'pump' || next.do === 'report') void current.outbox[next.do]();
    else await broker[next.do]();
    await turn();
    expect(broker.waiting.length).toBeLessThanOrEqual(1);
  }
  await heal(broker, current.outbox, current.spool);

  const stored = broker.stream.flatMap((envelope) => envelope.beacons);
  expect(stored).toEqual(stored.toSorted((a, b) => a - b));
  expect(new Set(stored).size).toBe(stored.length);
  const inStream = new Set(stored);
  expect(safe.filter((one) => !inStream.has(one))).toEqual([]);
  checkCounters(broker.stream);
  if (!actions.some((next) => next.do === 'lose' || next.do === 'ignore')) checkEpochsBegin(broker.stream);
}

async function heal(broker: Broker, outbox: Outbox, spool: Spool): Promise<void> {
  broker.connect(true);
  do {
    void outbox.pump();
    await turn();
    while (broker.waiting.length > 0) await broker.ack();
  } while (spool.counts().beacons > 0);
  void outbox.report();
  await broker.ack();
}

function checkCounters(stream: readonly Envelope[]): void {
  const last = new Map<string, EdgeCounters>();
  for (const { edge } of stream) {
    const before = last.get(edge.epoch);
    expect(edge.batch).toBeGreaterThan(before?.batch ?? -1);
    for (const counter of ['accepted', 'spooled', 'drained', 'publish_errors'] as const) {
      expect(edge[counter]).toBeGreaterThanOrEqual(before?.[counter] ?? 0);
    }
    last.set(edge.epoch, edge);
  }
  const accepted = [...last.values()].reduce((sum, edge) => sum + edge.accepted, 0);
  expect(accepted).toBe(stream.reduce((sum, envelope) => sum + envelope.beacons.length, 0));
  expect(stream.at(-1)?.edge.spool ?? 0).toBe(0);
}

/** Where every failure was a refusal, each epoch is seen from its start. */
function checkEpochsBegin(stream: readonly Envelope[]): void {
  const begun = new Set<string>();
  for (const { edge } of stream) {
    if (!begun.has(edge.epoch)) expect(edge.batch).toBe(0);
    begun.add(edge.epoch);
  }
}
