/**
 * Which figures of a session's peers have series of their own: what on-call reads first. The limit of detail counts
 * these; the other NetEQ operations are written only on request.
 */
import { NETEQ_OPERATIONS } from '../../../shared/beacon.ts';
import { MEASURE } from '../../live/measures.ts';

/** By the number of the measure. */
export const DETAIL_MEASURES = [MEASURE.neteq_buffer, MEASURE.concealment, MEASURE.audio_packet_loss] as const;

/** Indices of NETEQ_OPERATIONS, as all of those below. */
export const DETAIL_OPERATIONS = operations((name) => name === 'expand' || name === 'accelerate');
export const OTHER_OPERATIONS = operations((name) => name !== 'expand' && name !== 'accelerate');

function operations(isOne: (name: (typeof NETEQ_OPERATIONS)[number]) => boolean): readonly number[] {
  return NETEQ_OPERATIONS.flatMap((name, index) => (isOne(name) ? index : []));
}
