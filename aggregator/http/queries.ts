/** The JSON API: `GET /api/v1/overview` and `GET /api/v1/sessions`, paced and bounded as scrapes are. */
import * as v from 'valibot';
import { isId } from '../../shared/beacon.ts';
import type { Overview, WorstSession } from './answers.ts';
import type { Pacer } from './pacer.ts';
import { type Handler, JSON_HEADERS, sendBody, sendJson, sendProblem } from './respond.ts';
import { WORST_SORTS, type WorstQuery } from './worst-sessions.ts';

export type QueryOptions = {
  readonly overview: () => Generator<void, Overview, void>;
  readonly worst: (query: WorstQuery) => Generator<void, WorstSession[], void>;
  readonly regions: readonly string[];
  readonly pacer: Pacer;
  /** The wall clock, in ms. */
  readonly now: () => number;
};

export type Queries = { readonly overview: Handler; readonly sessions: Handler };

const QUERIES_AT_ONCE = 8;

export function createQueries(options: QueryOptions): Queries {
  return { overview: createOverviewQuery(options), sessions: createSessionsQuery(options) };
}

function createOverviewQuery({ overview, pacer }: QueryOptions): Handler {
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
    return Buffer.from(`${members},"regions":[${texts.join(',')}]}\n`);
  }

  return async (_, response, query) => {
    if (query.size > 0) {
      sendProblem(response, 400, 'no parameters');
      return;
    }
    // The answer is the same for everybody, so one is computed and written at a time, however many boards are open.
    underWay ??= pacer.run(write()).finally(() => {
      underWay = undefined;
    });
    sendBody(response, 200, await underWay, JSON_HEADERS);
  };
}

function createSessionsQuery({ worst, regions, pacer, now }: QueryOptions): Handler {
  let underWay = 0;
  const Query = querySchema(regions);
  return async (_, response, query) => {
    const parsed = v.safeParse(Query, Object.fromEntries(query));
    if (!parsed.success) {
      sendProblem(response, 400, parsed.issues.map((issue) => issue.message).join('; '));
      return;
    }
    if (underWay >= QUERIES_AT_ONCE) {
      sendProblem(response, 503, 'too many queries at once', { 'retry-after': '1' });
      return;
    }
    const { region, meeting_id, sort, limit } = parsed.output;
    underWay++;
    try {
      const sessions = await pacer.run(
        worst({
          sort,
          limit,
          nowMs: now(),
          ...(region === undefined ? {} : { region }),
          ...(meeting_id === undefined ? {} : { meetingId: meeting_id }),
        }),
      );
      sendJson(response, 200, { sort, sessions });
    } finally {
      underWay--;
    }
  };
}

function querySchema(regions: readonly string[]) {
  const entries = {
    region: v.optional(v.picklist(regions, 'region: is not a region of this aggregator')),
    meeting_id: v.optional(v.custom<string>(isId, 'meeting_id: is not an id')),
    sort: v.optional(v.picklist(WORST_SORTS, `sort: is not one of ${WORST_SORTS.join(', ')}`), 'rtt'),
    limit: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^\d{1,3}$/, 'limit: is not an integer from 1 to 100'),
        v.transform(Number),
        v.minValue(1, 'limit: is less than 1'),
        v.maxValue(100, 'limit: is more than 100'),
      ),
      '20',
    ),
  };
  return v.strictObject(entries, `parameters are ${Object.keys(entries).join(', ')}`);
}
