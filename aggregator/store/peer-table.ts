/**
 * The peer connections of living sessions, as rows of numbers in fixed chunks: a million of them
 * cost the garbage collector nothing, and growing never copies what is there. A chunk in which nobody
 * is left is given back, so that what a peak took is free again when its sessions have gone. A row keeps a
 * peer's newest values and the counters that the next difference is taken from. NaN is absent.
 *
 * Values are kept as whole millionths, which they are rounded to anyway, in four bytes each; counters need the eight of
 * a double. How a row is laid out is known here alone.
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
  /** @param value rounded to a millionth; at most {@link VALUE_MAX}, or NaN */
  setValue(row: number, measure: number, value: number): void;
  /** @param rate rounded to a millionth; at most {@link VALUE_MAX}, or NaN */
  setOperation(row: number, operation: number, rate: number): void;
  /** The counter's newest reading. @param counter its column in a report */
  counter(row: number, counter: number): number;
  setCounter(row: number, counter: number, reading: number): void;
  /** Forgets counters, so that the peer's next reading of each is a first one. @param from, to columns; default all */
  forgetCounters(row: number, from?: number, to?: number): void;
  /** What it holds of the limit of detail series. */
  series(row: number): number;
  setSeries(row: number, held: number): void;
};

/** The values of a row: those of the measures, then the rates of NetEQ's operations. */
const FIRST_OPERATION = MEASURES.length - FIRST_PEER_MEASURE;
const VALUES = FIRST_OPERATION + NETEQ_OPERATIONS.length;

/** Values are kept as so many parts of one, like those of a distribution. */
const RESOLUTION = 1e6;
/** In the place of a value that is not known. */
const UNKNOWN = 2 ** 32 - 1;
/** The largest value that a row can hold: over what a beacon may carry. */
export const VALUE_MAX = (UNKNOWN - 1) / RESOLUTION;

const CHUNK_BITS = 10;
const CHUNK_ROWS = 1 << CHUNK_BITS;

type Chunk = { readonly values: Uint32Array; readonly counters: Float64Array };

/** In the place of a chunk that was given back. */
const NO_CHUNK: Chunk = { values: new Uint32Array(0), counters: new Float64Array(0) };

export function createPeerTable(): PeerTable {
  const chunks: Chunk[] = [];
  const ids: string[] = [];
  const series: number[] = [];
  /** By chunk, its rows that were released. */
  const free: number[][] = [];
  /** By chunk, how many rows are in use. */
  const used: number[] = [];
  /** No chunk before this one has a free row: rows are taken from the front, so that chunks at the end become empty. */
  let firstOpen = 0;
  /** The numbers of the chunk that became empty last, so that coming and going about its edge allocates nothing. */
  let spare: Chunk | undefined;

  function read(row: number, column: number): number {
    const { values } = chunks[row >> CHUNK_BITS] as Chunk;
    const millionths = values[indexIn(row) * VALUES + column] as number;
    return millionths === UNKNOWN ? Number.NaN : millionths / RESOLUTION;
  }

  function write(row: number, column: number, value: number): void {
    const { values } = chunks[row >> CHUNK_BITS] as Chunk;
    values[indexIn(row) * VALUES + column] = Number.isNaN(value) ? UNKNOWN : Math.round(value * RESOLUTION);
  }

  function forgetCounters(row: number, from = 0, to = COUNTER_COLUMNS): void {
    const start = indexIn(row) * COUNTER_COLUMNS;
    chunks[row >> CHUNK_BITS]?.counters.fill(Number.NaN, start + from, start + to);
  }

  function open(chunk: number): void {
    chunks[chunk] = spare ?? createChunk();
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
      return [...chunks, spare ?? NO_CHUNK].reduce((rows, { values }) => rows + values.length / VALUES, 0);
    },
    id: (row) => ids[row] as string,
    isShown: (row) => (series[row] as number) > 0,
    value: (row, measure) => read(row, measure - FIRST_PEER_MEASURE),
    operation: (row, operation) => read(row, FIRST_OPERATION + operation),
    allocate(id) {
      const row = takeRow();
      ids[row] = id;
      series[row] = 0;
      const start = indexIn(row) * VALUES;
      chunks[row >> CHUNK_BITS]?.values.fill(UNKNOWN, start, start + VALUES);
      forgetCounters(row);
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
    counter(row, counter) {
      const { counters } = chunks[row >> CHUNK_BITS] as Chunk;
      return counters[indexIn(row) * COUNTER_COLUMNS + counter] as number;
    },
    setCounter(row, counter, reading) {
      const { counters } = chunks[row >> CHUNK_BITS] as Chunk;
      counters[indexIn(row) * COUNTER_COLUMNS + counter] = reading;
    },
    forgetCounters,
    series: (row) => series[row] as number,
    setSeries(row, held) {
      series[row] = held;
    },
  };
}

function createChunk(): Chunk {
  return {
    values: new Uint32Array(CHUNK_ROWS * VALUES),
    counters: new Float64Array(CHUNK_ROWS * COUNTER_COLUMNS),
  };
}

/** The number of the row in its chunk. */
function indexIn(row: number): number {
  return row & (CHUNK_ROWS - 1);
}
