/** The ended sessions of a meeting, or of a session that began and ended several times: the newest first. */
import type { EndedSearch } from '../../store/ended/ended.ts';
import type { Sessions } from '../../store/sessions.ts';
import type { EndedSession } from '../answers.ts';
import { describeEnded } from './describe-session.ts';

export type EndedQuery = EndedSearch & { readonly nowMs: number };

export type FoundEndedSessions = {
  readonly total: number;
  /** Since when they are complete, by the broker's clock. */
  readonly reachMs: number;
  /** To be read once: each is described when it is read. */
  readonly sessions: Iterable<EndedSession>;
};

export function* findEnded(sessions: Sessions, query: EndedQuery): Generator<void, FoundEndedSessions, void> {
  const { region, nowMs } = query;
  const { total, rows } = yield* sessions.ended.find(query, nowMs);
  const regions = sessions.regions.filter((name) => region === undefined || name === region);
  // Of what came and went in a region that can't be heard, nothing is known.
  const isHeard = regions.every((name) => !sessions.isWithdrawn(name, nowMs));
  return { total, reachMs: isHeard ? sessions.ended.reachMs(nowMs) : nowMs, sessions: describeEach(sessions, rows) };
}

function* describeEach({ ended }: Sessions, rows: readonly number[]): Generator<EndedSession, void, void> {
  for (const row of rows) {
    const session = ended.read(row);
    if (session) yield describeEnded(session);
  }
}
