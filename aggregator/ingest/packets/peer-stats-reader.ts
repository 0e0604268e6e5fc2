/** Reads what a packet says of one peer straight into its row of numbers. */
import { NETEQ_MAX, OPERATIONS_MAX, VIDEO_MAX } from '../../../shared/beacon.ts';
import { PEER_COLUMN } from '../../store/report/report.ts';
import { BYTES, VARINT, type WireReader } from '../wire-reader.ts';
import { createDoublesReader, createDoublesTable, DAMAGED, READ, type ReadOutcome } from './doubles-reader.ts';
import { knownFields, NOTHING_KNOWN, TAG_MAX } from './tags.ts';

/** Reads the `PeerStats` that ends at `end` into the row that begins at `at`. */
export type PeerStatsReader = (numbers: Float64Array, at: number, end: number) => ReadOutcome;

const MS_PER_SECOND = 1000;
const { buffer, target_delay, packets_per_second } = PEER_COLUMN.neteq;
const { operations } = PEER_COLUMN;

const OPERATION_COUNTERS = createDoublesTable({
  1: { column: operations.normal, max: OPERATIONS_MAX.normal },
  2: { column: operations.expand, max: OPERATIONS_MAX.expand },
  3: { column: operations.accelerate, max: OPERATIONS_MAX.accelerate },
  4: { column: operations.fast_accelerate, max: OPERATIONS_MAX.fast_accelerate },
  5: { column: operations.preemptive_expand, max: OPERATIONS_MAX.preemptive_expand },
  6: { column: operations.merge, max: OPERATIONS_MAX.merge },
  7: { column: operations.comfort_noise, max: OPERATIONS_MAX.comfort_noise },
});
const NETWORK = createDoublesTable({}, { 1: OPERATION_COUNTERS });
const NETEQ = createDoublesTable(
  {
    1: { column: buffer, max: NETEQ_MAX.buffer, divisor: MS_PER_SECOND },
    4: { column: packets_per_second, max: NETEQ_MAX.packets_per_second },
    5: { column: target_delay, max: NETEQ_MAX.target_delay, divisor: MS_PER_SECOND },
  },
  { 3: NETWORK },
);
const FRAMES_PER_SECOND = PEER_COLUMN.video.framesPerSecond;
const VIDEO = createDoublesTable({ 1: { column: FRAMES_PER_SECOND, max: VIDEO_MAX.framesPerSecond } });

const TAG = { videoEnabled: 4 * 8 + VARINT, neteq: 5 * 8 + BYTES, video: 6 * 8 + BYTES } as const;
const KNOWN = knownFields({ 4: VARINT, 5: BYTES, 6: BYTES });

export function createPeerStatsReader(wire: WireReader): PeerStatsReader {
  const { values } = wire;
  const doubles = createDoublesReader(wire);

  return (numbers, at, end) => {
    let seen = 0;
    let isVideoEnabled = false;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (tag > TAG_MAX || KNOWN.isDamaged(tag)) return DAMAGED;
      const bit = KNOWN.bitOf(tag >>> 3);
      if ((seen & bit) !== 0) return DAMAGED;
      seen |= bit;
      if (tag === TAG.videoEnabled) isVideoEnabled = values.readVarint() !== 0;
      else if (tag === TAG.neteq || tag === TAG.video) {
        const statsEnd = wire.endOfMessage(end);
        if (statsEnd === 0) return DAMAGED;
        const outcome = doubles.read(tag === TAG.neteq ? NETEQ : VIDEO, numbers, at, statsEnd);
        if (outcome !== READ) return outcome;
      } else if (!wire.skip(tag, NOTHING_KNOWN, end)) return DAMAGED;
    }
    // A camera that is off shows no frames, which is nobody's trouble.
    if (!isVideoEnabled) numbers[at + FRAMES_PER_SECOND] = Number.NaN;
    return values.pos === end ? READ : DAMAGED;
  };
}
