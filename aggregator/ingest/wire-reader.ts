/**
 * The bytes of a protobuf message, and what reading any message of edgepulse.proto needs. `pbf` reads the values. It
 * trusts its input: past the end it reads garbage or throws. So a message must end exactly where its length says, and a
 * message that makes it throw is damaged.
 */
import { PbfReader } from 'pbf';
import { LIMITS } from '../../shared/beacon.ts';
import { COUNTER_MAX } from '../../shared/members.ts';
import { createIdReader } from './id-reader.ts';

/** Protobuf wire types: the lowest three bits of a tag. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

/** Where a message ends is the position after its last byte. */
export type WireReader = {
  /** Reads values at its position. */
  readonly values: PbfReader;
  /** Begins with other bytes. */
  open(data: Uint8Array): void;
  /** Passes over the field of `tag`, which must not be a known one. @returns false when damaged */
  skip(tag: number, known: number, end: number): boolean;
  /** Where the message that begins here, with its length, ends; 0 when that is past `end`. */
  endOfMessage(end: number): number;
  /** A length-prefixed id; empty when it is invalid. */
  id(end: number): string;
  /** Passes over a length-prefixed id that nobody keeps, without making a text of it. @returns false when it is invalid */
  skipId(end: number): boolean;
  /** ASCII text of the bytes between; empty when it has other characters, too. */
  text(from: number, to: number): string;
  /** A whole number up to what can be counted; NaN for more. */
  count(): number;
};

/** Field numbers up to 31 as bits. Field 0 is in every set, since it damages every message. */
export function fieldSet(fields: Iterable<number>): number {
  let known = 1;
  for (const field of fields) known |= 1 << field;
  return known;
}

/** Whether the field of `tag` is in a {@link fieldSet}: it may come once, and with its own wire type. */
export function isKnown(tag: number, known: number): boolean {
  return tag < 256 && ((known >>> (tag >>> 3)) & 1) === 1;
}

export function createWireReader(): WireReader {
  const ids = createIdReader();
  const values = new PbfReader(new Uint8Array(0));

  /** Passes over an id's length. @returns how long it is; 0 when that is invalid */
  function idLength(end: number): number {
    const length = values.readVarint();
    return length <= LIMITS.idLength && values.pos + length <= end ? length : 0;
  }

  return {
    values,
    open(data) {
      values.buf = data;
      values.dataView = new DataView(data.buffer, data.byteOffset, data.byteLength);
      values.pos = 0;
      values.length = data.length;
      ids.use(data);
    },
    skip(tag, known, end) {
      if (isKnown(tag, known)) return false;
      const wireType = tag % 8;
      if (wireType === VARINT) values.readVarint();
      else if (wireType === BYTES) values.pos = values.readVarint() + values.pos;
      else if (wireType === FIXED64) values.pos += 8;
      else if (wireType === FIXED32) values.pos += 4;
      else return false;
      return values.pos <= end;
    },
    endOfMessage(end) {
      const length = values.readVarint();
      const messageEnd = values.pos + length;
      return messageEnd <= end ? messageEnd : 0;
    },
    id(end) {
      const length = idLength(end);
      const from = values.pos;
      if (length === 0) return '';
      values.pos = from + length;
      return ids.id(from, from + length);
    },
    skipId(end) {
      const length = idLength(end);
      const from = values.pos;
      values.pos = from + length;
      return length > 0 && ids.isId(from, from + length);
    },
    text: ids.text,
    count() {
      const value = values.readVarint();
      return value <= COUNTER_MAX ? value : Number.NaN;
    },
  };
}
