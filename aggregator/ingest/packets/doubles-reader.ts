/** Reads messages of doubles, which proto3 leaves out when they are zero, straight into a row of numbers. */
import { BYTES, FIXED64, type WireReader } from '../wire-reader.ts';
import { NOTHING_KNOWN, TAG_MAX } from './tags.ts';

/** The doubles of a message and of messages within it. */
export type DoublesTable = {
  /** By field: where it goes; -1 for those that nobody reads. */
  readonly columns: Int16Array;
  /** By field: the largest value allowed, as it is on the wire; the smallest is zero. */
  readonly max: Float64Array;
  /** By field: what the value on the wire is divided by. */
  readonly divisors: Float64Array;
  readonly messages: readonly (DoublesTable | undefined)[];
  /** Its own columns, without those of messages within it. */
  readonly all: readonly number[];
};

export type DoubleField = { readonly column: number; readonly max: number; readonly divisor?: number };

/** How a message was read. */
export const READ = 0;
export const DAMAGED = 1;
export const OUT_OF_RANGE = 2;
export type ReadOutcome = typeof READ | typeof DAMAGED | typeof OUT_OF_RANGE;

export type DoublesReader = {
  /**
   * Reads the message that ends at `end` into the row that begins at `at`: what it leaves out is zero there. A message
   * that is not there at all leaves its columns as they are.
   */
  read(table: DoublesTable, numbers: Float64Array, at: number, end: number): ReadOutcome;
};

/** Fields of these messages are below. */
const FIELDS = 16;

/** @param fields by number, the doubles, and `messages` the messages within */
export function createDoublesTable(
  fields: { readonly [field: number]: DoubleField },
  messages: { readonly [field: number]: DoublesTable } = {},
): DoublesTable {
  const table = {
    columns: new Int16Array(FIELDS).fill(-1),
    max: new Float64Array(FIELDS),
    divisors: new Float64Array(FIELDS).fill(1),
    messages: Array.from({ length: FIELDS }, (_, field) => messages[field]),
    all: Object.values(fields).map(({ column }) => column),
  };
  for (const [number, { column, max, divisor = 1 }] of Object.entries(fields)) {
    const field = Number(number);
    table.columns[field] = column;
    table.max[field] = max * divisor;
    table.divisors[field] = divisor;
  }
  return table;
}

export function createDoublesReader(wire: WireReader): DoublesReader {
  const { values } = wire;
  let row: Float64Array;
  let from = 0;

  function readDouble(table: DoublesTable, field: number, end: number): ReadOutcome {
    if (values.pos + 8 > end) return DAMAGED;
    const value = values.dataView.getFloat64(values.pos, true);
    values.pos += 8;
    row[from + (table.columns[field] as number)] = value / (table.divisors[field] as number);
    // NaN fails it too.
    return value >= 0 && value <= (table.max[field] as number) ? READ : OUT_OF_RANGE;
  }

  function readInner(table: DoublesTable, end: number): ReadOutcome {
    const innerEnd = wire.endOfMessage(end);
    return innerEnd === 0 ? DAMAGED : readMessage(table, innerEnd);
  }

  function readField(table: DoublesTable, tag: number, end: number): ReadOutcome {
    const field = tag >>> 3;
    const wireType = tag & 7;
    const inner = field < FIELDS ? table.messages[field] : undefined;
    if (inner) return wireType === BYTES ? readInner(inner, end) : DAMAGED;
    if (field < FIELDS && (table.columns[field] as number) >= 0) {
      return wireType === FIXED64 ? readDouble(table, field, end) : DAMAGED;
    }
    return wire.skip(tag, NOTHING_KNOWN, end) ? READ : DAMAGED;
  }

  function readMessage(table: DoublesTable, end: number): ReadOutcome {
    for (const column of table.all) row[from + column] = 0;
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (tag > TAG_MAX) return DAMAGED;
      const field = tag >>> 3;
      if (field < FIELDS && (table.messages[field] || (table.columns[field] as number) >= 0)) {
        if ((seen & (1 << field)) !== 0) return DAMAGED;
        seen |= 1 << field;
      }
      const outcome = readField(table, tag, end);
      if (outcome !== READ) return outcome;
    }
    return values.pos === end ? READ : DAMAGED;
  }

  return {
    read(table, numbers, at, end) {
      row = numbers;
      from = at;
      return readMessage(table, end);
    },
  };
}
