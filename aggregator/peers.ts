/**
 * The peer connections of living sessions, as rows of numbers in fixed chunks: a million of them
 * cost the garbage collector nothing, and growing never copies what is there. A row keeps a
 * peer's newest values and the counters that the next difference is taken from. NaN is absent.
 */
import { type AudioStats, NETEQ_OPERATIONS, type Peer } from '../shared/beacon.ts';
import { round } from './distribution.ts';
import { PEER_MEASURES } from './families.ts';

/** W3C counters that differences are taken of, in the order of their columns. */
const COUNTERS = [
  'jitterBufferDelay',
  'jitterBufferEmittedCount',
  'concealedSamples',
  'silentConcealedSamples',
  'removedSamplesForAcceleration',
  'insertedSamplesForDeceleration',
  'totalSamplesReceived',
] as const satisfies readonly (keyof AudioStats)[];

const VALUES = PEER_MEASURES.length;
/** Columns: the measures' values, the NetEQ operations' rates, the W3C counters. */
export const OPERATIONS_COLUMN = VALUES;
const COUNTERS_COLUMN = VALUES + NETEQ_OPERATIONS.length;
const COLUMNS = COUNTERS_COLUMN + COUNTERS.length;

export const BUFFER = 0;
export const CONCEALMENT = 1;
export const EXPAND = 2;
const ACCELERATION = 3;
const ACCELERATE = 4;

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
  chunkOf(table, row).fill(Number.NaN, at, at + COUNTERS.length);
}

/** The peer's newest values, in the order of the measures; absent is NaN. */
export type PeerValues = Float64Array;

export function createPeerValues(): PeerValues {
  return new Float64Array(VALUES);
}

/**
 * Reads a peer's newest report: fills `values`, stores its counters and operations for the next
 * time, adds to `totals`. Rates of a NetEQ client go before those derived from W3C counters.
 * @returns the number of values and operations that are known, i.e. of its detail series
 */
export function report(
  table: PeerTable,
  row: number,
  { peer, values, totals }: { peer: Peer; values: PeerValues; totals: SampleTotals },
): number {
  const chunk = chunkOf(table, row);
  const at = offsetOf(row);
  values.fill(Number.NaN);
  deriveFromCounters(chunk, at + COUNTERS_COLUMN, peer.audio, values, totals);
  const operations = readNetEq(chunk, at + OPERATIONS_COLUMN, peer, values);
  for (let i = 0; i < VALUES; i++) values[i] = round(values[i] as number);
  return operations + (Number.isNaN(values[BUFFER]) ? 0 : 1) + (Number.isNaN(values[CONCEALMENT]) ? 0 : 1);
}

function readNetEq(chunk: Float64Array, at: number, { neteq }: Peer, values: PeerValues): number {
  const rates = neteq?.operations_per_second;
  let known = 0;
  for (let i = 0; i < NETEQ_OPERATIONS.length; i++) {
    const rate = rates?.[NETEQ_OPERATIONS[i] as (typeof NETEQ_OPERATIONS)[number]];
    chunk[at + i] = rate === undefined ? Number.NaN : round(rate);
    if (rate !== undefined) known++;
  }
  if (neteq?.buffer !== undefined) values[BUFFER] = neteq.buffer;
  if (!rates) return known;
  const { expand, accelerate, fast_accelerate } = rates;
  if (expand !== undefined) {
    values[EXPAND] = expand;
    // NetEQ decides one operation every 10 ms, so that 100 expands a second conceal everything.
    values[CONCEALMENT] = Math.min(1, expand / 100);
  }
  if (accelerate !== undefined || fast_accelerate !== undefined) {
    values[ACCELERATE] = (accelerate ?? 0) + (fast_accelerate ?? 0);
  }
  return known;
}

/** Positive differences of the W3C counters; a counter that went down means that all began again at zero. */
function deriveFromCounters(
  chunk: Float64Array,
  at: number,
  audio: AudioStats | undefined,
  values: PeerValues,
  totals: SampleTotals,
): void {
  let wasReset = false;
  for (let i = 0; i < COUNTERS.length; i++) {
    const now = audio?.[COUNTERS[i] as (typeof COUNTERS)[number]];
    // A comparison with NaN, an absent predecessor, is false.
    if (now !== undefined && now < (chunk[at + i] as number)) wasReset = true;
  }
  for (let i = 0; i < COUNTERS.length; i++) {
    const now = audio?.[COUNTERS[i] as (typeof COUNTERS)[number]] ?? Number.NaN;
    const before = chunk[at + i] as number;
    moved[i] = wasReset && !Number.isNaN(before) ? now : now - before;
    chunk[at + i] = now;
  }
  const [delay, emitted, concealed, silent, removed, inserted, total] = moved as unknown as MovedCounters;
  if (emitted > 0) values[BUFFER] = Math.min(60, delay / emitted);
  if (total > 0) {
    values[CONCEALMENT] = share(concealed - silent, total);
    values[EXPAND] = 100 * share(concealed, total);
    values[ACCELERATION] = share(removed, total);
    totals.audioSamples += total;
  }
  totals.concealedSamples += concealed || 0;
  totals.silentConcealedSamples += silent || 0;
  totals.acceleratedSamples += removed || 0;
  totals.deceleratedSamples += inserted || 0;
}

/** Scratch of {@link deriveFromCounters}: what each counter moved by, NaN where unknown. */
const moved = new Float64Array(COUNTERS.length);
type MovedCounters = [number, number, number, number, number, number, number];

/** A ratio from 0 to 1 whatever a client claims; NaN when either side is unknown. */
function share(part: number, whole: number): number {
  return Math.min(1, Math.max(0, part / whole));
}
