/**
 * What a peer's newest report says: the value of each measure, from differences of its counters, from NetEQ's own rates
 * and from readings as they stand.
 */
import { NETEQ_OPERATIONS } from '../../../shared/beacon.ts';
import { ARRIVAL, type Arrival } from '../../attribution/silence.ts';
import { FIRST_PEER_MEASURE, MEASURE, MEASURES, type MediaCounts } from '../../live/measures.ts';
import { millionthsOf, UNKNOWN } from '../../live/millionths.ts';
import type { Plausibility } from '../arrival/plausibility.ts';
import { DETAIL_MEASURES, DETAIL_OPERATIONS } from '../detail/detail.ts';
import { COUNTER_COLUMNS, PEER_COLUMN, STREAM_COUNTERS, type StreamCounters } from '../report/report.ts';
import { meanOpinionScore } from './mos.ts';
import type { PeerTable } from './peer-table.ts';

export type PeerValues = {
  /**
   * Reads a peer's part of a report: derives its values, and keeps its counters and operations in its row for
   * the next time. What its counters can't have counted in the time that passed is unknown.
   * @param at where its numbers begin
   * @returns its detail series: how many of what has series of its own (detail.ts) are known
   */
  derive(row: number, at: number, beacon: BeaconNumbers): number;
  /** What the last {@link derive} gave, by measure, in millionths. */
  readonly millionths: Uint32Array;
  /** Whether anything to hear came with the last {@link derive}. */
  arrival(): Arrival;
  /** Audio packets that came with it. NaN when unknown. @param elapsedSeconds since the beacon before */
  packetsPerSecond(elapsedSeconds: number): number;
  /** Adds what the counts of the last {@link derive} moved by; what is unknown adds nothing. */
  addCounts(counts: MediaCounts): void;
};

/** What the values of a peer are derived from: its own numbers, and what the beacon says of its receiver. */
export type BeaconNumbers = {
  readonly numbers: Float64Array;
  /** The session's newest RTT; NaN when unknown. */
  readonly rttSeconds: number;
  /** Since the session's beacon before this one, as both were placed. */
  readonly elapsedSeconds: number;
  /** Its page is hidden: browsers stop decoding video then, which is nobody's trouble. */
  readonly isHidden: boolean;
};

/** A delay that is no delay any more: what `neteq.buffer` may say at the most. */
const BUFFER_SECONDS_MAX = 60;
/**
 * A NetEQ that receives fewer packets a second hears silence: a muted sender, or Opus DTX. It then expands about a hundred
 * times a second with nothing to conceal, and took muted people for the worst audio there is.
 */
const SPEECH_PACKETS_PER_SECOND = 2;
/** Beacons closer together waited somewhere and came at once: the time between them is not that between their readings. */
const ELAPSED_SECONDS_MIN = 0.5;

// Numbers of their own: read as properties in the hot functions, V8 deoptimised these again and again, and the ingest took
// three times as long.
const {
  jitterBufferDelay,
  jitterBufferEmittedCount,
  jitterBufferTargetDelay,
  concealedSamples,
  silentConcealedSamples,
  removedSamplesForAcceleration,
  insertedSamplesForDeceleration,
  totalSamplesReceived,
  totalAudioEnergy,
  packetsReceived: audioReceived,
  packetsLost: audioLost,
  jitter: JITTER,
} = PEER_COLUMN.audio;
const {
  framesDecoded,
  framesDropped,
  freezeCount,
  totalFreezesDuration,
  packetsReceived: videoReceived,
  packetsLost: videoLost,
  framesPerSecond: FRAMES_PER_SECOND,
} = PEER_COLUMN.video;
const { buffer: BUFFER, target_delay: TARGET_DELAY, packets_per_second: PACKETS_PER_SECOND } = PEER_COLUMN.neteq;
const { expand: EXPAND, accelerate: ACCELERATE, fast_accelerate: FAST_ACCELERATE } = PEER_COLUMN.operations;
const [, VIDEO_COUNTERS] = STREAM_COUNTERS;
const FIRST_OPERATION = PEER_COLUMN.operations.normal;
const OPERATIONS = NETEQ_OPERATIONS.length;

export function createPeerValues(table: PeerTable, plausibility: Plausibility): PeerValues {
  const values = new Float64Array(MEASURES.length);
  const millionths = new Uint32Array(MEASURES.length).fill(UNKNOWN);
  const rates = new Uint32Array(OPERATIONS);
  /** What each counter moved by since the peer's last report. */
  const deltas = new Float64Array(COUNTER_COLUMNS);
  /** NetEQ's own figure. */
  let packetRate = Number.NaN;
  let arrival: Arrival = ARRIVAL.heardOrUnknown;

  function value(measure: number): number {
    return values[measure] as number;
  }

  /** What the counter moved by: never less than zero, but for `packetsLost`. NaN when it is unknown. */
  function delta(counter: number): number {
    return deltas[counter] as number;
  }

  function takeDeltas(row: number, numbers: Float64Array, at: number): void {
    table.readCounters(row, numbers, at, deltas);
    packetRate = numbers[at + PACKETS_PER_SECOND] as number;
    // Before resets are made up for: what was heard of a stream that began again is not known.
    arrival = arrivalOf();
    for (const stream of STREAM_COUNTERS) if (wasReset(stream)) countFromZero(stream, numbers, at);
  }

  function arrivalOf(): Arrival {
    const packets = delta(audioReceived);
    if (packets === 0 || packetRate === 0) return ARRIVAL.noPackets;
    if (packets > 0 && delta(totalAudioEnergy) === 0 && !isUnplayed()) return ARRIVAL.noEnergy;
    return ARRIVAL.heardOrUnknown;
  }

  /**
   * A page that plays a track nowhere asks for no samples of it, and Chromium then counts neither samples nor energy: what
   * there was to hear is not known.
   */
  function isUnplayed(): boolean {
    return delta(totalSamplesReceived) === 0;
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

  /**
   * The difference that spans the hiding of a page is of a picture that nobody saw: the first frame after it ends a freeze
   * as long as the page was hidden.
   */
  function forgetVideo(row: number): void {
    const { first, packetsLost } = VIDEO_COUNTERS;
    deltas.fill(Number.NaN, first, packetsLost + 1);
    table.forgetCounters(row, first, packetsLost + 1);
  }

  function deriveAudio(numbers: Float64Array, at: number): void {
    const emitted = delta(jitterBufferEmittedCount);
    if (emitted > 0) {
      values[MEASURE.neteq_buffer] = Math.min(BUFFER_SECONDS_MAX, delta(jitterBufferDelay) / emitted);
      values[MEASURE.jitter_buffer_target] = Math.min(BUFFER_SECONDS_MAX, delta(jitterBufferTargetDelay) / emitted);
    }
    const samples = delta(totalSamplesReceived);
    if (samples > 0) {
      const concealed = delta(concealedSamples);
      values[MEASURE.concealment] = share(concealed - delta(silentConcealedSamples), samples);
      values[MEASURE.expand] = 100 * share(concealed, samples);
      values[MEASURE.acceleration] = share(delta(removedSamplesForAcceleration), samples);
    }
    values[MEASURE.audio_packet_loss] = packetLoss(delta(audioLost), delta(audioReceived));
    values[MEASURE.audio_jitter] = numbers[at + JITTER] as number;
  }

  /** NetEQ's own rates take precedence over values derived from counters. */
  function deriveFromNetEq(numbers: Float64Array, at: number): void {
    const buffer = numbers[at + BUFFER] as number;
    if (!Number.isNaN(buffer)) values[MEASURE.neteq_buffer] = buffer;
    const target = numbers[at + TARGET_DELAY] as number;
    if (!Number.isNaN(target)) values[MEASURE.jitter_buffer_target] = target;
    const expand = numbers[at + EXPAND] as number;
    if (!Number.isNaN(expand) && !isSilent(numbers, at)) {
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

  /** After the audio's other measures, which it is made of. */
  function deriveMos(rttSeconds: number): void {
    const packetLoss = value(MEASURE.audio_packet_loss);
    values[MEASURE.audio_mos] = meanOpinionScore({
      delaySeconds: rttSeconds / 2 + value(MEASURE.neteq_buffer),
      lossRatio: Number.isNaN(packetLoss) ? value(MEASURE.concealment) : packetLoss,
    });
  }

  function deriveVideo(numbers: Float64Array, at: number, elapsedSeconds: number): void {
    values[MEASURE.video_packet_loss] = packetLoss(delta(videoLost), delta(videoReceived));
    const dropped = delta(framesDropped);
    values[MEASURE.video_frames_dropped] = share(dropped, dropped + delta(framesDecoded));
    if (elapsedSeconds >= ELAPSED_SECONDS_MIN) {
      values[MEASURE.video_freeze] = share(delta(totalFreezesDuration), elapsedSeconds);
    }
    values[MEASURE.video_frame_rate] = numbers[at + FRAMES_PER_SECOND] as number;
  }

  function keepOperations(row: number, numbers: Float64Array, at: number): void {
    for (let operation = 0; operation < OPERATIONS; operation++) {
      const column = FIRST_OPERATION + operation;
      const rate = column === EXPAND && isSilent(numbers, at) ? Number.NaN : (numbers[at + column] as number);
      rates[operation] = millionthsOf(rate);
    }
    table.setOperations(row, rates);
  }

  /** How many of what has series of its own are known. */
  function countDetail(): number {
    let known = 0;
    for (const measure of DETAIL_MEASURES) if (millionths[measure] !== UNKNOWN) known++;
    for (const operation of DETAIL_OPERATIONS) if (rates[operation] !== UNKNOWN) known++;
    return known;
  }

  return {
    derive(row, at, { numbers, rttSeconds, elapsedSeconds, isHidden }) {
      for (let measure = 0; measure < MEASURES.length; measure++) values[measure] = Number.NaN;
      takeDeltas(row, numbers, at);
      plausibility.checkPeer(deltas);
      deriveAudio(numbers, at);
      deriveFromNetEq(numbers, at);
      deriveMos(rttSeconds);
      if (isHidden) forgetVideo(row);
      else deriveVideo(numbers, at, elapsedSeconds);
      for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
        millionths[measure] = millionthsOf(value(measure));
      }
      keepOperations(row, numbers, at);
      return countDetail();
    },
    millionths,
    arrival: () => arrival,
    packetsPerSecond: (elapsedSeconds) =>
      Number.isNaN(packetRate) ? delta(audioReceived) / elapsedSeconds : packetRate,
    addCounts(counts) {
      counts.videoFreezes += delta(freezeCount) || 0;
      const samples = delta(totalSamplesReceived);
      // Parts are only counted with their whole: ratios of the sums would be over 1.
      if (Number.isNaN(samples)) return;
      const concealed = delta(concealedSamples) || 0;
      counts.audioSamples += samples;
      counts.concealedSamples += concealed;
      counts.silentConcealedSamples += Math.min(concealed, delta(silentConcealedSamples) || 0);
      counts.acceleratedSamples += delta(removedSamplesForAcceleration) || 0;
      counts.deceleratedSamples += delta(insertedSamplesForDeceleration) || 0;
    },
  };
}

/** A ratio from 0 to 1 whatever a client claims; NaN when either side is unknown. */
function share(part: number, whole: number): number {
  return Math.min(1, Math.max(0, part / whole));
}

/** Lost packets become fewer when one that counted as lost comes after all: then none of these were lost. */
function packetLoss(lost: number, received: number): number {
  const lostHere = Math.max(0, lost);
  return share(lostHere, lostHere + received);
}

function isSilent(numbers: Float64Array, at: number): boolean {
  // A comparison with NaN is false: who does not say how much comes is not silent.
  return (numbers[at + PACKETS_PER_SECOND] as number) < SPEECH_PACKETS_PER_SECOND;
}
