/** Reads what a beacon says of the session itself straight into its row of numbers. */
import {
  CLIENT_FIELDS,
  CONNECTION_FIELDS,
  JOIN_FIELDS,
  PATH_FIELDS,
  SENT_AUDIO_FIELDS,
  SENT_FIELD,
  SENT_VIDEO_FIELDS,
  SESSION_FIELD,
  STATE_FIELDS,
} from '../../../shared/session-codec.ts';
import { CLIENT, CONNECTION, JOIN, PATH, SENT_AUDIO, SENT_VIDEO, STATE } from '../../../shared/session-members.ts';
import type { Report, Reports } from '../../store/report/report.ts';
import { SESSION_COLUMN } from '../../store/report/session-columns.ts';
import { createNumberReader } from '../number-reader.ts';
import { createNumberTable, type NumberTable } from '../number-table.ts';
import { BYTES, type WireReader } from '../wire-reader.ts';

export type SessionReader = {
  /** Where the next parts go: into the report's row. */
  into(report: Report, reports: Reports): void;
  /** Whether the field of `tag` is such a part. */
  has(tag: number): boolean;
  /** Reads the part of `tag` that ends at `end`. @returns false when it is damaged */
  read(tag: number, end: number): boolean;
};

const SENT = createNumberTable(
  [],
  {},
  {},
  {
    [SENT_FIELD.audio]: createNumberTable(SENT_AUDIO_FIELDS, SENT_AUDIO, SESSION_COLUMN.sentAudio),
    [SENT_FIELD.video]: createNumberTable(SENT_VIDEO_FIELDS, SENT_VIDEO, SESSION_COLUMN.sentVideo),
  },
);

/** By tag of `Beacon`. */
const TABLES: (NumberTable | undefined)[] = new Array(256).fill(undefined);
for (const [tag, table] of [
  [SESSION_FIELD.client * 8 + BYTES, createNumberTable(CLIENT_FIELDS, CLIENT, SESSION_COLUMN.client)],
  [SESSION_FIELD.state * 8 + BYTES, createNumberTable(STATE_FIELDS, STATE, SESSION_COLUMN.state)],
  [SESSION_FIELD.path * 8 + BYTES, createNumberTable(PATH_FIELDS, PATH, SESSION_COLUMN.path)],
  [SESSION_FIELD.connection * 8 + BYTES, createNumberTable(CONNECTION_FIELDS, CONNECTION, SESSION_COLUMN.connection)],
  [SESSION_FIELD.join * 8 + BYTES, createNumberTable(JOIN_FIELDS, JOIN, SESSION_COLUMN.join)],
  [SESSION_FIELD.sent * 8 + BYTES, SENT],
] as const)
  TABLES[tag] = table;

export function createSessionReader(wire: WireReader): SessionReader {
  const numbers = createNumberReader(wire);

  return {
    into: (report, reports) => numbers.into(reports.sessionNumbers, report.sessionAt),
    has: (tag) => TABLES[tag] !== undefined,
    read: (tag, end) => numbers.read(TABLES[tag] as NumberTable, end),
  };
}
