/**
 * The beacon's decoder beside the same schema in valibot, and protobuf beside both: what a
 * beacon with three peers costs each of them. `npm run bench -- decoder [runs]`
 */
import * as v from 'valibot';
import { createBatchReader } from '../aggregator/ingest/batch/batch-reader.ts';
import { createReports } from '../aggregator/store/report/report.ts';
import { decodeBatch, type Entry, encodeEntry } from '../shared/batch.ts';
import {
  AUDIO_MAX,
  decodeBeacon,
  LIMITS,
  NETEQ_MAX,
  OPERATIONS_MAX,
  SERVER_TYPES,
  VIDEO_MAX,
} from '../shared/beacon.ts';
import { count, median, printFigures } from './support/figures.ts';
import { batchesOf } from './support/traffic.ts';

const id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,64}$/));
const integer = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

function numbersUpTo(limits: { readonly [name: string]: number }) {
  const field = (max: number) => v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(max)));
  return v.object(Object.fromEntries(Object.entries(limits).map(([name, max]) => [name, field(max)])));
}

const PeerSchema = v.object({
  peer_id: id,
  audio: v.optional(numbersUpTo(AUDIO_MAX)),
  neteq: v.optional(
    v.object({ ...numbersUpTo(NETEQ_MAX).entries, operations_per_second: v.optional(numbersUpTo(OPERATIONS_MAX)) }),
  ),
  video: v.optional(numbersUpTo(VIDEO_MAX)),
});

const BeaconSchema = v.object({
  v: v.literal(1),
  meeting_id: id,
  session_id: id,
  participant_id: v.optional(id),
  seq: integer,
  dropped: v.optional(integer),
  leaving: v.optional(v.literal(true)),
  server: v.optional(
    v.object({ url: v.pipe(v.string(), v.maxLength(LIMITS.serverUrlLength)), type: v.picklist(SERVER_TYPES) }),
  ),
  rtt: v.optional(
    v.pipe(v.array(v.pipe(v.number(), v.minValue(0), v.maxValue(LIMITS.rttSeconds))), v.maxLength(LIMITS.rttSamples)),
  ),
  peers: v.pipe(v.array(PeerSchema), v.maxLength(LIMITS.peers)),
});

export async function run([runs = '5']: string[]): Promise<void> {
  const batches = [...batchesOf({ sessions: 5_000 }, 1, Date.now)];
  const entries = batches.flatMap((batch) => entriesOf(batch));
  const texts = entries.map(({ beacon }) => JSON.stringify(beacon));
  const parsed = texts.map((text) => JSON.parse(text) as unknown);
  const read = createBatchReader();
  const reports = createReports();
  const countReports = (batch: Uint8Array) => {
    read(batch, reports);
    return reports.count;
  };
  const ways: [string, () => number][] = [
    ['valibot, from parsed JSON', () => parsed.filter((beacon) => v.safeParse(BeaconSchema, beacon).success).length],
    ['our decoder, from parsed JSON', () => parsed.filter((beacon) => decodeBeacon(beacon).ok).length],
    ['JSON.parse and our decoder', () => texts.filter((text) => decodeBeacon(JSON.parse(text)).ok).length],
    ['protobuf to objects and our decoder', () => sum(batches, (batch) => entriesOf(batch).length)],
    ['protobuf into flat reports', () => sum(batches, (batch) => countReports(batch))],
    ['encoding to JSON', () => entries.filter((entry) => JSON.stringify(entry).length > 0).length],
    ['encoding to protobuf', () => entries.filter((entry) => encodeEntry(entry).length > 0).length],
  ];
  const perSecond = ways.map(() => [] as number[]);
  for (let i = 0; i <= Number(runs); i++) {
    for (const [w, [name, work]] of ways.entries()) {
      const from = performance.now();
      if (work() !== entries.length) throw new Error(`${name} rejected a beacon`);
      // The first run warms up.
      if (i > 0) perSecond[w]?.push((entries.length * 1000) / (performance.now() - from));
    }
  }
  const medians = perSecond.map(median);
  printFigures(
    'beacons with three peers a second, and times the first',
    ways.map(([what], w) => ({
      what,
      value: `${count(medians[w] ?? 0)}  ${((medians[w] ?? 0) / (medians[0] ?? 1)).toFixed(1)} x`,
    })),
  );
}

function entriesOf(batch: Uint8Array): Entry[] {
  const decoded = decodeBatch(batch);
  return decoded.ok ? decoded.value.entries : [];
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
