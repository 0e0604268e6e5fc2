/** Reads the members of a message straight into a row of numbers, by its table. */
import { COUNT, DOUBLE, FLAG, MESSAGE, type NumberTable, OTHER, PARTS, SIGNED } from './number-table.ts';
import type { WireReader } from './wire-reader.ts';

export type NumberReader = {
  /** Where the numbers go: to the columns from `from` on. */
  into(row: Float64Array, from: number): void;
  /** Reads the message that ends at `end`. @returns false when it is damaged */
  read(table: NumberTable, end: number): boolean;
};

/** Bytes of the message, up to and without `end`. */
type Span = { readonly from: number; readonly end: number };

export function createNumberReader(wire: WireReader): NumberReader {
  const { values } = wire;
  let numbers: Float64Array;
  let at = 0;

  /** Keeps a varint as it is on the wire. @returns false when it is out of range */
  function keep(table: NumberTable, tag: number, value: number): boolean {
    const column = at + (table.columns[tag] as number);
    const max = table.max[tag] as number;
    switch (table.types[tag]) {
      case COUNT:
        numbers[column] = value;
        return value <= max;
      case PARTS:
        numbers[column] = value / (table.divisors[tag] as number);
        return value <= max;
      case SIGNED:
        numbers[column] = value % 2 === 1 ? (value + 1) / -2 : value / 2;
        return Math.abs(numbers[column] as number) <= max;
      case FLAG:
        numbers[column] = value === 0 ? 0 : 1;
        return true;
      default:
        // What no set has is unknown.
        numbers[column] = value > max ? (table.beyond[tag] as number) : value === 0 ? Number.NaN : value;
        return true;
    }
  }

  function readDouble(table: NumberTable, tag: number, { from, end }: Span): boolean {
    if (from + 8 > end) return false;
    const value = values.dataView.getFloat64(from, true);
    numbers[at + (table.columns[tag] as number)] = value;
    // NaN fails it too.
    return value >= 0 && value <= (table.max[tag] as number);
  }

  function readInner(table: NumberTable, tag: number, end: number): boolean {
    const innerEnd = wire.endOfMessage(end);
    return innerEnd !== 0 && read(table.messages[tag] as NumberTable, innerEnd);
  }

  /**
   * The position is a variable while it reads members, and `values` has it only for what is rare: through its field, which
   * every byte moves, the fifty to seventy numbers of a beacon took half as long again.
   */
  function read(table: NumberTable, end: number): boolean {
    const bytes = values.buf;
    const { types } = table;
    let pos = values.pos;
    let seen = 0;
    while (pos < end) {
      const tag = bytes[pos] as number;
      const type = types[tag] as number;
      if (type === OTHER) {
        values.pos = pos;
        if (!wire.skip(values.readVarint(), table.known, end)) return false;
        pos = values.pos;
        continue;
      }
      const field = 1 << (tag >>> 3);
      if ((seen & field) !== 0) return false;
      seen |= field;
      pos++;
      if (type === MESSAGE) {
        values.pos = pos;
        if (!readInner(table, tag, end)) return false;
        pos = values.pos;
        continue;
      }
      if (type === DOUBLE) {
        if (!readDouble(table, tag, { from: pos, end })) return false;
        pos += 8;
        continue;
      }
      const first = pos;
      let byte = bytes[pos++] as number;
      let value = byte & 0x7f;
      for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
        byte = bytes[pos++] as number;
        value |= (byte & 0x7f) << shift;
      }
      if (byte >= 0x80) {
        values.pos = first;
        value = values.readVarint();
        pos = values.pos;
      }
      if (!keep(table, tag, value)) return false;
    }
    values.pos = pos;
    return pos === end;
  }

  return {
    into(row, from) {
      numbers = row;
      at = from;
    },
    read,
  };
}
