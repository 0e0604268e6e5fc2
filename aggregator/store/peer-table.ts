/**
 * The peer connections of living sessions, as rows of numbers in fixed chunks: a million of them
 * cost the garbage collector nothing, and growing never copies what is there. A row keeps a
 * peer's newest values and the counters that the next difference is taken from. NaN is absent.
 */
import { NETEQ_OPERATIONS } from '../../shared/beacon.ts';
import { round } from '../live/distribution.ts';
import { PEER_MEASURES } from '../live/measures.ts';
import { COUNTER_COLUMNS, PEER_COLUMN, type Reports } from './report.ts';

const VALUES = PEER_MEASURES.length;
/** Columns: the measures' values, the NetEQ operations' rates, the W3C counters. */
export const OPERATIONS_COLUMN = VALUES;
const COUNTERS_COLUMN = VALUES + NETEQ_OPERATIONS.length;
const COLUMNS = COUNTERS_COLUMN + COUNTER_COLUMNS;

export const BUFFER = 0;
export const CONCEALMENT = 1;
export const EXPAND = 2;
const ACCELERATION = 3;
const ACCELERATE = 4;

/** A delay that is no delay any more: what `neteq.buffer` may say at the most. */
const BUFFER_SECONDS_MAX = 60;

const CHUNK_BITS = 12;
const CHUNK_ROWS = 1 << CHUNK_BITS;

export type PeerTable = {
  readonly chunks: Float64Array[];
  /** By row: the peer's id, and how many detail series it holds. */
  readonly ids: string[];
  readonly series: number[];
  readonly free: number[];
};

/** Where the movements of the counters are added up; unknown ones add nothing. */
export type SampleTotals = {
  audioSamples: number;
  concealedSamples: number;
  silentConcealedSamples: number;
  acceleratedSamples: number;
  deceleratedSamples: number;
};

export function createPeerTable(): PeerTable {
  return { chunks: [], ids: [], series: [], free: [] };
}

/** A fresh row in which everything is absent. */
export function allocate(table: PeerTable, id: string): number {
  let row = table.free.pop();
  if (row === undefined) {
    row = table.ids.length;
    if (row >> CHUNK_BITS === table.chunks.length) table.chunks.push(new Float64Array(CHUNK_ROWS * COLUMNS));
  }
  table.ids[row] = id;
  table.series[row] = 0;
  const at = offsetOf(row);
  chunkOf(table, row).fill(Number.NaN, at, at + COLUMNS);
  return row;
}

export function release(table: PeerTable, row: number): void {
  table.ids[row] = '';
  table.free.push(row);
}

export function chunkOf(table: PeerTable, row: number): Float64Array {
  return table.chunks[row >> CHUNK_BITS] as Float64Array;
}

/** Where the row begins in its chunk: measure `m` is at `+ m`, operation `o` at `+ OPERATIONS_COLUMN + o`. */
export function offsetOf(row: number): number {
  return (row & (CHUNK_ROWS - 1)) * COLUMNS;
}

/** Forgets the peer's counters, so that its next report is a first one. */
export function forgetCounters(table: PeerTable, row: number): void {
  const at = offsetOf(row) + COUNTERS_COLUMN;
  chunkOf(table, row).fill(Number.NaN, at, at + COUNTER_COLUMNS);
}

/** The peer's newest values, in the order of the measures; absent is NaN. */
export type PeerValues = Float64Array;

export function createPeerValues(): PeerValues {
  return new Float64Array(VALUES);
}

/**
 * Reads a peer's newest numbers: fills `values`, stores its counters and
 * operations for the next time, adds to `totals`. Rates of a NetEQ client go before those
 * derived from W3C counters.
 * @returns the number of values and operations that are known, i.e. of its detail series
 */
export function report(
  table: PeerTable,
  row: number,
  { reports, peer, values, totals }: { reports: Reports; peer: number; values: PeerValues; totals: SampleTotals },
): number {
  const chunk = chunkOf(table, row);
  const at = offsetOf(row);
  values.fill(Number.NaN);
  const moved = move(chunk, at + COUNTERS_COLUMN, reports, peer);
  deriveValues(moved, values, totals);
  const operations = readNetEq(chunk, at + OPERATIONS_COLUMN, reports, peer, values);
  for (let i = 0; i < VALUES; i++) values[i] = round(values[i] as number);
  return operations + (Number.isNaN(values[BUFFER]) ? 0 : 1) + (Number.isNaN(values[CONCEALMENT]) ? 0 : 1);
}

const FIRST_OPERATION = PEER_COLUMN.operations.normal;

function readNetEq(chunk: Float64Array, at: number, reports: Reports, peer: number, values: PeerValues): number {
  let known = 0;
  for (let i = 0; i < NETEQ_OPERATIONS.length; i++) {
    const rate = reports.peerNumber(peer, FIRST_OPERATION + i);
    chunk[at + i] = round(rate);
    if (!Number.isNaN(rate)) known++;
  }
  const buffer = reports.peerNumber(peer, PEER_COLUMN.neteq.buffer);
  if (!Number.isNaN(buffer)) values[BUFFER] = buffer;
  if (known === 0) return 0;
  const expand = reports.peerNumber(peer, PEER_COLUMN.operations.expand);
  if (!Number.isNaN(expand)) {
    values[EXPAND] = expand;
    // NetEQ decides one operation every 10 ms, so that 100 expands a second conceal everything.
    values[CONCEALMENT] = Math.min(1, expand / 100);
  }
  const accelerate = reports.peerNumber(peer, PEER_COLUMN.operations.accelerate);
  const fast = reports.peerNumber(peer, PEER_COLUMN.operations.fast_accelerate);
  if (!(Number.isNaN(accelerate) && Number.isNaN(fast))) values[ACCELERATE] = (accelerate || 0) + (fast || 0);
  return known;
}

/** Scratch of {@link move}: what each counter moved by, NaN where unknown. */
const movements = new Float64Array(COUNTER_COLUMNS);

/** Positive differences of the W3C counters; a counter that went down means that all began again at zero. */
function move(chunk: Float64Array, at: number, reports: Reports, peer: number): Float64Array {
  let wasReset = false;
  for (let i = 0; i < COUNTER_COLUMNS; i++) {
    // A comparison with NaN, where either is absent, is false.
    if (reports.peerNumber(peer, i) < (chunk[at + i] as number)) wasReset = true;
  }
  for (let i = 0; i < COUNTER_COLUMNS; i++) {
    const now = reports.peerNumber(peer, i);
    const before = chunk[at + i] as number;
    movements[i] = wasReset && !Number.isNaN(before) ? now : now - before;
    chunk[at + i] = now;
  }
  return movements;
}

const DELAY = PEER_COLUMN.audio.jitterBufferDelay;
const EMITTED = PEER_COLUMN.audio.jitterBufferEmittedCount;
const CONCEALED = PEER_COLUMN.audio.concealedSamples;
const SILENT = PEER_COLUMN.audio.silentConcealedSamples;
const REMOVED = PEER_COLUMN.audio.removedSamplesForAcceleration;
const INSERTED = PEER_COLUMN.audio.insertedSamplesForDeceleration;
const TOTAL = PEER_COLUMN.audio.totalSamplesReceived;

function deriveValues(moved: Float64Array, values: PeerValues, totals: SampleTotals): void {
  const emitted = moved[EMITTED] as number;
  const total = moved[TOTAL] as number;
  const concealed = moved[CONCEALED] as number;
  const silent = moved[SILENT] as number;
  const removed = moved[REMOVED] as number;
  if (emitted > 0) values[BUFFER] = Math.min(BUFFER_SECONDS_MAX, (moved[DELAY] as number) / emitted);
  if (total > 0) {
    values[CONCEALMENT] = share(concealed - silent, total);
    values[EXPAND] = 100 * share(concealed, total);
    values[ACCELERATION] = share(removed, total);
    totals.audioSamples += total;
  }
  totals.concealedSamples += concealed || 0;
  totals.silentConcealedSamples += silent || 0;
  totals.acceleratedSamples += removed || 0;
  totals.deceleratedSamples += (moved[INSERTED] as number) || 0;
}

/** A ratio from 0 to 1 whatever a client claims; NaN when either side is unknown. */
function share(part: number, whole: number): number {
  return Math.min(1, Math.max(0, part / whole));
}
