/**
 * Reads a batch of edgepulse.proto straight into flat reports: the only allocations are the ids. NATS is a
 * trust boundary, so everything is checked as strictly as a beacon at the edge, with the limits of
 * shared/beacon.ts: wire types, lengths, ids, ranges, how many, what must be there, what may come once.
 *
 * `pbf` reads the values. It trusts its input: past the end it reads garbage or throws. So every message must
 * end exactly where its length says, and a message that makes it throw is damaged.
 */
import { PbfReader } from 'pbf';
import { BATCH_FIELD, ENTRY_FIELD, isForwarderCount } from '../../shared/batch.ts';
import {
  AUDIO_MAX,
  COUNTER_MAX,
  LIMITS,
  NETEQ_MAX,
  OPERATIONS_MAX,
  SERVER_TYPES,
  VIDEO_MAX,
} from '../../shared/beacon.ts';
import {
  AUDIO_FIELDS,
  BEACON_FIELD,
  NETEQ_FIELDS,
  OPERATION_FIELDS,
  OPERATIONS_FIELD,
  PEER_FIELD,
  SERVER_FIELD,
  VIDEO_FIELDS,
} from '../../shared/beacon-codec.ts';
import { isSlot } from '../../shared/subjects.ts';
import { PEER_COLUMN, type Report, type Reports } from '../store/report.ts';
import { createIdReader } from './id-reader.ts';
import { createNumberTable, DOUBLE, fieldSet, type NumberTable, OTHER, SIGNED } from './number-table.ts';

/** What a batch says beside its beacons, which are in the reports. */
export type BatchSummary = {
  /** The Forwarder that published it; undefined when the header is damaged. */
  readonly source: BatchSource | undefined;
  /** Beacons that were left out because they are damaged; at least 1 for what is no batch at all. */
  readonly invalid: number;
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

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const AUDIO = createNumberTable(AUDIO_FIELDS, AUDIO_MAX, PEER_COLUMN.audio);
const NETEQ = createNumberTable(NETEQ_FIELDS, NETEQ_MAX, PEER_COLUMN.neteq, [OPERATIONS_FIELD]);
const OPERATIONS = createNumberTable(OPERATION_FIELDS, OPERATIONS_MAX, PEER_COLUMN.operations);
const VIDEO = createNumberTable(VIDEO_FIELDS, VIDEO_MAX, PEER_COLUMN.video);

const OPERATIONS_SEEN = 1 << OPERATIONS_FIELD;

const RTT_MICROS_MAX = LIMITS.rttSeconds * 1e6;

const TAG = {
  slot: BATCH_FIELD.slot * 8 + VARINT,
  epoch: BATCH_FIELD.epoch * 8 + BYTES,
  accepted: BATCH_FIELD.accepted * 8 + VARINT,
  sentAtMs: BATCH_FIELD.sentAtMs * 8 + VARINT,
  entry: BATCH_FIELD.entries * 8 + BYTES,
  receivedAtMs: ENTRY_FIELD.receivedAtMs * 8 + VARINT,
  colo: ENTRY_FIELD.colo * 8 + BYTES,
  beacon: ENTRY_FIELD.beacon * 8 + BYTES,
  meetingId: BEACON_FIELD.meetingId * 8 + BYTES,
  sessionId: BEACON_FIELD.sessionId * 8 + BYTES,
  participantId: BEACON_FIELD.participantId * 8 + BYTES,
  seq: BEACON_FIELD.seq * 8 + VARINT,
  dropped: BEACON_FIELD.dropped * 8 + VARINT,
  leaving: BEACON_FIELD.leaving * 8 + VARINT,
  server: BEACON_FIELD.server * 8 + BYTES,
  rtt: BEACON_FIELD.rtt * 8 + BYTES,
  peers: BEACON_FIELD.peers * 8 + BYTES,
  started: BEACON_FIELD.started * 8 + VARINT,
  url: SERVER_FIELD.url * 8 + BYTES,
  serverType: SERVER_FIELD.type * 8 + VARINT,
  peerId: PEER_FIELD.peerId * 8 + BYTES,
  audio: PEER_FIELD.audio * 8 + BYTES,
  neteq: PEER_FIELD.neteq * 8 + BYTES,
  video: PEER_FIELD.video * 8 + BYTES,
  operations: OPERATIONS_FIELD * 8 + BYTES,
} as const;

/** The fields of each message: one of them with another wire type is damaged, any other is skipped. */
const KNOWN = {
  batch: fieldSet(Object.values(BATCH_FIELD)),
  entry: fieldSet(Object.values(ENTRY_FIELD)),
  beacon: fieldSet(Object.values(BEACON_FIELD)),
  server: fieldSet(Object.values(SERVER_FIELD)),
  peer: fieldSet(Object.values(PEER_FIELD)),
};

function isKnown(tag: number, known: number): boolean {
  return tag < 256 && ((known >>> (tag >>> 3)) & 1) === 1;
}

export function createBatchReader(): BatchReader {
  const ids = createIdReader();
  let reader = new PbfReader(new Uint8Array(0));
  let reports: Reports;

  /** Passes over a field that this version does not know. @returns false when damaged */
  function skip(tag: number, known: number, end: number): boolean {
    if (isKnown(tag, known)) return false;
    const wireType = tag % 8;
    if (wireType === VARINT) reader.readVarint();
    else if (wireType === BYTES) reader.pos = reader.readVarint() + reader.pos;
    else if (wireType === FIXED64) reader.pos += 8;
    else if (wireType === FIXED32) reader.pos += 4;
    else return false;
    return reader.pos <= end;
  }

  /** Where the message that begins here, with its length, ends; 0 when that is past `end`. */
  function endOfMessage(end: number): number {
    const length = reader.readVarint();
    const messageEnd = reader.pos + length;
    return messageEnd <= end ? messageEnd : 0;
  }

  /** A length-prefixed id; empty when it is invalid. */
  function readId(end: number): string {
    const length = reader.readVarint();
    const from = reader.pos;
    if (length === 0 || length > LIMITS.idLength || from + length > end) return '';
    reader.pos = from + length;
    return ids.id(from, from + length);
  }

  /** A whole number up to what can be counted; NaN for more. */
  function readCount(): number {
    const value = reader.readVarint();
    return value <= COUNTER_MAX ? value : Number.NaN;
  }

  function readNumbers(table: NumberTable, at: number, end: number): boolean {
    const { numbers } = reports;
    let seen = 0;
    while (reader.pos < end) {
      const tag = reader.readVarint();
      const type = tag < table.types.length ? (table.types[tag] as number) : OTHER;
      if (type === OTHER) {
        if (tag === TAG.operations && table === NETEQ) {
          if ((seen & OPERATIONS_SEEN) !== 0) return false;
          seen |= OPERATIONS_SEEN;
          const operationsEnd = endOfMessage(end);
          if (operationsEnd === 0 || !readNumbers(OPERATIONS, at, operationsEnd)) return false;
        } else if (!skip(tag, table.known, end)) return false;
        continue;
      }
      const field = 1 << (tag >>> 3);
      if ((seen & field) !== 0) return false;
      seen |= field;
      let value: number;
      if (type === DOUBLE) {
        if (reader.pos + 8 > end) return false;
        value = reader.readDouble();
      } else value = type === SIGNED ? reader.readSVarint() : reader.readVarint();
      // The comparison is written so that NaN fails it too.
      if (!(value >= (table.min[tag] as number) && value <= (table.max[tag] as number))) return false;
      numbers[at + (table.columns[tag] as number)] = value / (table.divisors[tag] as number);
    }
    return reader.pos === end;
  }

  /** A peer whose id comes first, as in every encoding by field number. */
  function readPeer(report: Report, end: number): boolean {
    if (reader.readVarint() !== TAG.peerId) return false;
    const id = readId(end);
    if (id === '') return false;
    for (let i = report.peersFrom; i < report.peersTo; i++) if (reports.peerIds[i] === id) return false;
    if (report.peersTo - report.peersFrom === LIMITS.peers) return false;
    const at = reports.addPeer(id);
    let seen = 0;
    while (reader.pos < end) {
      const tag = reader.readVarint();
      const table = tag === TAG.audio ? AUDIO : tag === TAG.neteq ? NETEQ : tag === TAG.video ? VIDEO : undefined;
      if (!table) {
        if (!skip(tag, KNOWN.peer, end)) return false;
        continue;
      }
      const field = 1 << (tag >>> 3);
      if ((seen & field) !== 0) return false;
      seen |= field;
      const statsEnd = endOfMessage(end);
      if (statsEnd === 0 || !readNumbers(table, at, statsEnd)) return false;
    }
    return reader.pos === end;
  }

  function readServer(report: Report, end: number): boolean {
    let hasUrl = false;
    while (reader.pos < end) {
      const tag = reader.readVarint();
      if (tag === TAG.url && !hasUrl) {
        const from = reader.pos;
        const urlEnd = endOfMessage(end);
        if (urlEnd === 0 || urlEnd - from > LIMITS.serverUrlLength) return false;
        report.serverUrl = ids.text(reader.pos, urlEnd);
        if (report.serverUrl === '' && urlEnd > reader.pos) return false;
        reader.pos = urlEnd;
        hasUrl = true;
      } else if (tag === TAG.serverType && report.serverType === '') {
        report.serverType = SERVER_TYPES[reader.readVarint() - 1] ?? '';
        if (report.serverType === '') return false;
      } else if (!skip(tag, KNOWN.server, end)) return false;
    }
    return hasUrl && report.serverType !== '' && reader.pos === end;
  }

  function readRtt(report: Report, end: number): boolean {
    while (reader.pos < end) {
      const micros = reader.readVarint();
      if (micros > RTT_MICROS_MAX || report.rttTo - report.rttFrom === LIMITS.rttSamples) return false;
      reports.addRtt(micros / 1e6);
    }
    return reader.pos === end;
  }

  function readBeacon(report: Report, end: number): boolean {
    report.meetingId = '';
    report.sessionId = '';
    report.participantId = '';
    report.seq = Number.NaN;
    let seen = 0;
    while (reader.pos < end) {
      const tag = reader.readVarint();
      const field = 1 << (tag >>> 3);
      if (tag === TAG.peers) {
        const peerEnd = endOfMessage(end);
        if (peerEnd === 0 || !readPeer(report, peerEnd)) return false;
        continue;
      }
      if (isKnown(tag, KNOWN.beacon)) {
        if ((seen & field) !== 0) return false;
        seen |= field;
      }
      if (!readBeaconField(tag, report, end)) return false;
    }
    if (report.participantId === '') report.participantId = report.sessionId;
    return report.meetingId !== '' && report.sessionId !== '' && report.seq >= 0 && reader.pos === end;
  }

  function readBeaconField(tag: number, report: Report, end: number): boolean {
    switch (tag) {
      case TAG.meetingId:
        report.meetingId = readId(end);
        return report.meetingId !== '';
      case TAG.sessionId:
        report.sessionId = readId(end);
        return report.sessionId !== '';
      case TAG.participantId:
        report.participantId = readId(end);
        return report.participantId !== '';
      case TAG.seq:
        report.seq = readCount();
        return report.seq >= 0;
      case TAG.dropped:
        report.dropped = readCount();
        return report.dropped >= 0;
      case TAG.started:
        report.started = readCount();
        return report.started >= 0;
      case TAG.leaving:
        report.leaving = reader.readVarint() !== 0;
        return true;
      case TAG.server:
      case TAG.rtt: {
        const valueEnd = endOfMessage(end);
        if (valueEnd === 0) return false;
        return tag === TAG.server ? readServer(report, valueEnd) : readRtt(report, valueEnd);
      }
      default:
        return skip(tag, KNOWN.beacon, end);
    }
  }

  function readEntry(end: number): boolean {
    const report = reports.next();
    let seen = 0;
    while (reader.pos < end) {
      const tag = reader.readVarint();
      if (isKnown(tag, KNOWN.entry)) {
        const field = 1 << (tag >>> 3);
        if ((seen & field) !== 0) return false;
        seen |= field;
      }
      if (tag === TAG.receivedAtMs) {
        report.receivedAtMs = readCount();
        if (Number.isNaN(report.receivedAtMs)) return false;
      } else if (tag === TAG.colo) {
        // Only shown by `npm run tail`; may be empty.
        if (reader.buf[reader.pos] === 0) reader.pos++;
        else if (readId(end) === '') return false;
      } else if (tag === TAG.beacon) {
        const beaconEnd = endOfMessage(end);
        if (beaconEnd === 0 || !readBeacon(report, beaconEnd)) return false;
      } else if (!skip(tag, KNOWN.entry, end)) return false;
    }
    return (seen & ENTRY_COMPLETE) === ENTRY_COMPLETE && reader.pos === end;
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
    reader.pos = end;
    return isValid;
  }

  /** Reads to the end, or to where the frame is damaged. */
  function readFrame(header: Header, end: number): boolean {
    let seen = 0;
    while (reader.pos < end) {
      const tag = reader.readVarint();
      if (tag !== TAG.entry && isKnown(tag, KNOWN.batch)) {
        const field = 1 << (tag >>> 3);
        if ((seen & field) !== 0) return false;
        seen |= field;
      }
      if (tag === TAG.entry) {
        const entryEnd = endOfMessage(end);
        if (entryEnd === 0) return false;
        if (!tryEntry(entryEnd)) header.invalid++;
      } else if (tag === TAG.epoch) header.epoch = readId(end);
      else if (tag === TAG.slot) header.slot = readCount();
      else if (tag === TAG.accepted) header.accepted = readCount();
      else if (tag === TAG.sentAtMs) header.sentAtMs = readCount();
      else if (!skip(tag, KNOWN.batch, end)) return false;
    }
    return reader.pos === end;
  }

  return (data, into) => {
    reader = new PbfReader(data);
    ids.use(data);
    reports = into;
    reports.clear();
    const header: Header = { slot: 0, epoch: '', accepted: 0, sentAtMs: 0, invalid: 0 };
    let isWhole = false;
    try {
      isWhole = readFrame(header, data.length);
    } catch {
      // As in an entry.
    }
    const { slot, epoch, accepted, sentAtMs, invalid } = header;
    if (epoch === '' || !isSlot(slot) || !isForwarderCount(accepted) || Number.isNaN(sentAtMs)) {
      // Without a header a repeat can't be recognised, so nothing of it counts.
      const lost = Math.max(1, reports.count + invalid);
      reports.clear();
      return { source: undefined, invalid: lost };
    }
    return { source: { slot, epoch, accepted, sentAtMs }, invalid: isWhole ? invalid : invalid + 1 };
  };
}

type Header = { slot: number; epoch: string; accepted: number; sentAtMs: number; invalid: number };

/** Bits of the fields that every entry has. */
const ENTRY_COMPLETE = (1 << ENTRY_FIELD.receivedAtMs) | (1 << ENTRY_FIELD.beacon);
