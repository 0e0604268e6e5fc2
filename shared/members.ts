/** Members of JSON objects, decoded by a schema that says what each may be. */
import { isFields } from './fields.ts';
import { accept, type Reject, type Result, reject } from './reject.ts';

export const COUNTER_MAX = Number.MAX_SAFE_INTEGER;
/** Either way: protobuf's zigzag doubles a signed number, and a double holds whole numbers up to 2^53. */
export const SIGNED_MAX = 2 ** 52 - 1;
/** The only number that may be negative: it is signed in W3C, and duplicate packets make it fall. */
export const SIGNED_MEMBER = 'packetsLost';

/** What a member may be: a number up to a limit, a text of a closed set, or a boolean. */
export type Rule = number | readonly string[] | 'boolean';
export type Schema = { readonly [name: string]: Rule };

/** An object of that schema. Every member may be absent, which means unknown. */
export type Members<S extends Schema> = {
  -readonly [Name in keyof S]?: S[Name] extends number
    ? number
    : S[Name] extends readonly (infer Choice)[]
      ? Choice
      : boolean;
};

/** Reads the members that the schema names. Absent members stay absent. */
export function decodeMembers<S extends Schema>(value: unknown, schema: S, path: string): Result<Members<S>> {
  if (!isFields(value)) return reject('invalid_field', `${path} is not an object`);
  const members: { [name: string]: unknown } = {};
  for (const name in schema) {
    const member = value[name];
    if (member === undefined) continue;
    const rule: Rule = schema[name] as Rule;
    if (typeof rule === 'number') {
      const invalid = checkNumber(member, rule, path, name);
      if (invalid) return invalid;
      members[name] = member;
    } else if (rule === 'boolean') {
      if (typeof member !== 'boolean') return reject('invalid_field', `${path}.${name} is not a boolean`);
      members[name] = member;
    } else {
      if (typeof member !== 'string') return reject('invalid_field', `${path}.${name} is not a string`);
      const choice = choiceOf(rule, member);
      if (choice !== undefined) members[name] = choice;
    }
  }
  return accept(members as Members<S>);
}

/** The name for unknown texts in the sets that have it. */
const OTHER = 'other';

/**
 * A text of a newer client that is not in the set must not reject its whole beacon: it becomes `other` where the set has
 * that, and unknown where it does not.
 */
function choiceOf(set: readonly string[], text: string): string | undefined {
  if (set.includes(text)) return text;
  return set.includes(OTHER) ? OTHER : undefined;
}

/** @returns undefined when the value is a number from 0 to `max`, or for `packetsLost` from `-max` to `max` */
export function checkNumber(value: unknown, max: number, path: string, name: string | number): Reject | undefined {
  if (typeof value !== 'number') return reject('invalid_field', `${path}.${name} is not a number`);
  // Written this way round because NaN fails every comparison.
  if (!(value <= max && value >= (name === SIGNED_MEMBER ? -max : 0))) {
    const min = name === SIGNED_MEMBER ? `-${max}` : '0';
    return reject('out_of_range', `${path}.${name} is not within ${min} to ${max}`);
  }
  return undefined;
}
