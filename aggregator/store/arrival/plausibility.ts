/**
 * What a session can have counted in the time that passed: no more samples than can be played, no more beacons than it may
 * send. Otherwise one lying session could outweigh a region's counters for good, and freeze them at 2^53.
 */
import { COUNTER_COLUMNS, PEER_COLUMN, STREAM_COUNTERS, type StreamCounters } from '../report/report.ts';

/** No client plays more samples of a stream in a second; the twentieth more is for clocks that run fast. */
const SAMPLES = 48_000 * 1.05;
/** Longer than any sample stays in a jitter buffer. */
const JITTER_BUFFER_SECONDS = 60;

/** The most that each can grow in a second, by its name in the beacon; `seq` by the numbers that are left out. */
const MOST_PER_SECOND = {
  seq: 1,
  dropped: 1,
  failures: 1,
  ice_restarts: 1,
  jitterBufferDelay: SAMPLES * JITTER_BUFFER_SECONDS,
  jitterBufferTargetDelay: SAMPLES * JITTER_BUFFER_SECONDS,
  jitterBufferEmittedCount: SAMPLES,
  concealedSamples: SAMPLES,
  silentConcealedSamples: SAMPLES,
  removedSamplesForAcceleration: SAMPLES,
  insertedSamplesForDeceleration: SAMPLES,
  totalSamplesReceived: SAMPLES,
  packetsReceived: 10_000,
  packetsLost: 10_000,
  framesDecoded: 1_000,
  framesDropped: 1_000,
  // A frame is late enough to be a freeze after 150 ms.
  freezeCount: 10,
  // Neither `totalFreezesDuration`, to which a freeze is added at its end, nor `totalAudioEnergy`: no series counts them.
} as const;

export type CheckedField = keyof typeof MOST_PER_SECOND;
export const CHECKED_FIELDS = Object.keys(MOST_PER_SECOND) as readonly CheckedField[];

/** By the column of a counter: its field when it is checked, and the seconds that one of it takes. */
const FIELD_OF_COLUMN: (CheckedField | undefined)[] = [];
const SECONDS_EACH = new Float64Array(COUNTER_COLUMNS);
for (const [name, column] of [...Object.entries(PEER_COLUMN.audio), ...Object.entries(PEER_COLUMN.video)]) {
  const field = CHECKED_FIELDS.find((one) => one === name);
  if (!field) continue;
  FIELD_OF_COLUMN[column] = field;
  SECONDS_EACH[column] = 1 / MOST_PER_SECOND[field];
}

const { totalSamplesReceived, concealedSamples, silentConcealedSamples } = PEER_COLUMN.audio;
const { removedSamplesForAcceleration, insertedSamplesForDeceleration } = PEER_COLUMN.audio;
/** Counters of samples that are among those of another counter. */
const PARTS: readonly { readonly part: number; readonly whole: number }[] = [
  { part: concealedSamples, whole: totalSamplesReceived },
  { part: silentConcealedSamples, whole: concealedSamples },
  { part: silentConcealedSamples, whole: totalSamplesReceived },
  { part: removedSamplesForAcceleration, whole: totalSamplesReceived },
  { part: insertedSamplesForDeceleration, whole: totalSamplesReceived },
];
/** NetEQ counts what it conceals up to a few operations of 10 ms before it is played, and counts are rounded: 0.1 s. */
const PART_AHEAD_SAMPLES = 4_800;
const [AUDIO] = STREAM_COUNTERS;

/**
 * The time that one beacon at a time may account for. A session has accounted for its time up to a moment, which moves on
 * by what its beacons say they counted, and is never more than the slack behind the newest of them. So what it
 * adds within some time is bounded by that time and the slack, however many beacons, peers and runs it makes of it.
 */
export type Plausibility = {
  /** Where a session begins: it may have been under way for as long as the slack. */
  begin(receivedAtMs: number): number;
  /** From here on, a beacon is checked against the time up to when the edge received it. */
  open(region: string, accountedUntilMs: number, receivedAtMs: number): void;
  /** Whether the field can have grown by so much; counted as implausible when not. */
  allows(field: CheckedField, growth: number): boolean;
  /**
   * The same for the counters of a peer. Of a stream with an implausible one, every difference becomes unknown.
   * @param deltas what each moved by, by its column; NaN when unknown
   */
  checkPeer(deltas: Float64Array): void;
  /** @returns up to when the session has accounted for its time now */
  close(): number;
};

export type PlausibilityOptions = {
  /** How much later than usual a beacon may reach the edge. */
  readonly slackMs: number;
  readonly onImplausible: (region: string, field: CheckedField) => void;
};

export function createPlausibility({ slackMs, onImplausible }: PlausibilityOptions): Plausibility {
  let region = '';
  let fromMs = 0;
  let untilMs = 0;
  let availableSeconds = 0;
  /** The most that anything in the beacon needs. */
  let neededSeconds = 0;

  /** @returns the seconds that the counters of a stream need */
  function secondsOf({ first, packetsLost }: StreamCounters, deltas: Float64Array): number {
    let seconds = 0;
    for (let column = first; column <= packetsLost; column++) {
      const ofColumn = (deltas[column] as number) * (SECONDS_EACH[column] as number);
      // A comparison with NaN, where it is unknown, is false.
      if (ofColumn > seconds) seconds = ofColumn;
    }
    return seconds;
  }

  function rejectStream({ first, packetsLost }: StreamCounters, deltas: Float64Array): void {
    for (let column = first; column <= packetsLost; column++) {
      const field = FIELD_OF_COLUMN[column];
      const isTooMuch = (deltas[column] as number) * (SECONDS_EACH[column] as number) > availableSeconds;
      if (field && (isTooMuch || isAheadOfWhole(deltas, column))) onImplausible(region, field);
    }
    deltas.fill(Number.NaN, first, packetsLost + 1);
  }

  return {
    begin: (receivedAtMs) => receivedAtMs - slackMs,
    open(ofRegion, accountedUntilMs, receivedAtMs) {
      region = ofRegion;
      fromMs = accountedUntilMs;
      untilMs = receivedAtMs;
      availableSeconds = Math.max(0, receivedAtMs - accountedUntilMs) / 1000;
      neededSeconds = 0;
    },
    allows(field, growth) {
      const seconds = growth / MOST_PER_SECOND[field];
      const isPlausible = seconds <= availableSeconds;
      if (isPlausible) neededSeconds = Math.max(neededSeconds, seconds);
      else onImplausible(region, field);
      return isPlausible;
    },
    checkPeer(deltas) {
      const isAhead = isAnyPartAhead(deltas);
      for (let i = 0; i < STREAM_COUNTERS.length; i++) {
        const stream = STREAM_COUNTERS[i] as StreamCounters;
        const seconds = secondsOf(stream, deltas);
        const isTooFarAhead = isAhead && stream === AUDIO && isAheadOfWhole(deltas);
        if (seconds > availableSeconds || isTooFarAhead) rejectStream(stream, deltas);
        else if (seconds > neededSeconds) neededSeconds = seconds;
      }
      if (isAhead) cutToWholes(deltas);
    },
    close: () => Math.max(fromMs + neededSeconds * 1000, untilMs - slackMs),
  };
}

/** Whether any part is more than its whole at all, which is rare. */
function isAnyPartAhead(deltas: Float64Array): boolean {
  const all = deltas[totalSamplesReceived] as number;
  const concealed = deltas[concealedSamples] as number;
  const silent = deltas[silentConcealedSamples] as number;
  if (concealed > all || silent > all || silent > concealed) return true;
  return (
    (deltas[removedSamplesForAcceleration] as number) > all || (deltas[insertedSamplesForDeceleration] as number) > all
  );
}

function cutToWholes(deltas: Float64Array): void {
  for (const { part, whole } of PARTS) {
    if ((deltas[part] as number) > (deltas[whole] as number)) deltas[part] = deltas[whole] as number;
  }
}

/** Whether a part, or the given one, is more than its whole by more than NetEQ is ahead. */
function isAheadOfWhole(deltas: Float64Array, column?: number): boolean {
  for (const { part, whole } of PARTS) {
    const ahead = (deltas[part] as number) - (deltas[whole] as number);
    if (ahead > PART_AHEAD_SAMPLES && (column ?? part) === part) return true;
  }
  return false;
}
