/** The Durable Object in workerd with a real nats-server: publish, spool, alarm, reset. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeEnvelope, type Envelope, encodeEntry } from '../../shared/envelope.ts';
import { chooseRegion } from '../../shared/regions.ts';
import { edgeSubject, STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { validBeacon, validEntry } from '../../test/support/edge/beacon.ts';
import { parseConfig } from '../config.ts';
import { placeOf } from './forwarder.ts';

let nats: NatsConnection;
let streams: JetStreamManager['streams'];

const NO_REFUSALS = { refused: {}, jwksErrors: 0 };
const entryOf = (seq: number): string => encodeEntry(validEntry({ seq }));

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

type Stored = Envelope & { id: string };

/** Every message of the stream, oldest first, with its `Nats-Msg-Id`. */
async function readStream(): Promise<Stored[]> {
  const { state } = await streams.info(STREAM);
  const stored: Stored[] = [];
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await streams.getMessage(STREAM, { seq });
    const envelope = decodeEnvelope(message.string());
    if (!envelope.ok) throw new Error(`not an envelope: ${envelope.detail}`);
    stored.push({ ...envelope.value, id: message.header.get('Nats-Msg-Id') });
  }
  return stored;
}

const seqsOf = (stored: readonly Stored[]): number[] =>
  stored.flatMap(({ entries }) => entries.map(({ beacon }) => beacon.seq));

const spooledIn = (stub: DurableObjectStub): Promise<number> =>
  runInDurableObject(stub, (_, { storage }) =>
    Number(storage.sql.exec('SELECT COALESCE(SUM(beacons), 0) AS beacons FROM spool').one().beacons),
  );

it('answers once NATS has the batch, on the subject of its region and lane', async () => {
  const stub = env.FORWARDER.getByName('apac:f01');
  expect(await stub.forward({ entries: [entryOf(1), entryOf(2)], ...NO_REFUSALS })).toEqual({ ok: true });
  const [message] = await readStream();
  expect(message).toMatchObject({ region: 'apac', lane: 'f01', edge: { batch: 0, accepted: 2, spool: 0 } });
  expect(message?.entries).toMatchObject([{ beacon: validBeacon({ seq: 1 }) }, { beacon: validBeacon({ seq: 2 }) }]);
  expect(message?.id).toBe(`${message?.edge?.epoch}.0`);
  const { subject } = await streams.getMessage(STREAM, { last_by_subj: edgeSubject('apac', 'f01') });
  expect(subject).toBe('health.diagnostics.apac.edge.f01');
});

it('keeps the order of concurrent calls', async () => {
  const stub = env.FORWARDER.getByName('apac:f02');
  const seqs = Array.from({ length: 200 }, (_, seq) => seq);
  const answers = await Promise.all(seqs.map((seq) => stub.forward({ entries: [entryOf(seq)], ...NO_REFUSALS })));
  expect(answers.every(({ ok }) => ok)).toBe(true);
  const stored = await readStream();
  expect(seqsOf(stored)).toEqual(seqs);
  expect(stored.length).toBeLessThan(seqs.length);
});

it('reports refusals alone within about a second', async () => {
  const stub = env.FORWARDER.getByName('apac:f03');
  const batch = { entries: [], refused: { rate_limited: 4, token_expired: 1 }, jwksErrors: 2 };
  expect(await stub.forward(batch)).toEqual({ ok: true });
  await vi.waitFor(
    async () =>
      expect(await readStream()).toMatchObject([
        { entries: [], edge: { rejected: { rate_limited: 4, token_expired: 1 }, jwks_errors: 2 } },
      ]),
    { timeout: 3_000 },
  );
});

describe('without a stream', () => {
  it('spools, answers, and drains in order by alarm once there is one', async () => {
    const stub = env.FORWARDER.getByName('apac:f04');
    await removeStream();
    for (const seq of [1, 2, 3]) {
      expect(await stub.forward({ entries: [entryOf(seq)], ...NO_REFUSALS })).toEqual({ ok: true });
    }
    expect(await spooledIn(stub)).toBe(3);
    await addStream();
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(seqsOf(await readStream())).toEqual([1, 2, 3]);
    expect(await spooledIn(stub)).toBe(0);
    expect((await readStream()).at(-1)?.edge).toMatchObject({ accepted: 3, spooled: 3, drained: 3, spool: 0 });
  });

  it('keeps trying by itself', async () => {
    const stub = env.FORWARDER.getByName('apac:f05');
    await removeStream();
    await stub.forward({ entries: [entryOf(1)], ...NO_REFUSALS });
    await addStream();
    await vi.waitFor(async () => expect(seqsOf(await readStream())).toEqual([1]), { timeout: 5_000 });
  });

  it('keeps the spool when the object is reset, and drains it under the id of the first try', async () => {
    const forwarder = () => env.FORWARDER.getByName('apac:f06');
    await forwarder().forward({ entries: [entryOf(0)], ...NO_REFUSALS });
    const [before] = await readStream();
    await removeStream();
    await forwarder().forward({ entries: [entryOf(1)], ...NO_REFUSALS });
    await abortAllDurableObjects();
    expect(await spooledIn(forwarder())).toBe(1);
    await addStream();
    await runDurableObjectAlarm(forwarder());
    await vi.waitFor(async () => expect(seqsOf(await readStream())).toEqual([1]), { timeout: 5_000 });
    const drained = (await readStream()).find(({ entries }) => entries.length > 0);
    expect(drained?.id).toBe(`${before?.edge?.epoch}.1`);
    expect(drained?.edge?.epoch).not.toBe(before?.edge?.epoch);
    expect(drained?.edge).toMatchObject({ accepted: 1, spooled: 1, drained: 1, spool: 0 });
  });
});

describe('its place', () => {
  const config = parseConfig({ ...env });
  const region = { ...chooseRegion(config.regions, {}), name: 'eu-west' };

  it('is the region and lane of its name', () => {
    expect(placeOf('apac:f12', config)).toMatchObject({ region: 'apac', lane: 'f12', servers: [env.NATS_URL] });
  });

  it("has the region's own NATS servers when it lists any", () => {
    const regions = [{ ...region, nats: ['nats://eu-1:4222', 'nats://eu-2:4222'] }];
    expect(placeOf('eu-west:f00', { ...config, regions }).servers).toEqual(['nats://eu-1:4222', 'nats://eu-2:4222']);
  });

  it.each([undefined, '', 'apac', 'apac:x', 'nowhere:f01', 'apac:f01:f02'])('is nowhere for the name %j', (name) => {
    expect(() => placeOf(name, config)).toThrow('no forwarder');
  });
});
