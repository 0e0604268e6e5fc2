/** Sessions as an answer lists them: as text, which takes a fraction of what their objects do, and in an order that can be merged. */
import {
  FIRST_PEER_MEASURE,
  figureName,
  MEASURE,
  MEASURES,
  type Measure,
  type MeasureName,
} from '../../live/measures.ts';
import type { EndedSession, PeerFigures, WorstSession } from '../answers.ts';

/** @property order the one with the highest comes first */
export type Entry = { readonly text: string; readonly order: number };

/** What one process found. */
export type Listed = {
  /** How many there are, of which some are listed. */
  readonly total: number;
  readonly living: readonly Entry[];
  readonly ended?: ListedEnded;
};

export type ListedEnded = { readonly total: number; readonly reachMs: number; readonly list: readonly Entry[] };

/** Each is read in a slice of its own. */
export function* listLiving(sessions: Iterable<WorstSession>, sort: MeasureName): Generator<void, Entry[], void> {
  const orderOf = badnessBy(sort);
  return yield* list(sessions, orderOf);
}

export function* listEnded(sessions: Iterable<EndedSession>): Generator<void, Entry[], void> {
  return yield* list(sessions, ({ ended_ms }) => ended_ms);
}

function* list<Session>(sessions: Iterable<Session>, orderOf: (session: Session) => number) {
  const entries: Entry[] = [];
  for (const session of sessions) {
    entries.push({ text: JSON.stringify(session), order: orderOf(session) });
    yield;
  }
  return entries;
}

/** Several together: every session is in one shard alone. */
export function merge(lists: readonly Listed[], limit: number): Listed {
  const ended = lists.flatMap((one) => one.ended ?? []);
  return {
    total: sum(lists),
    living: first(
      lists.map(({ living }) => living),
      limit,
    ),
    ...(ended.length > 0 && {
      ended: {
        total: sum(ended),
        reachMs: Math.max(...ended.map(({ reachMs }) => reachMs)),
        list: first(
          ended.map((one) => one.list),
          limit,
        ),
      },
    }),
  };
}

function sum(lists: readonly { readonly total: number }[]): number {
  return lists.reduce((all, { total }) => all + total, 0);
}

function first(lists: readonly (readonly Entry[])[], limit: number): Entry[] {
  // -Infinity is equal to itself, and not 0 away from it.
  return lists
    .flat()
    .sort((a, b) => (a.order === b.order ? 0 : b.order - a.order))
    .slice(0, limit);
}

/** How bad a session is by a measure, as its answer says it: by its own figure, or by that of the worst of its peers. */
function badnessBy(sort: MeasureName): (session: WorstSession) => number {
  const measure: Measure | undefined = MEASURES[MEASURE[sort]];
  const figure = figureName(measure as Measure) as keyof PeerFigures & keyof WorstSession;
  const sign = measure?.isLowBad ? -1 : 1;
  const badnessOf = (value: number | undefined) => (value === undefined ? Number.NEGATIVE_INFINITY : sign * value);
  if (MEASURE[sort] < FIRST_PEER_MEASURE) return (session) => badnessOf(session[figure]);
  return ({ peers }) => Math.max(...peers.map((peer) => badnessOf(peer[figure])));
}
