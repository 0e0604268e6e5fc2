/**
 * The message on a lane's subject (`Batch` of edgepulse.proto): a header, and entries that an isolate
 * encoded once. Protobuf messages concatenate, so a Forwarder joins bytes and its spool stores them.
 */
import { type PbfReader, PbfWriter } from 'pbf';
import { type Beacon, decodeBeacon, isCount, isId } from './beacon.ts';
import { BEACON_MESSAGE, writeBeacon } from './beacon-codec.ts';
import { CANARY_WIRE, type Canary, writeCanary } from './canary.ts';
import { accept, type Result, reject } from './reject.ts';
import { isSlot } from './subjects.ts';
import { ascii, decodeMessage, list, message, unsigned } from './wire.ts';

/** One beacon as the edge received it. Times are the edge's clock, ms since the Unix epoch. */
export type Entry = { receivedAtMs: number; colo: string; beacon: Beacon };

/** The header of a batch. Lane and region are in its subject. */
export type BatchHeader = {
  /** Number of the Forwarder among those of its region, from 0. */
  slot: number;
  /** Identifies the count that `accepted` belongs to: a random id, new at each start and after each publish whose outcome
   * is unknown. */
  epoch: string;
  /** Beacons that this epoch put into the stream on this lane, including this batch: it rises with every batch. */
  accepted: number;
  sentAtMs: number;
};

/** A decoded batch; `invalid` counts entries that were left out. */
export type Batch = BatchHeader & { entries: Entry[]; invalid: number; canary?: Canary };

/**
 * The most that a Forwarder can have counted, in beacons, calls or seconds: 10,000 a second for three years. Consumers
 * take a message with more for damaged: added once, 2^53 would freeze a counter until the aggregator's next start.
 */
export const FORWARDER_COUNT_MAX = 2 ** 40;

export const BATCH_FIELD = { slot: 1, epoch: 2, accepted: 3, sentAtMs: 4, entries: 5, canary: 6 } as const;
export const ENTRY_FIELD = { receivedAtMs: 1, colo: 2, beacon: 3 } as const;

export function isForwarderCount(value: unknown): value is number {
  return isCount(value) && value <= FORWARDER_COUNT_MAX;
}

/** Reused for every entry: its bytes are copied out. */
const writer = new PbfWriter(new Uint8Array(4_096));

/**
 * An entry as one field of a batch, tag and length included.
 * @param entry its beacon is one that `decodeBeacon` accepted
 */
export function encodeEntry(entry: Entry): Uint8Array {
  writer.pos = 0;
  writer.writeMessage(BATCH_FIELD.entries, writeEntry, entry);
  return writer.buf.slice(0, writer.pos);
}

function writeEntry({ receivedAtMs, colo, beacon }: Entry, out: PbfWriter): void {
  out.writeVarintField(ENTRY_FIELD.receivedAtMs, receivedAtMs);
  if (colo !== '') out.writeStringField(ENTRY_FIELD.colo, colo);
  out.writeMessage(ENTRY_FIELD.beacon, writeBeacon, beacon);
}

/** The fields of a batch that stand before its entries. */
export function encodeBatchHeader({ slot, epoch, accepted, sentAtMs }: BatchHeader): Uint8Array {
  const out = new PbfWriter(new Uint8Array(64));
  if (slot !== 0) out.writeVarintField(BATCH_FIELD.slot, slot);
  out.writeStringField(BATCH_FIELD.epoch, epoch);
  if (accepted !== 0) out.writeVarintField(BATCH_FIELD.accepted, accepted);
  out.writeVarintField(BATCH_FIELD.sentAtMs, sentAtMs);
  return out.finish();
}

/** A batch with nothing but a canary. @param id the canary's own epoch, and its `Nats-Msg-Id`: an id, never used before */
export function encodeCanary(
  { slot, id, sentAtMs }: { readonly slot: number; readonly id: string; readonly sentAtMs: number },
  canary: Canary,
): Uint8Array {
  const out = new PbfWriter(new Uint8Array(128));
  out.writeMessage(BATCH_FIELD.canary, writeCanary, canary);
  return joinBatch({ slot, epoch: id, accepted: 0, sentAtMs }, [out.finish()]);
}

/** Header and entries as one message. */
export function joinBatch(header: BatchHeader, entries: readonly Uint8Array[]): Uint8Array {
  const parts = [encodeBatchHeader(header), ...entries];
  const batch = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    batch.set(part, at);
    at += part.length;
  }
  return batch;
}

/** Entries are split before they are decoded, so that a damaged one does not affect the others. */
const BATCH_MESSAGE = {
  [BATCH_FIELD.slot]: unsigned('slot'),
  [BATCH_FIELD.epoch]: ascii('epoch'),
  [BATCH_FIELD.accepted]: unsigned('accepted'),
  [BATCH_FIELD.sentAtMs]: unsigned('sentAtMs'),
  [BATCH_FIELD.canary]: CANARY_WIRE,
  [BATCH_FIELD.entries]: { ...list('entries', {}), read: (reader: PbfReader) => reader.readBytes() },
};

const ENTRY_MESSAGE = {
  [ENTRY_FIELD.receivedAtMs]: unsigned('receivedAtMs'),
  [ENTRY_FIELD.colo]: ascii('colo'),
  [ENTRY_FIELD.beacon]: message('beacon', BEACON_MESSAGE),
};

/**
 * Decodes a batch into objects, for tools and tests; the aggregator reads batches into its reports.
 * A batch that is damaged as a whole is rejected; a damaged entry is counted and left out.
 */
export function decodeBatch(data: Uint8Array): Result<Batch> {
  const decoded = decodeMessage(data, BATCH_MESSAGE);
  if (!decoded.ok) return decoded;
  const { slot = 0, epoch, accepted = 0, sentAtMs = 0 } = decoded.value;
  if (!isSlot(slot) || !isForwarderCount(accepted) || !isCount(sentAtMs)) return reject('out_of_range', 'the header');
  if (!isId(epoch)) return reject('invalid_id', 'epoch');
  const canary = canaryOf(decoded.value.canary as Partial<Canary> | undefined);
  if (canary === 'damaged') return reject('out_of_range', 'canary');
  const encoded = decoded.value.entries as Uint8Array[];
  const entries = encoded.flatMap((bytes) => decodeEntry(bytes) ?? []);
  const invalid = encoded.length - entries.length;
  return accept({ slot, epoch, accepted, sentAtMs, entries, invalid, ...(canary && { canary }) });
}

function canaryOf(members: Partial<Canary> | undefined): Canary | 'damaged' | undefined {
  if (!members) return undefined;
  const { sentAtMs = 0, signature = '' } = members;
  return isCount(sentAtMs) && (signature === '' || isId(signature)) ? { sentAtMs, signature } : 'damaged';
}

function decodeEntry(data: Uint8Array): Entry | undefined {
  const decoded = decodeMessage(data, ENTRY_MESSAGE);
  if (!decoded.ok) return undefined;
  const { receivedAtMs, colo = '', beacon: members } = decoded.value;
  // The version is the package's: edgepulse.v1.
  const beacon = decodeBeacon({ ...(members ?? {}), v: 1 });
  if (!beacon.ok || !isCount(receivedAtMs) || !(colo === '' || isId(colo))) return undefined;
  return { receivedAtMs, colo, beacon: beacon.value };
}
