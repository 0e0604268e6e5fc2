/** How the numbers of a protobuf message go into a peer's row: a table by tag, so that reading one is a few loads. */
import { SIGNED_MEMBER } from '../../shared/beacon.ts';
import type { NumberField, NumberKind } from '../../shared/wire.ts';
import { FIXED64, fieldSet, VARINT } from './wire-reader.ts';

/** What a tag's value is; {@link OTHER} is everything that the message has no number for. */
export const OTHER = 0;
export const UNSIGNED = 1;
export const SIGNED = 2;
export const DOUBLE = 3;

export type NumberTable = {
  /** The fields of the message, as a `fieldSet`. */
  readonly known: number;
  /** By tag below 128: {@link UNSIGNED}, {@link SIGNED}, {@link DOUBLE} or {@link OTHER}. */
  readonly types: Uint8Array;
  /** By tag: the smallest and the largest value allowed, as they are on the wire. */
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** By tag: what the value on the wire is divided by. */
  readonly divisors: Float64Array;
  /** By tag: the column of the row. */
  readonly columns: Uint8Array;
};

/** Tags of one byte: fields up to 15. */
const TAGS = 128;

const DIVISORS: { readonly [Kind in NumberKind]: number } = { count: 1, signed: 1, milli: 1e3, micro: 1e6, double: 1 };

/**
 * @param limits the largest value of each number, in its own unit
 * @param columns where each number goes
 * @param others fields of the message that are no numbers
 */
export function createNumberTable<Name extends string>(
  fields: readonly NumberField<Name>[],
  limits: { readonly [N in Name]: number },
  columns: { readonly [N in Name]: number },
  others: readonly number[] = [],
): NumberTable {
  const table: NumberTable = {
    known: fieldSet([...fields.map(({ field }) => field), ...others]),
    types: new Uint8Array(TAGS),
    min: new Float64Array(TAGS),
    max: new Float64Array(TAGS),
    divisors: new Float64Array(TAGS),
    columns: new Uint8Array(TAGS),
  };
  for (const { name, field, kind } of fields) {
    const tag = field * 8 + (kind === 'double' ? FIXED64 : VARINT);
    table.types[tag] = kind === 'double' ? DOUBLE : kind === 'signed' ? SIGNED : UNSIGNED;
    table.divisors[tag] = DIVISORS[kind];
    table.max[tag] = limits[name] * DIVISORS[kind];
    table.min[tag] = name === SIGNED_MEMBER ? -(table.max[tag] as number) : 0;
    table.columns[tag] = columns[name];
  }
  return table;
}
