/** The JSON API: `GET /api/v1/overview` and `GET /api/v1/sessions`, paced and bounded as scrapes are. */
import * as v from 'valibot';
import { isId } from '../../shared/beacon.ts';
import { ALL_REGIONS, type History, type HistoryReading, STEP_MS } from '../history/history.ts';
import type { WorstSessions } from './answers.ts';
import type { OverviewNow } from './overview/overview.ts';
import type { Pacer } from './pacer.ts';
import { type Handler, JSON_HEADERS, sendBody, sendParts, sendProblem } from './respond.ts';
import type { EndedQuery, FoundEndedSessions } from './sessions/ended-sessions.ts';
import { type FoundSessions, LIMIT_MAX, WORST_SORTS, type WorstQuery } from './sessions/worst-sessions.ts';

export type QueryOptions = {
  readonly overview: () => Generator<void, OverviewNow, void>;
  readonly history: History;
  readonly worst: (query: WorstQuery) => Generator<void, FoundSessions, void>;
  readonly ended: (query: EndedQuery) => Generator<void, FoundEndedSessions, void>;
  readonly regions: readonly string[];
  readonly pacer: Pacer;
  /** The wall clock, in ms. */
  readonly now: () => number;
};

export type Queries = { readonly overview: Handler; readonly sessions: Handler };

/** Each may have a meeting of a thousand sessions in hand, which is tens of megabytes. */
const QUERIES_AT_ONCE = 4;
const LIMIT_DEFAULT = 20;

export function createQueries(options: QueryOptions): Queries {
  return { overview: createOverviewQuery(options), sessions: createSessionsQuery(options) };
}

function createOverviewQuery({ overview, history, pacer }: QueryOptions): Handler {
  let underWay: Promise<Buffer> | undefined;

  /** Region by region: with 64 regions of 256 servers it is 33 MB and takes 0.4 s, which would hold up the ingest. */
  function* write(): Generator<void, Buffer, void> {
    const { regions, ...rest } = yield* overview();
    const texts: string[] = [];
    for (const region of regions) {
      texts.push(JSON.stringify(region));
      yield;
    }
    const members = JSON.stringify(rest).slice(0, -1);
    return Buffer.from(`${members},"regions":[${texts.join(',')}]`);
  }

  return async (_, response, query) => {
    const parsed = v.safeParse(OverviewQuery, Object.fromEntries(query));
    if (!parsed.success) {
      sendProblem(response, 400, parsed.issues.map((issue) => issue.message).join('; '));
      return;
    }
    if (query.size > 1) {
      sendProblem(response, 400, 'a parameter can be given once');
      return;
    }
    // The same for everybody, so one is computed and written at a time, however many boards are open. What each has of the
    // history already is its own.
    underWay ??= pacer.run(write()).finally(() => {
      underWay = undefined;
    });
    const now = await underWay;
    const past = await pacer.run(writeHistory(history.read(parsed.output.since_ms), history.regions));
    sendParts(response, 200, [now, Buffer.from(`,"history":${past}}\n`)], JSON_HEADERS);
  };
}

/** Region by region: of 64, it is 1 MB. */
function* writeHistory(reading: HistoryReading, regions: readonly string[]): Generator<void, string, void> {
  const texts: string[] = [];
  for (const region of regions) {
    texts.push(`${JSON.stringify(region)}:${JSON.stringify(reading.of(region))}`);
    yield;
  }
  const all = JSON.stringify(reading.of(ALL_REGIONS));
  const times = JSON.stringify(reading.timesMs);
  return `{"step_seconds":${STEP_MS / 1000},"times_ms":${times},"all":${all},"regions":{${texts.join(',')}}}`;
}

const OverviewQuery = v.strictObject(
  {
    since_ms: v.optional(
      v.pipe(v.string(), v.regex(/^\d{1,15}$/, 'since_ms: is not a time in ms since the epoch'), v.transform(Number)),
    ),
  },
  'parameters are since_ms',
);

function createSessionsQuery({ worst, ended, regions, pacer, now }: QueryOptions): Handler {
  let underWay = 0;
  const Query = querySchema(regions);

  /** Session by session: a meeting of a thousand takes long to write. */
  function* write(asked: AskedSessions): Generator<void, Buffer, void> {
    const found = yield* worst(asked.query);
    const members: Omit<WorstSessions, 'sessions'> = { sort: asked.query.sort, total: found.total };
    const parts = [Buffer.from(`${JSON.stringify(members).slice(0, -1)},"sessions":[`)];
    yield* writeEach(parts, found.sessions);
    if (asked.withEnded) {
      const { total, reachMs, sessions } = yield* ended(asked.query);
      parts.push(Buffer.from(`],"ended_total":${total},"ended_reach_ms":${reachMs},"ended":[`));
      yield* writeEach(parts, sessions);
    }
    return Buffer.concat([...parts, Buffer.from(']}\n')]);
  }

  return async (_, response, query) => {
    const asked = readQuery(Query, query, now());
    if (typeof asked === 'string') {
      sendProblem(response, 400, asked);
      return;
    }
    if (underWay >= QUERIES_AT_ONCE) {
      sendProblem(response, 503, 'too many queries at once', { 'retry-after': '1' });
      return;
    }
    underWay++;
    try {
      sendBody(response, 200, await pacer.run(write(asked)), JSON_HEADERS);
    } finally {
      underWay--;
    }
  };
}

function* writeEach(parts: Buffer[], sessions: Iterable<object>): Generator<void, void, void> {
  let separator = '';
  for (const session of sessions) {
    parts.push(Buffer.from(separator + JSON.stringify(session)));
    separator = ',';
    yield;
  }
}

type AskedSessions = { readonly query: WorstQuery & EndedQuery; readonly withEnded: boolean };

/** @returns what is wrong with it, or the query */
function readQuery(
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

function querySchema(regions: readonly string[]) {
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
