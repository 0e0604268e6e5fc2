/**
 * The peer connections of living sessions, as rows of numbers in fixed chunks: a million of them
 * cost the garbage collector nothing, and growing never copies what is there. A chunk in which nobody
 * is left is given back, so that what a peak took is free again when its sessions have gone. A row keeps a
 * peer's newest values and the counters that the next difference is taken from. NaN is absent.
 *
 * Values are kept as whole millionths, which they are rounded to anyway, in four bytes each; counters need the eight of
 * a double. How a row is laid out is known here alone.
 */
import { NETEQ_OPERATIONS } from '../../../shared/beacon.ts';
import type { Publisher } from '../../attribution/publisher.ts';
import type { StreamState } from '../../attribution/stream.ts';
import { FIRST_PEER_MEASURE, MEASURES } from '../../live/measures.ts';
import { fromMillionths, UNKNOWN } from '../../live/millionths.ts';
import { COUNTER_COLUMNS } from '../report/report.ts';

/** What may be read of a peer, by its row. Rows are used again: one is its session's for as long as the session lives. */
export type PeerReadings = {
  /** Every row that is in use is below this. */
  readonly rows: number;
  id(row: number): string;
  /** Its newest value. @param measure number of a peer measure @returns NaN when unknown */
  value(row: number, measure: number): number;
  /** The values of every peer measure. @param into by measure, in millionths */
  readValues(row: number, into: Uint32Array): void;
  /** Its newest rate of a NetEQ operation, per second. @param operation index of NETEQ_OPERATIONS @returns NaN when unknown */
  operation(row: number, operation: number): number;
  /** What is known of its quality; 0 is nothing. */
  state(row: number): StreamState;
  /** Who publishes what it receives; undefined before it was looked for. */
  publisher(row: number): Publisher | undefined;
};

export type PeerTable = PeerReadings & {
  /** How many rows there is memory for. */
  readonly capacity: number;
  /** A fresh row in which everything is absent. */
  allocate(id: string): number;
  release(row: number): void;
  /**
   * Replaces the value of every peer measure. All of a row at once, and so are its counters: a call for each number took a
   * quarter of the ingest.
   * @param values by measure, in millionths
   * @param before is given what the row had, in the same way
   */
  replaceValues(row: number, values: Uint32Array, before: Uint32Array): void;
  /** Replaces the rates of all operations. @param rates by operation, in millionths */
  setOperations(row: number, rates: Uint32Array): void;
  /**
   * Keeps the newest reading of every counter.
   * @param from where the readings are in `numbers`, in the order of a report's columns
   * @param into what each moved by since its reading before; NaN when one of the two is unknown
   */
  readCounters(row: number, numbers: Float64Array, from: number, into: Float64Array): void;
  /** Forgets counters, so that the peer's next reading of each is a first one. @param from, to columns; default all */
  forgetCounters(row: number, from?: number, to?: number): void;
  setState(row: number, state: StreamState): void;
  setPublisher(row: number, publisher: Publisher): void;
  /** Replaces the text of the id by an equal one that is kept anyway. */
  setId(row: number, id: string): void;
};

const VALUES = MEASURES.length - FIRST_PEER_MEASURE;
const OPERATIONS = NETEQ_OPERATIONS.length;

const CHUNK_BITS = 10;
const CHUNK_ROWS = 1 << CHUNK_BITS;

type Chunk = {
  readonly values: Uint32Array;
  /** Rates of NetEQ's operations; undefined until a client of the chunk says one, as browsers never do. */
  operations: Uint32Array | undefined;
  readonly counters: Float64Array;
  readonly states: Uint8Array;
  readonly ids: string[];
  readonly publishers: (Publisher | undefined)[];
};

/** In the place of a chunk that was given back. */
const NO_CHUNK = createChunk(0);

export function createPeerTable(): PeerTable {
  const chunks: Chunk[] = [];
  /** By chunk, its rows that were released. */
  const free: number[][] = [];
  /** By chunk, how many rows are in use. */
  const used: number[] = [];
  /** No chunk before this one has a free row: rows are taken from the front, so that chunks at the end become empty. */
  let firstOpen = 0;
  /** The numbers of the chunk that became empty last, so that coming and going about its edge allocates nothing. */
  let spare: Chunk | undefined;

  function chunkOf(row: number): Chunk {
    return chunks[row >> CHUNK_BITS] as Chunk;
  }

  function forgetCounters(row: number, from = 0, to = COUNTER_COLUMNS): void {
    const start = indexIn(row) * COUNTER_COLUMNS;
    chunkOf(row).counters.fill(Number.NaN, start + from, start + to);
  }

  function open(chunk: number): void {
    chunks[chunk] = spare ?? createChunk(CHUNK_ROWS);
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
  }

  return {
    get rows() {
      return chunks.length << CHUNK_BITS;
    },
    get capacity() {
      return [...chunks, spare ?? NO_CHUNK].reduce((rows, { values }) => rows + values.length / VALUES, 0);
    },
    id: (row) => chunkOf(row).ids[indexIn(row)] as string,
    value(row, measure) {
      const { values } = chunkOf(row);
      return fromMillionths(values[indexIn(row) * VALUES + measure - FIRST_PEER_MEASURE] as number);
    },
    operation(row, operation) {
      const { operations } = chunkOf(row);
      return operations ? fromMillionths(operations[indexIn(row) * OPERATIONS + operation] as number) : Number.NaN;
    },
    allocate(id) {
      const row = takeRow();
      const index = indexIn(row);
      const { ids, states, values, operations } = chunkOf(row);
      ids[index] = id;
      states[index] = 0;
      values.fill(UNKNOWN, index * VALUES, (index + 1) * VALUES);
      operations?.fill(UNKNOWN, index * OPERATIONS, (index + 1) * OPERATIONS);
      forgetCounters(row);
      return row;
    },
    release(row) {
      const chunk = row >> CHUNK_BITS;
      const { ids, publishers } = chunkOf(row);
      ids[indexIn(row)] = '';
      publishers[indexIn(row)] = undefined;
      (free[chunk] as number[]).push(row);
      used[chunk] = (used[chunk] as number) - 1;
      if (chunk < firstOpen) firstOpen = chunk;
      if (used[chunk] === 0) close(chunk);
    },
    replaceValues(row, newest, before) {
      const { values } = chunkOf(row);
      const start = indexIn(row) * VALUES - FIRST_PEER_MEASURE;
      for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
        before[measure] = values[start + measure] as number;
        values[start + measure] = newest[measure] as number;
      }
    },
    readValues(row, into) {
      const { values } = chunkOf(row);
      const start = indexIn(row) * VALUES - FIRST_PEER_MEASURE;
      for (let measure = FIRST_PEER_MEASURE; measure < MEASURES.length; measure++) {
        into[measure] = values[start + measure] as number;
      }
    },
    setOperations(row, rates) {
      const chunk = chunkOf(row);
      if (!chunk.operations && !isAnyKnown(rates)) return;
      chunk.operations ??= new Uint32Array(CHUNK_ROWS * OPERATIONS).fill(UNKNOWN);
      const start = indexIn(row) * OPERATIONS;
      for (let operation = 0; operation < OPERATIONS; operation++) {
        chunk.operations[start + operation] = rates[operation] as number;
      }
    },
    readCounters(row, numbers, from, into) {
      const { counters } = chunkOf(row);
      const start = indexIn(row) * COUNTER_COLUMNS;
      for (let counter = 0; counter < COUNTER_COLUMNS; counter++) {
        const reading = numbers[from + counter] as number;
        into[counter] = reading - (counters[start + counter] as number);
        counters[start + counter] = reading;
      }
    },
    forgetCounters,
    state: (row) => chunkOf(row).states[indexIn(row)] as StreamState,
    setState(row, state) {
      chunkOf(row).states[indexIn(row)] = state;
    },
    publisher: (row) => chunkOf(row).publishers[indexIn(row)],
    setPublisher(row, publisher) {
      chunkOf(row).publishers[indexIn(row)] = publisher;
    },
    setId(row, id) {
      chunkOf(row).ids[indexIn(row)] = id;
    },
  };
}

function createChunk(rows: number): Chunk {
  return {
    values: new Uint32Array(rows * VALUES),
    operations: undefined,
    counters: new Float64Array(rows * COUNTER_COLUMNS),
    states: new Uint8Array(rows),
    ids: new Array<string>(rows).fill(''),
    publishers: new Array<Publisher | undefined>(rows).fill(undefined),
  };
}

function isAnyKnown(millionths: Uint32Array): boolean {
  for (let i = 0; i < millionths.length; i++) if (millionths[i] !== UNKNOWN) return true;
  return false;
}

/** The number of the row in its chunk. */
function indexIn(row: number): number {
  return row & (CHUNK_ROWS - 1);
}
