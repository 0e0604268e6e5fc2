/** The parameters of a query for sessions: a name that is misspelt must not look like a fleet that is well. */
import * as v from 'valibot';
import { isId } from '../../../shared/beacon.ts';
import type { EndedQuery } from './ended-sessions.ts';
import { LIMIT_MAX, WORST_SORTS, type WorstQuery } from './worst-sessions.ts';

const LIMIT_DEFAULT = 20;

export type AskedSessions = { readonly query: WorstQuery & EndedQuery; readonly withEnded: boolean };

/** @returns what is wrong with it, or the query */
export function readQuery(
  schema: ReturnType<typeof querySchema>,
  query: URLSearchParams,
  nowMs: number,
): AskedSessions | string {
  const parameters = Object.fromEntries(query);
  const parsed = v.safeParse(schema, parameters);
  if (!parsed.success) return parsed.issues.map((issue) => issue.message).join('; ');
  if (Object.keys(parameters).length < query.size) return 'a parameter can be given once';
  const { region, meeting_id, session_id, ended, sort, limit } = parsed.output;
  const isLookUp = meeting_id !== undefined || session_id !== undefined;
  const asked = {
    sort,
    limit: limit ?? (isLookUp ? LIMIT_MAX : LIMIT_DEFAULT),
    nowMs,
    ...(region === undefined ? {} : { region }),
    ...(meeting_id === undefined ? {} : { meetingId: meeting_id }),
    ...(session_id === undefined ? {} : { sessionId: session_id }),
  };
  return { query: asked, withEnded: ended === 'true' };
}

/** @param regions that may be asked for */
export function querySchema(regions: readonly string[]) {
  const limitMessage = `limit: is not an integer from 1 to ${LIMIT_MAX}`;
  const entries = {
    region: v.optional(v.picklist(regions, `region: is not one of ${regions.join(', ')}`)),
    meeting_id: v.optional(idSchema('meeting_id')),
    session_id: v.optional(idSchema('session_id')),
    ended: v.optional(v.picklist(['true', 'false'], 'ended: is not true or false'), 'false'),
    sort: v.optional(v.picklist(WORST_SORTS, `sort: is not one of ${WORST_SORTS.join(', ')}`), 'rtt'),
    limit: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,4}$/, limitMessage),
        v.transform(Number),
        v.minValue(1, limitMessage),
        v.maxValue(LIMIT_MAX, limitMessage),
      ),
    ),
  };
  return v.pipe(
    v.strictObject(entries, `parameters are ${Object.keys(entries).join(', ')}`),
    v.check(
      ({ ended, meeting_id, session_id }) => ended === 'false' || meeting_id !== undefined || session_id !== undefined,
      'ended: takes a meeting_id or a session_id',
    ),
  );
}

function idSchema(name: string) {
  return v.custom<string>(isId, `${name}: is not an id of at most 64 of A-Z a-z 0-9 _ . -`);
}
