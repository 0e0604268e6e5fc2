/** Reads the members of a message straight into a row of numbers, by its table. */
import { COUNT, DOUBLE, FLAG, type NumberTable, OTHER, PARTS, SIGNED } from './number-table.ts';
import type { WireReader } from './wire-reader.ts';

export type NumberReader = {
  /** Where the numbers go: to the columns from `from` on. */
  into(row: Float64Array, from: number): void;
  /** Reads the message that ends at `end`. @returns false when it is damaged */
  read(table: NumberTable, end: number): boolean;
};

export function createNumberReader(wire: WireReader): NumberReader {
  const { values } = wire;
  let numbers: Float64Array;
  let at = 0;

  /**
   * A varint at `from`, as most are: less than 2^28. Here, because a number is read fifty times a beacon: through the
   * position of `values`, which every byte moves, it took half as long again.
   * @returns the value; `values` stands after it
   */
  function readVarint(from: number): number {
    const bytes = values.buf;
    const first = bytes[from] as number;
    if (first < 0x80) {
      values.pos = from + 1;
      return first;
    }
    const second = bytes[from + 1] as number;
    let value = (first & 0x7f) | ((second & 0x7f) << 7);
    if (second < 0x80) {
      values.pos = from + 2;
      return value;
    }
    const third = bytes[from + 2] as number;
    value |= (third & 0x7f) << 14;
    if (third < 0x80) {
      values.pos = from + 3;
      return value;
    }
    const fourth = bytes[from + 3] as number;
    value |= (fourth & 0x7f) << 21;
    if (fourth < 0x80) {
      values.pos = from + 4;
      return value;
    }
    values.pos = from;
    return values.readVarint();
  }

  /** @returns false when it is out of range, or ends past the message */
  function readMember(table: NumberTable, tag: number, end: number): boolean {
    const column = at + (table.columns[tag] as number);
    const type = table.types[tag];
    if (type === DOUBLE) {
      if (values.pos + 8 > end) return false;
      const value = values.readDouble();
      numbers[column] = value;
      // NaN fails it too.
      return value >= 0 && value <= (table.max[tag] as number);
    }
    const value = readVarint(values.pos);
    switch (type) {
      case COUNT:
        numbers[column] = value;
        return value <= (table.max[tag] as number);
      case PARTS:
        numbers[column] = value / (table.divisors[tag] as number);
        return value <= (table.max[tag] as number);
      case SIGNED:
        numbers[column] = value % 2 === 1 ? (value + 1) / -2 : value / 2;
        return Math.abs(numbers[column] as number) <= (table.max[tag] as number);
      case FLAG:
        numbers[column] = value === 0 ? 0 : 1;
        return true;
      default:
        // What no set has is unknown.
        numbers[column] =
          value > (table.max[tag] as number) ? (table.beyond[tag] as number) : value === 0 ? Number.NaN : value;
        return true;
    }
  }

  function read(table: NumberTable, end: number): boolean {
    let seen = 0;
    while (values.pos < end) {
      const tag = readVarint(values.pos);
      const type = tag < table.types.length ? (table.types[tag] as number) : OTHER;
      const inner = type === OTHER ? table.messages.get(tag) : undefined;
      if (type === OTHER && !inner) {
        if (!wire.skip(tag, table.known, end)) return false;
        continue;
      }
      const field = 1 << (tag >>> 3);
      if ((seen & field) !== 0) return false;
      seen |= field;
      if (inner) {
        const innerEnd = wire.endOfMessage(end);
        if (innerEnd === 0 || !read(inner, innerEnd)) return false;
      } else if (!readMember(table, tag, end)) return false;
    }
    return values.pos === end;
  }

  return {
    into(row, from) {
      numbers = row;
      at = from;
    },
    read,
  };
}
