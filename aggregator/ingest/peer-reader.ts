/** Reads a peer of a beacon straight into its row of numbers. */
import { AUDIO_MAX, LIMITS, NETEQ_MAX, OPERATIONS_MAX, VIDEO_MAX } from '../../shared/beacon.ts';
import {
  AUDIO_FIELDS,
  NETEQ_FIELDS,
  OPERATION_FIELDS,
  OPERATIONS_FIELD,
  PEER_FIELD,
  VIDEO_FIELDS,
} from '../../shared/beacon-codec.ts';
import { PEER_COLUMN, type Report, type Reports } from '../store/report.ts';
import { createNumberTable, DOUBLE, type NumberTable, OTHER, SIGNED } from './number-table.ts';
import { BYTES, fieldSet, type WireReader } from './wire-reader.ts';

/** Adds the peer that ends at `end` to the report. @returns false when it is damaged */
export type PeerReader = (report: Report, reports: Reports, end: number) => boolean;

const AUDIO = createNumberTable(AUDIO_FIELDS, AUDIO_MAX, PEER_COLUMN.audio);
const NETEQ = createNumberTable(NETEQ_FIELDS, NETEQ_MAX, PEER_COLUMN.neteq, [OPERATIONS_FIELD]);
const OPERATIONS = createNumberTable(OPERATION_FIELDS, OPERATIONS_MAX, PEER_COLUMN.operations);
const VIDEO = createNumberTable(VIDEO_FIELDS, VIDEO_MAX, PEER_COLUMN.video);

const OPERATIONS_SEEN = 1 << OPERATIONS_FIELD;
const KNOWN = fieldSet(Object.values(PEER_FIELD));
const TAG = {
  peerId: PEER_FIELD.peerId * 8 + BYTES,
  audio: PEER_FIELD.audio * 8 + BYTES,
  neteq: PEER_FIELD.neteq * 8 + BYTES,
  video: PEER_FIELD.video * 8 + BYTES,
  operations: OPERATIONS_FIELD * 8 + BYTES,
} as const;

export function createPeerReader(wire: WireReader): PeerReader {
  const { values } = wire;
  let numbers: Float64Array;

  function readNumbers(table: NumberTable, at: number, end: number): boolean {
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      const type = tag < table.types.length ? (table.types[tag] as number) : OTHER;
      if (type === OTHER) {
        if (tag === TAG.operations && table === NETEQ) {
          if ((seen & OPERATIONS_SEEN) !== 0) return false;
          seen |= OPERATIONS_SEEN;
          const operationsEnd = wire.endOfMessage(end);
          if (operationsEnd === 0 || !readNumbers(OPERATIONS, at, operationsEnd)) return false;
        } else if (!wire.skip(tag, table.known, end)) return false;
        continue;
      }
      const field = 1 << (tag >>> 3);
      if ((seen & field) !== 0) return false;
      seen |= field;
      let value: number;
      if (type === DOUBLE) {
        if (values.pos + 8 > end) return false;
        value = values.readDouble();
      } else value = type === SIGNED ? values.readSVarint() : values.readVarint();
      // The comparison is written so that NaN fails it too.
      if (!(value >= (table.min[tag] as number) && value <= (table.max[tag] as number))) return false;
      numbers[at + (table.columns[tag] as number)] = value / (table.divisors[tag] as number);
    }
    return values.pos === end;
  }

  /** The id comes first, as in every encoding by field number. */
  return (report, reports, end) => {
    if (values.readVarint() !== TAG.peerId) return false;
    const id = wire.id(end);
    if (id === '') return false;
    for (let i = report.peersFrom; i < report.peersTo; i++) if (reports.peerIds[i] === id) return false;
    if (report.peersTo - report.peersFrom === LIMITS.peers) return false;
    const at = reports.addPeer(id);
    // Adding one may have moved them all.
    numbers = reports.numbers;
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      const table = tag === TAG.audio ? AUDIO : tag === TAG.neteq ? NETEQ : tag === TAG.video ? VIDEO : undefined;
      if (!table) {
        if (!wire.skip(tag, KNOWN, end)) return false;
        continue;
      }
      const field = 1 << (tag >>> 3);
      if ((seen & field) !== 0) return false;
      seen |= field;
      const statsEnd = wire.endOfMessage(end);
      if (statsEnd === 0 || !readNumbers(table, at, statsEnd)) return false;
    }
    return values.pos === end;
  };
}
