/**
 * `npm run record-wire`: records what this version puts on NATS, into test/fixtures/wire/{version}/, for
 * shared/compatibility.test.ts. Run it once for each release, before its version number changes: a recording is never
 * written again.
 */
import { access, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import packageJson from '../../../package.json' with { type: 'json' };
import { decodeBatch, type Entry, encodeEntry, joinBatch } from '../../../shared/batch.ts';
import { decodeForwarderCounters, encodeForwarderCounters } from '../../../shared/forwarder-counters.ts';
import { REJECT_REASONS } from '../../../shared/reject.ts';
import { arbitraryBeacon } from './arbitrary-beacon.ts';
import { forwarderCounters, fullPeer, fullSelfReport, validBeacon } from './beacon.ts';
import type { Recording } from './recorded-wire.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const HEADER = { slot: 3, epoch: 'epoch-1', accepted: 7_000_000_000, sentAtMs: 1_800_000_000_250 };
const SEED = 20_261_124;

const entries: Entry[] = [
  validBeacon(),
  validBeacon({ seq: 7, started: 1_799_999_000_000, dropped: 2, peers: [fullPeer('s-2', 3)], ...fullSelfReport(3) }),
  validBeacon({ seq: 8, leaving: true, peers: [] }),
  ...fc.sample(arbitraryBeacon, { seed: SEED, numRuns: 12 }),
].map((beacon, i) => ({ receivedAtMs: 1_800_000_000_000 + i, colo: i % 2 === 0 ? 'SIN' : '', beacon }));

const counters = [
  forwarderCounters(),
  forwarderCounters({
    slot: 3,
    accepted: 9_000_000,
    rejected: Object.fromEntries(REJECT_REASONS.map((reason, i) => [reason, i + 1])),
    spooled: 11,
    drained: 7,
    droppedExpired: 1,
    droppedFull: 2,
    droppedUnpublishable: 3,
    inSpool: 4,
    publishErrors: 5,
    jwksErrors: 6,
    overloadedCalls: 8,
    publishSeconds: { buckets: Array.from({ length: 12 }, (_, i) => i), sum: 12.5 },
    isFirst: true,
  }),
];

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** What a reader of this version makes of them is recorded too: a later reader must make the same. */
function recording(): Recording {
  const batches = [joinBatch(HEADER, entries.map(encodeEntry)), joinBatch({ ...HEADER, slot: 0, accepted: 0 }, [])];
  return {
    batches: batches.map((bytes) => ({ base64: base64(bytes), decoded: readBack(decodeBatch(bytes)) })),
    counters: counters.map(encodeForwarderCounters).map((bytes) => ({
      base64: base64(bytes),
      decoded: readBack(decodeForwarderCounters(bytes)),
    })),
  };
}

function readBack<T>(result: { ok: true; value: T } | { ok: false }): T {
  if (!result.ok) throw new Error('this version does not read what it writes');
  return result.value;
}

const folder = join(ROOT, 'test', 'fixtures', 'wire', packageJson.version);
const isRecorded = await access(folder).then(
  () => true,
  () => false,
);
if (isRecorded) throw new Error(`${folder} exists: what a released version wrote never changes`);
await mkdir(folder, { recursive: true });
await copyFile(join(ROOT, 'shared', 'edgepulse.proto'), join(folder, 'edgepulse.proto'));
await writeFile(join(folder, 'messages.json'), `${JSON.stringify(recording())}\n`);
