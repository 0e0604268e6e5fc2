/** How the numbers of a protobuf message go into a peer's row: a table by tag, so that reading one is a few loads. */
import type { NumberField, NumberKind } from '../../shared/wire.ts';

/** What a tag's value is; {@link OTHER} is everything that the message has no number for. */
export const OTHER = 0;
export const UNSIGNED = 1;
export const SIGNED = 2;
export const DOUBLE = 3;

export type NumberTable = {
  /** The largest field number that the message has. */
  readonly fields: number;
  /** By tag below 128: {@link UNSIGNED}, {@link SIGNED}, {@link DOUBLE} or {@link OTHER}. */
  readonly types: Uint8Array;
  /** By tag: the largest value allowed, as it is on the wire. */
  readonly max: Float64Array;
  /** By tag: what the value on the wire is divided by. */
  readonly divisors: Float64Array;
  /** By tag: the column of the row, or -1 for a number that is checked and not kept. */
  readonly columns: Int8Array;
};

/** Tags of one byte: fields up to 15. */
const TAGS = 128;
const VARINT = 0;
const FIXED64 = 1;

const DIVISORS: { readonly [Kind in NumberKind]: number } = { count: 1, signed: 1, milli: 1e3, micro: 1e6, double: 1 };

/**
 * @param limits the largest value of each number, in its own unit
 * @param columns where a number goes; one without a column is checked and not kept
 */
export function createNumberTable(
  fields: readonly NumberField[],
  limits: { readonly [name: string]: number },
  columns: { readonly [name: string]: number } = {},
): NumberTable {
  const table: NumberTable = {
    fields: Math.max(...fields.map(({ field }) => field)),
    types: new Uint8Array(TAGS),
    max: new Float64Array(TAGS),
    divisors: new Float64Array(TAGS),
    columns: new Int8Array(TAGS).fill(-1),
  };
  for (const { name, field, kind } of fields) {
    const tag = field * 8 + (kind === 'double' ? FIXED64 : VARINT);
    table.types[tag] = kind === 'double' ? DOUBLE : kind === 'signed' ? SIGNED : UNSIGNED;
    table.divisors[tag] = DIVISORS[kind];
    table.max[tag] = (limits[name] as number) * DIVISORS[kind];
    table.columns[tag] = columns[name] ?? -1;
  }
  return table;
}
