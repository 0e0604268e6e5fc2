/** Reads the members of a message straight into a row of numbers, by its table. */
import { CHOICE, DOUBLE, FLAG, type NumberTable, OTHER, SIGNED } from './number-table.ts';
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

  /** NaN for what no set has. */
  function readChoice(table: NumberTable, tag: number): number {
    const choice = values.readVarint();
    if (choice > (table.max[tag] as number)) return table.beyond[tag] as number;
    return choice === 0 ? Number.NaN : choice;
  }

  /** NaN when it is out of range, or ends past the message. */
  function readNumber(table: NumberTable, tag: number, end: number): number {
    const type = table.types[tag];
    if (type === DOUBLE && values.pos + 8 > end) return Number.NaN;
    const value = type === DOUBLE ? values.readDouble() : type === SIGNED ? values.readSVarint() : values.readVarint();
    const isAllowed = value >= (table.min[tag] as number) && value <= (table.max[tag] as number);
    return isAllowed ? value / (table.divisors[tag] as number) : Number.NaN;
  }

  function read(table: NumberTable, end: number): boolean {
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      const type = tag < table.types.length ? (table.types[tag] as number) : OTHER;
      const inner = type === OTHER ? table.messages.get(tag) : undefined;
      if (type === OTHER && !inner) {
        if (!wire.skip(tag, table.known, end)) return false;
        continue;
      }
      const field = 1 << (tag >>> 3);
      if ((seen & field) !== 0) return false;
      seen |= field;
      const column = at + (table.columns[tag] as number);
      if (inner) {
        const innerEnd = wire.endOfMessage(end);
        if (innerEnd === 0 || !read(inner, innerEnd)) return false;
      } else if (type === CHOICE) numbers[column] = readChoice(table, tag);
      else if (type === FLAG) numbers[column] = values.readVarint() === 0 ? 0 : 1;
      else {
        const value = readNumber(table, tag, end);
        if (Number.isNaN(value)) return false;
        numbers[column] = value;
      }
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
