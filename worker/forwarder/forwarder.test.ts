/** The Durable Object in workerd with a real nats-server: publish, spool, alarm, reset. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Batch, decodeBatch } from '../../shared/batch.ts';
import { decodeForwarderCounters, type ForwarderCounters } from '../../shared/forwarder-counters.ts';
import { laneName, parseEdgeSubject, parseForwarderSubject, STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { parseConfig } from '../config.ts';
import worker from '../index.ts';
import { callOf, canarySignature } from '../testing.ts';
import { accessOf } from './forwarder.ts';

let nats: NatsConnection;
let streams: JetStreamManager['streams'];

const SAFE = { rejected: [] };

beforeAll(async () => {
  nats = await connect({ servers: String(env.NATS_URL) });
  ({ streams } = await nats.jetstreamManager());
});

afterAll(() => nats.close());

beforeEach(async () => {
  await removeStream();
  await addStream();
});

const addStream = () => streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });

async function removeStream(): Promise<void> {
  const names = await streams.names().next();
  if (names.includes(STREAM)) await streams.delete(STREAM);
}

type Stored = { readonly batches: (Batch & { lane: string; id: string })[]; readonly counters: ForwarderCounters[] };

/** Every message of a region in the stream, oldest first. */
async function readStream(region = 'apac'): Promise<Stored> {
  const { state } = await streams.info(STREAM);
  const stored: Stored = { batches: [], counters: [] };
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const { data, subject, header } = await streams.getMessage(STREAM, { seq });
    const edge = parseEdgeSubject(subject);
    if (edge?.region === region) {
      const batch = decodeBatch(data);
      if (!batch.ok) throw new Error(`not a batch: ${batch.detail}`);
      stored.batches.push({ ...batch.value, lane: edge.lane, id: header.get('Nats-Msg-Id') });
    }
    if (parseForwarderSubject(subject)?.region === region) {
      const counters = decodeForwarderCounters(data);
      if (!counters.ok) throw new Error(`not counters: ${counters.detail}`);
      stored.counters.push(counters.value);
    }
  }
  return stored;
}

const seqsOf = ({ batches }: Stored): number[] =>
  batches.flatMap(({ entries }) => entries.map(({ beacon }) => beacon.seq));

const spooledIn = (stub: DurableObjectStub): Promise<number> =>
  runInDurableObject(stub, (_, { storage }) =>
    Number(
      storage.sql.exec('SELECT COALESCE(SUM(json_array_length(lengths)), 0) AS beacons FROM spooled').one().beacons,
    ),
  );

it('answers once NATS has every lane of the call, each on its subject', async () => {
  const stub = env.FORWARDER.getByName('apac:1');
  expect(await stub.forward(callOf([{ lane: 1 }, { lane: 2, seq: 1 }, { lane: 1, seq: 2 }]))).toEqual(SAFE);
  const stored = await readStream();
  expect(stored.batches.map(({ lane, slot, accepted, entries }) => [lane, slot, accepted, entries.length])).toEqual(
    expect.arrayContaining([
      ['f01', 1, 2, 2],
      ['f02', 1, 1, 1],
    ]),
  );
});

it('keeps the order of concurrent calls', async () => {
  const stub = env.FORWARDER.getByName('apac:2');
  const seqs = Array.from({ length: 200 }, (_, seq) => seq);
  const answers = await Promise.all(seqs.map((seq) => stub.forward(callOf([{ seq }]))));
  expect(answers.every(({ rejected }) => rejected.length === 0)).toBe(true);
  const stored = await readStream();
  expect(seqsOf(stored)).toEqual(seqs);
  expect(stored.batches.length).toBeLessThan(20);
  expect(stored.batches.at(-1)?.accepted).toBe(200);
  expect(new Set(stored.batches.map(({ id }) => id)).size).toBe(stored.batches.length);
});

it('answers 10,000 beacons of a hundred calls at once', async () => {
  const stub = env.FORWARDER.getByName('apac:3');
  const calls = Array.from({ length: 100 }, (_, call) =>
    callOf(
      Array.from({ length: 100 }, (_, i) => ({ lane: i % 4, session: `s-${call}`, seq: i })),
      { isolate: `isolate-${call}` },
    ),
  );
  const answers = await Promise.all(calls.map((call) => stub.forward(call)));
  expect(answers.every(({ rejected }) => rejected.length === 0)).toBe(true);
  expect(seqsOf(await readStream()).length).toBe(10_000);
});

it('publishes its counters when they have changed, once a second at most, counts of each isolate once', async () => {
  const stub = env.FORWARDER.getByName('apac:4');
  const counts = { number: 1, rejected: { rate_limited: 4, token_expired: 1 }, jwksErrors: 2, overloadedCalls: 3 };
  const call = callOf([], { counts, topology: 'abc' });
  // The second is the first again, after a call that failed on its way back.
  for (const repeat of [call, call]) expect(await stub.forward(repeat)).toEqual(SAFE);
  // Other tests' objects still live, and publish theirs.
  const ownCounters = async () => (await readStream()).counters.filter(({ slot }) => slot === 4);
  await vi.waitFor(
    async () =>
      expect((await ownCounters()).at(-1)).toMatchObject({
        slot: 4,
        topology: 'abc',
        rejected: { rate_limited: 4, token_expired: 1 },
        jwksErrors: 2,
        overloadedCalls: 3,
      }),
    { timeout: 5_000 },
  );
  const counters = await ownCounters();
  expect(counters.length).toBeLessThanOrEqual(2);
  expect(counters.map(({ isFirst }) => isFirst)).toEqual([true, ...counters.slice(1).map(() => false)]);
});

describe('without a stream', () => {
  it('spools, answers, and drains in order by alarm once there is one', async () => {
    const stub = env.FORWARDER.getByName('apac:5');
    await removeStream();
    for (const seq of [1, 2, 3]) expect(await stub.forward(callOf([{ seq }]))).toEqual(SAFE);
    expect(await spooledIn(stub)).toBe(3);
    await addStream();
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(stub);
        expect(seqsOf(await readStream())).toEqual([1, 2, 3]);
      },
      { timeout: 5_000 },
    );
    expect(await spooledIn(stub)).toBe(0);
    await vi.waitFor(
      async () =>
        expect((await readStream()).counters.at(-1)).toMatchObject({
          accepted: 3,
          spooled: 3,
          drained: 3,
          inSpool: 0,
        }),
      { timeout: 5_000 },
    );
  });

  it('keeps retrying without a call', async () => {
    const stub = env.FORWARDER.getByName('apac:6');
    await removeStream();
    await stub.forward(callOf([{ seq: 1 }]));
    await addStream();
    await vi.waitFor(async () => expect(seqsOf(await readStream())).toEqual([1]), { timeout: 5_000 });
  });

  it('keeps the spool and unreported counts when the object is reset', async () => {
    const forwarder = () => env.FORWARDER.getByName('apac:7');
    await removeStream();
    await forwarder().forward(callOf([{ seq: 1 }]));
    await abortAllDurableObjects();
    expect(await spooledIn(forwarder())).toBe(1);
    await addStream();
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(forwarder());
        expect(seqsOf(await readStream())).toEqual([1]);
      },
      { timeout: 5_000 },
    );
    await vi.waitFor(
      async () => {
        expect((await readStream()).counters.at(-1)).toMatchObject({ spooled: 1, drained: 1, inSpool: 0 });
      },
      { timeout: 5_000 },
    );
  });
});

describe('its NATS cluster', () => {
  const config = parseConfig({ ...env });
  const without = { ...config, regions: config.regions.filter(({ name }) => name !== 'sa') };
  const place = { region: 'sa', slot: 9 };
  const inStorage = <T>(work: (storage: DurableObjectStorage) => T) =>
    runInDurableObject(env.FORWARDER.getByName('sa:9'), (_, { storage }) => work(storage));

  it("is the region's own when it lists any, and the common one otherwise", () =>
    inStorage((storage) => {
      expect(accessOf(place, config, storage).servers).toEqual([env.NATS_URL]);
      const own = config.regions.map((region) => ({ ...region, nats: ['nats://a:4222', 'nats://b:4222'] }));
      expect(accessOf(place, { ...config, regions: own }, storage).servers).toEqual(['nats://a:4222', 'nats://b:4222']);
    }));

  it('is the last one known when the region was removed from REGIONS, and no password is kept', () =>
    inStorage((storage) => {
      const own = config.regions.map((region) => ({ ...region, nats: ['nats://user:secret@a:4222'] }));
      expect(accessOf(place, { ...config, regions: own }, storage)).toEqual({
        servers: ['nats://a:4222'],
        credentials: { kind: 'user', user: 'user', password: 'secret' },
      });
      expect(accessOf(place, without, storage).servers).toEqual(['nats://a:4222']);
      expect(JSON.stringify(storage.sql.exec('SELECT * FROM servers').toArray())).not.toContain('secret');
      const creds = { NATS_CREDS_SA: 'text' };
      expect(accessOf(place, { ...without, natsCreds: creds }, storage).credentials).toEqual({
        kind: 'creds',
        text: 'text\n',
      });
    }));

  it('is empty for a region that was never configured, and the object still starts', async () => {
    const stub = env.FORWARDER.getByName('nowhere:0');
    expect(await stub.forward(callOf([{ seq: 1 }]))).toEqual(SAFE);
    expect(await spooledIn(stub)).toBe(1);
  });
});

it('drains its spool for a region that was removed from REGIONS', async () => {
  const stub = () => env.FORWARDER.getByName('gone:0');
  await runInDurableObject(stub(), (_, { storage }) => {
    storage.sql.exec('INSERT INTO servers (place, url) VALUES (0, ?)', String(env.NATS_URL));
  });
  await stub().forward(callOf([{ seq: 7 }]));
  await abortAllDurableObjects();
  await vi.waitFor(
    async () => {
      await runDurableObjectAlarm(stub());
      expect(seqsOf(await readStream('gone'))).toEqual([7]);
    },
    { timeout: 8_000 },
  );
  expect(await spooledIn(stub())).toBe(0);
});

describe('canaries', () => {
  const CANARY = { sentAtMs: 1_800_000_000_000, signatures: ['a', 'b', ''], topology: 'topology-1' };

  it('leave the account of their lane as it was, and are never spooled', async () => {
    const stub = env.FORWARDER.getByName('oc:8');
    await stub.forward(callOf([{ seq: 0 }]));
    await stub.canary({ ...CANARY, signatures: [''] });
    await stub.forward(callOf([{ seq: 1 }]));
    const { batches } = await readStream('oc');
    expect(batches.map(({ accepted, entries }) => [accepted, entries.length])).toEqual([
      [1, 1],
      [0, 0],
      [2, 1],
    ]);
    expect(new Set([batches[0]?.epoch, batches[2]?.epoch]).size).toBe(1);
    await removeStream();
    expect(await stub.canary({ ...CANARY, signatures: ['', ''] })).toEqual({ missing: ['f00', 'f01'] });
    expect(await spooledIn(stub)).toBe(0);
  });

  it('are sent by a Cron Trigger in every region, signed', async () => {
    const beganAtMs = Date.now();
    await worker.scheduled();
    const { regions, lanes } = parseConfig({ ...env });
    for (const { name: region } of regions) {
      const canaries = (await readStream(region)).batches.flatMap(({ lane, canary }) =>
        canary ? { lane, ...canary } : [],
      );
      expect(canaries.map(({ lane }) => lane).toSorted()).toEqual(Array.from({ length: lanes }, (_, i) => laneName(i)));
      for (const { lane, sentAtMs, signature } of canaries) {
        expect(sentAtMs).toBeGreaterThanOrEqual(beganAtMs);
        expect(signature).toBe(canarySignature({ region, lane, sentAtMs }));
      }
    }
  });
});
