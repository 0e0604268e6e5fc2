/**
 * The peer connections of living sessions, as rows of numbers in fixed chunks: a million of them
 * cost the garbage collector nothing, and growing never copies what is there. A chunk in which nobody
 * is left is given back, so that what a peak took is free again when its sessions have gone. A row keeps a
 * peer's newest values and the counters that the next difference is taken from. NaN is absent.
 * How a row is laid out is known here alone.
 */
import { NETEQ_OPERATIONS } from '../../shared/beacon.ts';
import { FIRST_PEER_MEASURE, MEASURES } from '../live/measures.ts';
import { COUNTER_COLUMNS } from './report.ts';

/** What may be read of a peer, by its row. Rows are used again: one is its session's for as long as the session lives. */
export type PeerReadings = {
  /** Every row that is in use is below this. */
  readonly rows: number;
  id(row: number): string;
  /** Whether its detail series are shown, within the limit of them. */
  isShown(row: number): boolean;
  /** Its newest value. @param measure number of a peer measure @returns NaN when unknown */
  value(row: number, measure: number): number;
  /** Its newest rate of a NetEQ operation, per second. @param operation index of NETEQ_OPERATIONS @returns NaN when unknown */
  operation(row: number, operation: number): number;
};

export type PeerTable = PeerReadings & {
  /** How many rows there is memory for. */
  readonly capacity: number;
  /** A fresh row in which everything is absent. */
  allocate(id: string): number;
  release(row: number): void;
  setValue(row: number, measure: number, value: number): void;
  setOperation(row: number, operation: number, rate: number): void;
  /** The counter's newest reading. @param counter its column in a report */
  counter(row: number, counter: number): number;
  setCounter(row: number, counter: number, reading: number): void;
  /** Forgets all counters, so that the peer's next report is a first one. */
  forgetCounters(row: number): void;
  /** What it holds of the limit of detail series. */
  series(row: number): number;
  setSeries(row: number, held: number): void;
};

/** A row: the values of the measures, the rates of NetEQ's operations, the counters. */
const FIRST_OPERATION = MEASURES.length - FIRST_PEER_MEASURE;
const FIRST_COUNTER = FIRST_OPERATION + NETEQ_OPERATIONS.length;
const COLUMNS = FIRST_COUNTER + COUNTER_COLUMNS;

const CHUNK_BITS = 10;
const CHUNK_ROWS = 1 << CHUNK_BITS;
/** In the place of a chunk that was given back. */
const NO_CHUNK = new Float64Array(0);

export function createPeerTable(): PeerTable {
  const chunks: Float64Array[] = [];
  const ids: string[] = [];
  const series: number[] = [];
  /** By chunk, its rows that were released. */
  const free: number[][] = [];
  /** By chunk, how many rows are in use. */
  const used: number[] = [];
  /** No chunk before this one has a free row: rows are taken from the front, so that chunks at the end become empty. */
  let firstOpen = 0;
  /** The numbers of the chunk that became empty last, so that coming and going about its edge allocates nothing. */
  let spare: Float64Array | undefined;

  function read(row: number, column: number): number {
    return (chunks[row >> CHUNK_BITS] as Float64Array)[startOf(row) + column] as number;
  }

  function write(row: number, column: number, value: number): void {
    (chunks[row >> CHUNK_BITS] as Float64Array)[startOf(row) + column] = value;
  }

  function clear(row: number, from: number): void {
    const start = startOf(row);
    chunks[row >> CHUNK_BITS]?.fill(Number.NaN, start + from, start + COLUMNS);
  }

  function open(chunk: number): void {
    chunks[chunk] = spare ?? new Float64Array(CHUNK_ROWS * COLUMNS);
    spare = undefined;
    used[chunk] = 0;
    // The last of them is taken first.
    free[chunk] = Array.from({ length: CHUNK_ROWS }, (_, i) => ((chunk + 1) << CHUNK_BITS) - 1 - i);
  }

  function takeRow(): number {
    while (used[firstOpen] === CHUNK_ROWS) firstOpen++;
    if (!used[firstOpen]) open(firstOpen);
    used[firstOpen] = (used[firstOpen] as number) + 1;
    return (free[firstOpen] as number[]).pop() as number;
  }

  /** Gives the memory of an empty chunk back, and the ends of the lists when no chunk comes after it. */
  function close(chunk: number): void {
    spare = chunks[chunk];
    chunks[chunk] = NO_CHUNK;
    free[chunk] = [];
    while (used.length > 0 && used.at(-1) === 0) used.pop();
    chunks.length = used.length;
    free.length = used.length;
    ids.length = Math.min(ids.length, used.length << CHUNK_BITS);
    series.length = ids.length;
  }

  return {
    get rows() {
      return ids.length;
    },
    get capacity() {
      return chunks.reduce((rows, chunk) => rows + chunk.length / COLUMNS, (spare?.length ?? 0) / COLUMNS);
    },
    id: (row) => ids[row] as string,
    isShown: (row) => (series[row] as number) > 0,
    value: (row, measure) => read(row, measure - FIRST_PEER_MEASURE),
    operation: (row, operation) => read(row, FIRST_OPERATION + operation),
    allocate(id) {
      const row = takeRow();
      ids[row] = id;
      series[row] = 0;
      clear(row, 0);
      return row;
    },
    release(row) {
      const chunk = row >> CHUNK_BITS;
      ids[row] = '';
      (free[chunk] as number[]).push(row);
      used[chunk] = (used[chunk] as number) - 1;
      if (chunk < firstOpen) firstOpen = chunk;
      if (used[chunk] === 0) close(chunk);
    },
    setValue: (row, measure, value) => write(row, measure - FIRST_PEER_MEASURE, value),
    setOperation: (row, operation, rate) => write(row, FIRST_OPERATION + operation, rate),
    counter: (row, counter) => read(row, FIRST_COUNTER + counter),
    setCounter: (row, counter, reading) => write(row, FIRST_COUNTER + counter, reading),
    forgetCounters: (row) => clear(row, FIRST_COUNTER),
    series: (row) => series[row] as number,
    setSeries(row, held) {
      series[row] = held;
    },
  };
}

/** Where the row begins in its chunk. */
function startOf(row: number): number {
  return (row & (CHUNK_ROWS - 1)) * COLUMNS;
}
