/** How the members of a protobuf message go into a row of numbers: a table by tag, so that reading one is a few loads. */
import type { Rule } from '../../shared/members.ts';
import type { MemberField, NumberKind } from '../../shared/wire.ts';
import { BYTES, FIXED64, fieldSet, VARINT } from './wire-reader.ts';

/** What a tag's value is; {@link OTHER} is everything that the message has no member for. */
export const OTHER = 0;
/** A whole number, as it stands. */
export const COUNT = 1;
/** A whole number of parts of the unit. */
export const PARTS = 2;
export const SIGNED = 3;
export const DOUBLE = 4;
export const FLAG = 5;
export const CHOICE = 6;
/** A message within this one. */
export const MESSAGE = 7;

export type NumberTable = {
  /** The fields of the message, as a `fieldSet`. */
  readonly known: number;
  /** By the first byte of a tag, which is all of it for the fields that are known: one of the constants above. */
  readonly types: Uint8Array;
  /** By tag: the largest value allowed, as it is on the wire; the smallest is zero, of a signed one as much below it. */
  readonly max: Float64Array;
  /** By tag: what the value on the wire is divided by. */
  readonly divisors: Float64Array;
  /** By tag: what a choice over its largest is taken for; NaN is unknown. */
  readonly beyond: Float64Array;
  /** By tag: the column of the row. */
  readonly columns: Uint8Array;
  /** By tag: the tables of messages within this one. */
  readonly messages: readonly (NumberTable | undefined)[];
};

/** All that a byte may be; below 128 it is a whole tag, of a field up to 15. */
const TAGS = 256;

const TYPES: { readonly [Kind in NumberKind]: number } = {
  count: COUNT,
  signed: SIGNED,
  milli: PARTS,
  micro: PARTS,
  double: DOUBLE,
};
const DIVISORS: { readonly [Kind in NumberKind]: number } = { count: 1, signed: 1, milli: 1e3, micro: 1e6, double: 1 };

/**
 * @param schema what each member may be, a number in its own unit
 * @param columns where each goes
 * @param messages by field: the tables of messages within this one, which go into the same row
 */
export function createNumberTable<Name extends string>(
  fields: readonly MemberField<Name>[],
  schema: { readonly [N in Name]: Rule },
  columns: { readonly [N in Name]: number },
  messages: { readonly [field: number]: NumberTable } = {},
): NumberTable {
  const inner: (NumberTable | undefined)[] = [];
  const table: NumberTable = {
    known: fieldSet([...fields.map(({ field }) => field), ...Object.keys(messages).map(Number)]),
    types: new Uint8Array(TAGS),
    max: new Float64Array(TAGS),
    divisors: new Float64Array(TAGS).fill(1),
    beyond: new Float64Array(TAGS).fill(Number.NaN),
    columns: new Uint8Array(TAGS),
    messages: inner,
  };
  for (const [field, message] of Object.entries(messages)) {
    const tag = Number(field) * 8 + BYTES;
    table.types[tag] = MESSAGE;
    inner[tag] = message;
  }
  for (const { name, field, kind } of fields) {
    const tag = field * 8 + (kind === 'double' ? FIXED64 : VARINT);
    table.columns[tag] = columns[name];
    if (kind === 'flag') table.types[tag] = FLAG;
    else if (typeof kind !== 'string') {
      table.types[tag] = CHOICE;
      table.max[tag] = kind.length;
      if (kind.includes('other')) table.beyond[tag] = kind.indexOf('other') + 1;
    } else {
      table.types[tag] = TYPES[kind];
      table.divisors[tag] = DIVISORS[kind];
      table.max[tag] = (schema[name] as number) * DIVISORS[kind];
    }
  }
  return table;
}
