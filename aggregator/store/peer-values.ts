/** What a peer's newest report says: the value of each measure, from differences of its counters or from NetEQ's own rates. */
import { NETEQ_OPERATIONS } from '../../shared/beacon.ts';
import { round } from '../live/distribution.ts';
import { FIRST_PEER_MEASURE, MEASURE, MEASURES, type SampleCounts } from '../live/measures.ts';
import type { PeerTable } from './peer-table.ts';
import { COUNTER_COLUMNS, PEER_COLUMN, STREAM_COUNTERS, type StreamCounters } from './report.ts';

export type PeerValues = {
  /**
   * Reads a peer's part of a report: derives its values, and keeps its counters and operations in its row for
   * the next time.
   * @param at where its numbers begin
   * @returns its detail series: how many of what is shown of each peer are known
   */
  derive(row: number, numbers: Float64Array, at: number): number;
  /** What the last {@link derive} gave. @returns NaN when unknown */
  value(measure: number): number;
  /** Adds what the samples of the last {@link derive} moved by; what is unknown adds nothing. */
  addSamples(counts: SampleCounts): void;
};

/** A delay that is no delay any more: what `neteq.buffer` may say at the most. */
const BUFFER_SECONDS_MAX = 60;

// Numbers of their own: read as properties in the hot functions, V8 deoptimised these again and again, and the ingest took
// three times as long.
const {
  jitterBufferDelay,
  jitterBufferEmittedCount,
  concealedSamples,
  silentConcealedSamples,
  removedSamplesForAcceleration,
  insertedSamplesForDeceleration,
  totalSamplesReceived,
} = PEER_COLUMN.audio;
const { buffer: BUFFER } = PEER_COLUMN.neteq;
const { expand: EXPAND, accelerate: ACCELERATE, fast_accelerate: FAST_ACCELERATE } = PEER_COLUMN.operations;
const FIRST_OPERATION = PEER_COLUMN.operations.normal;
const OPERATIONS = NETEQ_OPERATIONS.length;

export function createPeerValues(table: PeerTable): PeerValues {
  const values = new Float64Array(MEASURES.length);
  /** What each counter moved by since the peer's last report. */
  const deltas = new Float64Array(COUNTER_COLUMNS);

  function value(measure: number): number {
    return values[measure] as number;
  }

  /** What the counter moved by, never less than zero; NaN when it is unknown. */
  function positiveDelta(counter: number): number {
    return deltas[counter] as number;
  }

  function takeDeltas(row: number, numbers: Float64Array, at: number): void {
    for (let counter = 0; counter < COUNTER_COLUMNS; counter++) {
      const now = numbers[at + counter] as number;
      deltas[counter] = now - table.counter(row, counter);
      table.setCounter(row, counter, now);
    }
    for (const stream of STREAM_COUNTERS) if (wasReset(stream)) countFromZero(stream, numbers, at);
  }

  /** A counter that went down means that all of its stream began again at zero. */
  function wasReset({ first, packetsLost }: StreamCounters): boolean {
    for (let counter = first; counter < packetsLost; counter++) {
      // A comparison with NaN, where either reading is absent, is false.
      if ((deltas[counter] as number) < 0) return true;
    }
    return false;
  }

  function countFromZero({ first, packetsLost }: StreamCounters, numbers: Float64Array, at: number): void {
    for (let counter = first; counter <= packetsLost; counter++) {
      if (!Number.isNaN(deltas[counter])) deltas[counter] = numbers[at + counter] as number;
    }
  }

  function deriveFromCounters(): void {
    const emitted = positiveDelta(jitterBufferEmittedCount);
    if (emitted > 0) {
      const delay = positiveDelta(jitterBufferDelay) / emitted;
      values[MEASURE.neteq_buffer] = Math.min(BUFFER_SECONDS_MAX, delay);
    }
    const samples = positiveDelta(totalSamplesReceived);
    if (samples > 0) {
      const concealed = positiveDelta(concealedSamples);
      values[MEASURE.concealment] = share(concealed - positiveDelta(silentConcealedSamples), samples);
      values[MEASURE.expand] = 100 * share(concealed, samples);
      values[MEASURE.acceleration] = share(positiveDelta(removedSamplesForAcceleration), samples);
    }
  }

  /** NetEQ's own rates take precedence over values derived from counters. */
  function deriveFromNetEq(numbers: Float64Array, at: number): void {
    const buffer = numbers[at + BUFFER] as number;
    if (!Number.isNaN(buffer)) values[MEASURE.neteq_buffer] = buffer;
    const expand = numbers[at + EXPAND] as number;
    if (!Number.isNaN(expand)) {
      values[MEASURE.expand] = expand;
      // NetEQ decides one operation every 10 ms, so that 100 expands a second conceal everything.
      values[MEASURE.concealment] = Math.min(1, expand / 100);
    }
    const accelerate = numbers[at + ACCELERATE] as number;
    const fast = numbers[at + FAST_ACCELERATE] as number;
    if (!(Number.isNaN(accelerate) && Number.isNaN(fast))) {
      values[MEASURE.accelerate] = (accelerate || 0) + (fast || 0);
    }
  }

  /** @returns how many are known */
  function keepOperations(row: number, numbers: Float64Array, at: number): number {
    let known = 0;
    for (let operation = 0; operation < OPERATIONS; operation++) {
      const rate = numbers[at + FIRST_OPERATION + operation] as number;
      table.setOperation(row, operation, round(rate));
      if (!Number.isNaN(rate)) known++;
    }
    return known;
  }

  return {
    derive(row, numbers, at) {
      for (let measure = 0; measure < MEASURES.length; measure++) values[measure] = Number.NaN;
      takeDeltas(row, numbers, at);
      deriveFromCounters();
      deriveFromNetEq(numbers, at);
      for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
        values[measure] = round(value(measure));
      }
      const isBufferKnown = !Number.isNaN(value(MEASURE.neteq_buffer));
      const isConcealmentKnown = !Number.isNaN(value(MEASURE.concealment));
      return keepOperations(row, numbers, at) + (isBufferKnown ? 1 : 0) + (isConcealmentKnown ? 1 : 0);
    },
    value,
    addSamples(counts) {
      counts.audioSamples += positiveDelta(totalSamplesReceived) || 0;
      counts.concealedSamples += positiveDelta(concealedSamples) || 0;
      counts.silentConcealedSamples += positiveDelta(silentConcealedSamples) || 0;
      counts.acceleratedSamples += positiveDelta(removedSamplesForAcceleration) || 0;
      counts.deceleratedSamples += positiveDelta(insertedSamplesForDeceleration) || 0;
    },
  };
}

/** A ratio from 0 to 1 whatever a client claims; NaN when either side is unknown. */
function share(part: number, whole: number): number {
  return Math.min(1, Math.max(0, part / whole));
}
