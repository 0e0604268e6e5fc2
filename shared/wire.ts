/**
 * Decodes protobuf messages into plain objects, by tables of their fields; the aggregator's hot path has its
 * own reader. `pbf` trusts its input; what NATS delivers is not trusted, so here a value must have its
 * field's wire type, end within its message, and come once unless it is repeated.
 */
import { PbfReader, type PbfWriter } from 'pbf';
import { accept, type Result, reject } from './reject.ts';

/** Protobuf wire types. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A field: the member that it becomes, its wire type, how its value is read (a length before it included). */
export type WireField = {
  readonly name: string;
  readonly wireType: number;
  readonly read: (reader: PbfReader) => unknown;
  /** A `repeated` message: its values become a list, which is there even if it is empty. */
  readonly isList?: boolean;
};

/** The fields of a message by their numbers. */
export type WireMessage = { readonly [field: number]: WireField };

/** All our text is ASCII. pbf drops a partial character at the end, so the bytes themselves are checked. */
export function ascii(name: string): WireField {
  const read = (reader: PbfReader) => {
    const bytes = reader.readBytes();
    if (bytes.some((byte) => byte > 0x7f)) throw new DamagedError(`${name} that is not ASCII`);
    return String.fromCharCode(...bytes.subarray(0, ASCII_MAX));
  };
  return { name, wireType: BYTES, read };
}

/** A varint up to 2^64: above 2^53 it is inexact, and over every limit anyway. */
export function unsigned(name: string): WireField {
  return { name, wireType: VARINT, read: (reader) => reader.readVarint() };
}

export function flag(name: string): WireField {
  return { name, wireType: VARINT, read: (reader) => reader.readBoolean() };
}

export function double(name: string): WireField {
  return { name, wireType: FIXED64, read: (reader) => reader.readDouble() };
}

export function message(name: string, fields: WireMessage): WireField {
  return { name, wireType: BYTES, read: (reader) => readFields(reader, reader.readVarint() + reader.pos, fields) };
}

export function list(name: string, fields: WireMessage): WireField {
  return { ...message(name, fields), isList: true };
}

/** `repeated` numbers, packed. */
export function packed(name: string, convert: (value: number) => number = (value) => value): WireField {
  return { name, wireType: BYTES, read: (reader) => reader.readPackedVarint().map(convert) };
}

/** Longer than every text may be. */
const ASCII_MAX = 4_096;

/** Thrown for damaged bytes, and caught in {@link decodeMessage}. */
class DamagedError extends Error {}

/** Decodes a whole message. What its members may be is for the caller to check. */
export function decodeMessage(data: Uint8Array, fields: WireMessage): Result<{ readonly [name: string]: unknown }> {
  const reader = new PbfReader(data);
  try {
    return accept(readFields(reader, data.length, fields));
  } catch (error) {
    // pbf throws for a varint of more than ten bytes, and DataView for a number that lies past the end.
    const detail = error instanceof DamagedError ? error.message : 'a value that is no protobuf';
    return reject('invalid_field', `${detail}, near byte ${reader.pos}`);
  }
}

function readFields(reader: PbfReader, end: number, fields: WireMessage): { [name: string]: unknown } {
  const result: { [name: string]: unknown } = {};
  for (const field of Object.values(fields) as WireField[]) if (field.isList) result[field.name] = [];
  while (reader.pos < end) {
    const tag = reader.readVarint();
    const wireType = tag % 8;
    const valueEnd = endOfValue(reader, wireType);
    if (valueEnd > end) throw new DamagedError('a value that ends past its message');
    if (tag < 8) throw new DamagedError('a field 0');
    const field = fields[Math.floor(tag / 8)];
    if (!field) {
      reader.pos = valueEnd;
      continue;
    }
    if (wireType !== field.wireType) throw new DamagedError(`${field.name} of wire type ${wireType}`);
    // pbf looks here for whether repeated numbers are packed.
    reader.type = wireType;
    const value = field.read(reader);
    if (reader.pos !== valueEnd) throw new DamagedError(`${field.name} of another length than it says`);
    if (field.isList) (result[field.name] as unknown[]).push(value);
    else if (Object.hasOwn(result, field.name)) throw new DamagedError(`${field.name} twice`);
    else result[field.name] = value;
  }
  return result;
}

/** Where the value that begins here ends. Leaves the reader where it is. */
function endOfValue(reader: PbfReader, wireType: number): number {
  const start = reader.pos;
  if (wireType === FIXED64) return start + 8;
  if (wireType === FIXED32) return start + 4;
  if (wireType !== VARINT && wireType !== BYTES) throw new DamagedError(`a wire type ${wireType}`);
  const value = reader.readVarint();
  const end = wireType === BYTES ? reader.pos + value : reader.pos;
  reader.pos = start;
  return end;
}

/**
 * How a member of a beacon is written. A number: `count` as a whole number, `signed` as one that may be negative, `micro`
 * and `milli` as whole millionths and thousandths of its unit, `double` as it is. `flag`: a boolean. A text of a closed
 * set: the set itself, of which an enum counts the texts from 1.
 */
export type NumberKind = 'count' | 'signed' | 'micro' | 'milli' | 'double';
export type MemberKind = NumberKind | 'flag' | readonly string[];

/** A member: its name in the JSON beacon, its field number in edgepulse.proto, its kind. */
export type MemberField<Name extends string = string, Kind extends MemberKind = MemberKind> = {
  readonly name: Name;
  readonly field: number;
  readonly kind: Kind;
};

/** Writes the members that are there: absent stays absent, and zero is written. */
export function writeMembers<Name extends string>(
  fields: readonly MemberField<Name>[],
  members: { readonly [N in Name]?: number | string | boolean },
  out: PbfWriter,
): void {
  for (const { name, field, kind } of fields) {
    const member = members[name];
    if (member === undefined) continue;
    if (typeof member === 'number') writeNumber(field, kind as NumberKind, member, out);
    else if (typeof member === 'boolean') out.writeBooleanField(field, member);
    else out.writeVarintField(field, (kind as readonly string[]).indexOf(member) + 1);
  }
}

function writeNumber(field: number, kind: NumberKind, value: number, out: PbfWriter): void {
  if (kind === 'count') out.writeVarintField(field, Math.round(value));
  else if (kind === 'milli') out.writeVarintField(field, Math.round(value * 1e3));
  else if (kind === 'micro') out.writeVarintField(field, Math.round(value * 1e6));
  else if (kind === 'signed') out.writeSVarintField(field, Math.round(value));
  else out.writeDoubleField(field, value);
}

const READ_NUMBER: { readonly [Kind in NumberKind]: Omit<WireField, 'name'> } = {
  count: { wireType: VARINT, read: (reader) => reader.readVarint() },
  signed: { wireType: VARINT, read: (reader) => reader.readSVarint() },
  // Divided and not multiplied: the quotient is the nearest double to the decimal that was written.
  micro: { wireType: VARINT, read: (reader) => reader.readVarint() / 1e6 },
  milli: { wireType: VARINT, read: (reader) => reader.readVarint() / 1e3 },
  double: { wireType: FIXED64, read: (reader) => reader.readDouble() },
};

/** A text of a closed set. 0 is absent; a number that only a newer writer's set has becomes a text that is in no set. */
function choice(name: string, set: readonly string[]): WireField {
  return { ...unsigned(name), read: (reader) => nameOf(set, reader.readVarint()) };
}

function nameOf(set: readonly string[], number: number): string | undefined {
  return number === 0 ? undefined : (set[number - 1] ?? 'unknown');
}

export function members(fields: readonly MemberField[]): WireMessage {
  return Object.fromEntries(fields.map(({ name, field, kind }) => [field, memberField(name, kind)]));
}

function memberField(name: string, kind: MemberKind): WireField {
  if (typeof kind !== 'string') return choice(name, kind);
  return kind === 'flag' ? flag(name) : { name, ...READ_NUMBER[kind] };
}
