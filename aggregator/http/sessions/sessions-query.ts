/**
 * `GET /api/v1/sessions`: the sessions of this process, and of the other shards that it is told of. Whoever answers another
 * shard says only what it knows itself.
 */
import type { WorstSessions } from '../answers.ts';
import type { Pacer } from '../pacer.ts';
import { type Handler, JSON_HEADERS, sendBody, sendProblem } from '../respond.ts';
import type { EndedQuery, FoundEndedSessions } from './ended-sessions.ts';
import { writeFound } from './found-text.ts';
import { type Listed, listEnded, listLiving, merge } from './listed.ts';
import { type AskedSessions, querySchema, readQuery } from './query-parameters.ts';
import type { FoundSessions, WorstQuery } from './worst-sessions.ts';

export type SessionsOptions = {
  readonly worst: (query: WorstQuery) => Generator<void, FoundSessions, void>;
  readonly ended: (query: EndedQuery) => Generator<void, FoundEndedSessions, void>;
  /** What the other shards find. @param search the query as it was asked */
  readonly others: (search: string, asked: AskedSessions) => Promise<Others>;
  /** That may be asked for; and those that another shard may ask for, all of the topology. */
  readonly regions: readonly string[];
  readonly topologyRegions: readonly string[];
  readonly pacer: Pacer;
  /** The broker's time, in ms. */
  readonly now: () => number;
};

/** What other shards found, and which parts an answer has then. */
export type Others = { readonly found: readonly Listed[]; readonly shown: WorstSessions['shown'] };

/** Each may have a meeting of a thousand sessions in hand, which is tens of megabytes. */
const QUERIES_AT_ONCE = 4;

export function createSessionsHandlers(options: SessionsOptions): { sessions: Handler; partSessions: Handler } {
  const { others, regions, topologyRegions, pacer } = options;
  return {
    sessions: createHandler(options, regions, async (asked, search) => {
      const [own, { found, shown }] = await Promise.all([pacer.run(find(options, asked)), others(search, asked)]);
      return pacer.run(writeAnswer(merge([own, ...found], asked.query.limit), asked, shown));
    }),
    partSessions: createHandler(options, topologyRegions, (asked) => pacer.run(writeOwn(options, asked))),
  };
}

type Answer = (asked: AskedSessions, search: string) => Promise<Buffer>;

function createHandler({ now }: SessionsOptions, regions: readonly string[], answer: Answer): Handler {
  let underWay = 0;
  const Query = querySchema(regions);

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
      sendBody(response, 200, await answer(asked, `${query}`), JSON_HEADERS);
    } finally {
      underWay--;
    }
  };
}

function* find({ worst, ended }: SessionsOptions, { query, withEnded }: AskedSessions): Generator<void, Listed, void> {
  const found = yield* worst(query);
  const living = yield* listLiving(found.sessions, query.sort);
  const list = { total: found.total, living };
  if (!withEnded) return list;
  const { total, reachMs, sessions } = yield* ended(query);
  return { ...list, ended: { total, reachMs, list: yield* listEnded(sessions) } };
}

/** Session by session: a meeting of a thousand takes long to write. */
function* writeAnswer(
  { total, living, ended }: Listed,
  { query: { sort } }: AskedSessions,
  shown: WorstSessions['shown'],
): Generator<void, Buffer, void> {
  const members: Omit<WorstSessions, 'sessions'> = { sort, total, shown };
  const parts = [Buffer.from(`${JSON.stringify(members).slice(0, -1)},"sessions":[`)];
  yield* writeEach(parts, living);
  if (ended) {
    parts.push(Buffer.from(`],"ended_total":${ended.total},"ended_reach_ms":${ended.reachMs},"ended":[`));
    yield* writeEach(parts, ended.list);
  }
  return Buffer.concat([...parts, Buffer.from(']}\n')]);
}

function* writeEach(parts: Buffer[], list: readonly { readonly text: string }[]): Generator<void, void, void> {
  let separator = '';
  for (const { text } of list) {
    parts.push(Buffer.from(separator + text));
    separator = ',';
    yield;
  }
}

function* writeOwn(options: SessionsOptions, asked: AskedSessions): Generator<void, Buffer, void> {
  const found = yield* find(options, asked);
  const lines: Buffer[] = [];
  for (const line of writeFound(found)) {
    lines.push(Buffer.from(line));
    yield;
  }
  return Buffer.concat(lines);
}
