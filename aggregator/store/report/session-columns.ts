/**
 * The columns, in a row of a report, of what a session says about itself. NaN is absent. A text of a closed set is its
 * index in the set, from 1; a boolean is 0 or 1.
 */
import type { Rule, Schema } from '../../../shared/members.ts';
import {
  CLIENT,
  CONNECTION,
  JOIN,
  PATH,
  SENT_AUDIO,
  SENT_VIDEO,
  type SessionMembers,
  STATE,
} from '../../../shared/session-members.ts';
import { type Numbered, numbered } from '../../live/numbered.ts';

const PARTS = {
  client: CLIENT,
  state: STATE,
  path: PATH,
  connection: CONNECTION,
  join: JOIN,
  sentAudio: SENT_AUDIO,
  sentVideo: SENT_VIDEO,
} as const;

type Part = keyof typeof PARTS;
type Columns = { readonly [P in Part]: Numbered<keyof (typeof PARTS)[P] & string> };

/** By where each stands in the beacon. */
export const SESSION_COLUMN = columnsOf(PARTS);
/** How many columns a row has. */
export const SESSION_COLUMNS = Object.values(PARTS).reduce((count, schema) => count + Object.keys(schema).length, 0);

/** Writes the members that are there into the row that begins at `at`. */
export function writeSessionRow(rows: Float64Array, at: number, { sent, ...members }: SessionMembers): void {
  const parts: { readonly [P in Part]?: { readonly [name: string]: unknown } | undefined } = {
    ...members,
    sentAudio: sent?.audio,
    sentVideo: sent?.video,
  };
  for (const part of Object.keys(PARTS) as Part[]) {
    const schema: Schema = PARTS[part];
    const columns: { readonly [name: string]: number } = SESSION_COLUMN[part];
    for (const [name, member] of Object.entries(parts[part] ?? {})) {
      rows[at + (columns[name] as number)] = numberOf(schema[name] as Rule, member);
    }
  }
}

function numberOf(rule: Rule, member: unknown): number {
  return typeof rule === 'object' ? rule.indexOf(member as string) + 1 : Number(member);
}

function columnsOf(parts: { readonly [part: string]: Schema }): Columns {
  const columns: { [part: string]: { readonly [name: string]: number } } = {};
  let next = 0;
  for (const [part, schema] of Object.entries(parts)) {
    const names = Object.keys(schema);
    columns[part] = numbered(names, next);
    next += names.length;
  }
  return columns as Columns;
}
