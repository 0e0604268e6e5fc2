/**
 * Reads a batch of edgepulse.proto straight into flat reports: the only allocations are the ids. NATS is a
 * trust boundary, so everything is checked as strictly as a beacon at the edge, with the limits of
 * shared/beacon.ts: wire types, lengths, ids, ranges, how many, what must be there, what may come once.
 */
import { BATCH_FIELD, ENTRY_FIELD, isForwarderCount } from '../../../shared/batch.ts';
import { CANARY_FIELD, type Canary } from '../../../shared/canary.ts';
import { isSlot } from '../../../shared/subjects.ts';
import type { Reports } from '../../store/report/report.ts';
import { BYTES, createWireReader, fieldSet, isKnown, VARINT } from '../wire-reader.ts';
import { createBeaconReader } from './beacon-reader.ts';

/** What a batch says beside its beacons, which are in the reports. */
export type BatchSummary = {
  /** The Forwarder that published it; undefined when the header is damaged. */
  readonly source: BatchSource | undefined;
  /** Beacons that were left out because they are damaged; at least 1 for what is no batch at all. */
  readonly invalid: number;
  readonly canary?: Canary;
};

export type BatchSource = {
  readonly slot: number;
  readonly epoch: string;
  readonly accepted: number;
  /** The edge's clock, ms since the epoch. */
  readonly sentAtMs: number;
};

/** Clears the reports and fills them. Never throws for what a message contains. */
export type BatchReader = (data: Uint8Array, reports: Reports) => BatchSummary;

const KNOWN = fieldSet(Object.values(BATCH_FIELD));
const KNOWN_OF_ENTRY = fieldSet(Object.values(ENTRY_FIELD));
const KNOWN_OF_CANARY = fieldSet(Object.values(CANARY_FIELD));
const TAG = {
  slot: BATCH_FIELD.slot * 8 + VARINT,
  epoch: BATCH_FIELD.epoch * 8 + BYTES,
  accepted: BATCH_FIELD.accepted * 8 + VARINT,
  sentAtMs: BATCH_FIELD.sentAtMs * 8 + VARINT,
  entry: BATCH_FIELD.entries * 8 + BYTES,
  canary: BATCH_FIELD.canary * 8 + BYTES,
  canarySentAtMs: CANARY_FIELD.sentAtMs * 8 + VARINT,
  canarySignature: CANARY_FIELD.signature * 8 + BYTES,
  receivedAtMs: ENTRY_FIELD.receivedAtMs * 8 + VARINT,
  colo: ENTRY_FIELD.colo * 8 + BYTES,
  beacon: ENTRY_FIELD.beacon * 8 + BYTES,
} as const;

/** Bits of the fields that every entry has. */
const ENTRY_COMPLETE = (1 << ENTRY_FIELD.receivedAtMs) | (1 << ENTRY_FIELD.beacon);

export function createBatchReader(): BatchReader {
  const wire = createWireReader();
  const { values } = wire;
  const readBeacon = createBeaconReader(wire);
  let reports: Reports;

  function readEntry(end: number): boolean {
    const report = reports.next();
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (isKnown(tag, KNOWN_OF_ENTRY)) {
        const field = 1 << (tag >>> 3);
        if ((seen & field) !== 0) return false;
        seen |= field;
      }
      if (tag === TAG.receivedAtMs) {
        report.receivedAtMs = wire.count();
        if (Number.isNaN(report.receivedAtMs)) return false;
      } else if (tag === TAG.colo) {
        // Only shown by `npm run tail`; may be empty.
        if (values.buf[values.pos] === 0) values.pos++;
        else if (!wire.skipId(end)) return false;
      } else if (tag === TAG.beacon) {
        const beaconEnd = wire.endOfMessage(end);
        if (beaconEnd === 0 || !readBeacon(report, reports, beaconEnd)) return false;
      } else if (!wire.skip(tag, KNOWN_OF_ENTRY, end)) return false;
    }
    return (seen & ENTRY_COMPLETE) === ENTRY_COMPLETE && values.pos === end;
  }

  /** The entry's beacon is a report, or counted as damaged. */
  function tryEntry(end: number): boolean {
    const before = reports.count;
    let isValid = false;
    try {
      isValid = readEntry(end);
    } catch {
      // What pbf throws: a varint of more than ten bytes, or the end of the message.
    }
    if (!isValid && reports.count > before) reports.dropNewest();
    values.pos = end;
    return isValid;
  }

  /** @returns undefined when it is damaged */
  function readCanary(end: number): Canary | undefined {
    let sentAtMs = 0;
    let signature = '';
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (isKnown(tag, KNOWN_OF_CANARY)) {
        const field = 1 << (tag >>> 3);
        if ((seen & field) !== 0) return undefined;
        seen |= field;
      }
      if (tag === TAG.canarySentAtMs) sentAtMs = wire.count();
      else if (tag === TAG.canarySignature && values.buf[values.pos] === 0) values.pos++;
      else if (tag === TAG.canarySignature) {
        signature = wire.id(end);
        if (signature === '') return undefined;
      } else if (!wire.skip(tag, KNOWN_OF_CANARY, end)) return undefined;
    }
    return values.pos === end && !Number.isNaN(sentAtMs) ? { sentAtMs, signature } : undefined;
  }

  /** Reads to the end, or to where the frame is damaged. */
  function readFrame(header: Header, end: number): boolean {
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (tag !== TAG.entry && isKnown(tag, KNOWN)) {
        const field = 1 << (tag >>> 3);
        if ((seen & field) !== 0) return false;
        seen |= field;
      }
      if (tag === TAG.entry) {
        const entryEnd = wire.endOfMessage(end);
        if (entryEnd === 0) return false;
        if (!tryEntry(entryEnd)) header.invalid++;
      } else if (tag === TAG.canary) {
        const canaryEnd = wire.endOfMessage(end);
        header.canary = canaryEnd === 0 ? undefined : readCanary(canaryEnd);
        if (!header.canary) return false;
      } else if (tag === TAG.epoch) header.epoch = wire.id(end);
      else if (tag === TAG.slot) header.slot = wire.count();
      else if (tag === TAG.accepted) header.accepted = wire.count();
      else if (tag === TAG.sentAtMs) header.sentAtMs = wire.count();
      else if (!wire.skip(tag, KNOWN, end)) return false;
    }
    return values.pos === end;
  }

  return (data, into) => {
    wire.open(data);
    reports = into;
    reports.clear();
    const header: Header = { slot: 0, epoch: '', accepted: 0, sentAtMs: 0, invalid: 0, canary: undefined };
    let isWhole = false;
    try {
      isWhole = readFrame(header, data.length);
    } catch {
      // As in an entry.
    }
    const { slot, epoch, accepted, sentAtMs, invalid, canary } = header;
    if (epoch === '' || !isSlot(slot) || !isForwarderCount(accepted) || Number.isNaN(sentAtMs)) {
      // Without a header a repeat can't be recognised, so nothing of it counts.
      const lost = Math.max(1, reports.count + invalid);
      reports.clear();
      return { source: undefined, invalid: lost };
    }
    const source = { slot, epoch, accepted, sentAtMs };
    return { source, invalid: isWhole ? invalid : invalid + 1, ...(canary && { canary }) };
  };
}

type Header = {
  slot: number;
  epoch: string;
  accepted: number;
  sentAtMs: number;
  invalid: number;
  canary: Canary | undefined;
};
