/**
 * A queue of rows in chunks of fixed size: what the oldest rows took is given back in chunks, and growing never copies what
 * is there. A row is known by its number, which rises for as long as the process lives.
 */

export type Rows<Chunk> = {
  /** The oldest row that is there, and the one that is appended next: equal when there is none. */
  readonly first: number;
  readonly end: number;
  /** How many rows there is memory for. */
  readonly capacity: number;
  /** @param row is there */
  chunkOf(row: number): Chunk;
  /** A row to be written; it has what another one left in it. */
  append(): number;
  /** Drops the oldest rows, all before `to`. */
  dropBefore(to: number): void;
};

const CHUNK_BITS = 10;
export const CHUNK_ROWS = 1 << CHUNK_BITS;

/** The number of a row in its chunk. */
export function indexIn(row: number): number {
  return row % CHUNK_ROWS;
}

export function createRows<Chunk>(createChunk: (rows: number) => Chunk): Rows<Chunk> {
  /** By the number of the chunk. */
  const chunks = new Map<number, Chunk>();
  /** The chunk that was given back last, so that a queue that stays as long as it is allocates nothing. */
  let spare: Chunk | undefined;
  let first = 0;
  let end = 0;

  return {
    get first() {
      return first;
    },
    get end() {
      return end;
    },
    get capacity() {
      return (chunks.size + (spare ? 1 : 0)) * CHUNK_ROWS;
    },
    chunkOf: (row) => chunks.get(Math.floor(row / CHUNK_ROWS)) as Chunk,
    append() {
      const chunk = Math.floor(end / CHUNK_ROWS);
      if (!chunks.has(chunk)) {
        chunks.set(chunk, spare ?? createChunk(CHUNK_ROWS));
        spare = undefined;
      }
      return end++;
    },
    dropBefore(to) {
      // The number of a row that never came, when all before it had left: the next one has a later number by now.
      if (to <= first) return;
      for (let chunk = Math.floor(first / CHUNK_ROWS); (chunk + 1) * CHUNK_ROWS <= to; chunk++) {
        spare = chunks.get(chunk) ?? spare;
        chunks.delete(chunk);
      }
      first = to;
      if (first < end) return;
      // Nobody is left in the last chunk either.
      chunks.clear();
      first = end = Math.ceil(end / CHUNK_ROWS) * CHUNK_ROWS;
    },
  };
}
