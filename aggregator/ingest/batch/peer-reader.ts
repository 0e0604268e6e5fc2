/** Reads a peer of a beacon straight into its row of numbers. */
import { AUDIO_MAX, LIMITS, NETEQ_MAX, OPERATIONS_MAX, VIDEO_MAX } from '../../../shared/beacon.ts';
import {
  AUDIO_FIELDS,
  NETEQ_FIELDS,
  OPERATION_FIELDS,
  OPERATIONS_FIELD,
  PEER_FIELD,
  VIDEO_FIELDS,
} from '../../../shared/beacon-codec.ts';
import { PEER_COLUMN, type Report, type Reports } from '../../store/report/report.ts';
import { createNumberReader } from '../number-reader.ts';
import { createNumberTable } from '../number-table.ts';
import { BYTES, fieldSet, type WireReader } from '../wire-reader.ts';

/** Adds the peer that ends at `end` to the report. @returns false when it is damaged */
export type PeerReader = (report: Report, reports: Reports, end: number) => boolean;

const AUDIO = createNumberTable(AUDIO_FIELDS, AUDIO_MAX, PEER_COLUMN.audio);
const OPERATIONS = createNumberTable(OPERATION_FIELDS, OPERATIONS_MAX, PEER_COLUMN.operations);
const NETEQ = createNumberTable(NETEQ_FIELDS, NETEQ_MAX, PEER_COLUMN.neteq, { [OPERATIONS_FIELD]: OPERATIONS });
const VIDEO = createNumberTable(VIDEO_FIELDS, VIDEO_MAX, PEER_COLUMN.video);

const KNOWN = fieldSet(Object.values(PEER_FIELD));
const TAG = {
  peerId: PEER_FIELD.peerId * 8 + BYTES,
  audio: PEER_FIELD.audio * 8 + BYTES,
  neteq: PEER_FIELD.neteq * 8 + BYTES,
  video: PEER_FIELD.video * 8 + BYTES,
} as const;

export function createPeerReader(wire: WireReader): PeerReader {
  const { values } = wire;
  const numbers = createNumberReader(wire);

  /** The id comes first, as in every encoding by field number. */
  return (report, reports, end) => {
    if (values.readVarint() !== TAG.peerId) return false;
    const id = wire.id(end);
    if (id === '') return false;
    for (let i = report.peersFrom; i < report.peersTo; i++) if (reports.peerIds[i] === id) return false;
    if (report.peersTo - report.peersFrom === LIMITS.peers) return false;
    const at = reports.addPeer(id);
    // After it was added, which may have moved them all.
    numbers.into(reports.numbers, at);
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
      if (statsEnd === 0 || !numbers.read(table, statsEnd)) return false;
    }
    return values.pos === end;
  };
}
