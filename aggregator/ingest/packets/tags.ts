/** Tags of messages that have fields above 31, which are more than a `fieldSet` holds. */
import { fieldSet } from '../wire-reader.ts';

/** A tag is a uint32: shifting a larger number would make a small field of it. */
export const TAG_MAX = 0xffff_ffff;

/** For `skip`: what is known is looked up by the caller, and field 0 damages every message. */
export const NOTHING_KNOWN = fieldSet([]);

/** The fields of a message that are read, by number, each with its wire type. */
export type KnownFields = {
  /** A bit of its own for each field that may come once; 0 for one that is not known, or may come again. */
  bitOf(field: number): number;
  /** Whether the field is known, and comes with another wire type than its own. */
  isDamaged(tag: number): boolean;
};

const FIELDS = 128;
const UNKNOWN = 255;

/** @param once wire types by field; @param repeated the same, of fields that may come more often */
export function knownFields(
  once: { readonly [field: number]: number },
  repeated: { readonly [field: number]: number } = {},
): KnownFields {
  const wireTypes = new Uint8Array(FIELDS).fill(UNKNOWN);
  const bits = new Int32Array(FIELDS);
  for (const [field, wireType] of Object.entries({ ...once, ...repeated })) wireTypes[Number(field)] = wireType;
  for (const [i, field] of Object.keys(once).entries()) bits[Number(field)] = 1 << i;
  return {
    bitOf: (field) => (field < FIELDS ? (bits[field] as number) : 0),
    isDamaged(tag) {
      const wireType = tag >>> 3 < FIELDS ? (wireTypes[tag >>> 3] as number) : UNKNOWN;
      return wireType !== UNKNOWN && wireType !== (tag & 7);
    },
  };
}
