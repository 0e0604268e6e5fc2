/** The JSON API, paced and bounded as scrapes are: here `GET /api/v1/overview`. */
import * as v from 'valibot';
import { ALL_REGIONS, type History, type HistoryReading, STEP_MS } from '../history/history.ts';
import type { OverviewNow } from './overview/overview.ts';
import type { Pacer } from './pacer.ts';
import { type Handler, JSON_HEADERS, sendParts, sendProblem } from './respond.ts';
import { createSessionsHandlers, type SessionsOptions } from './sessions/sessions-query.ts';
import { createPartHandler, type PartOptions } from './shards/part-query.ts';

export type QueryOptions = SessionsOptions &
  PartOptions & {
    readonly overview: () => Generator<void, OverviewNow, void>;
    readonly history: History;
  };

export type Queries = {
  readonly overview: Handler;
  readonly sessions: Handler;
  /** What this process alone knows, for those that show the whole. */
  readonly part: Handler;
  readonly partSessions: Handler;
};

export function createQueries(options: QueryOptions): Queries {
  const { sessions, partSessions } = createSessionsHandlers(options);
  return { overview: createOverviewQuery(options), sessions, part: createPartHandler(options), partSessions };
}

type OverviewOptions = Pick<QueryOptions, 'overview' | 'history'> & { readonly pacer: Pacer };

function createOverviewQuery({ overview, history, pacer }: OverviewOptions): Handler {
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
