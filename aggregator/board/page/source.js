/** What the page asks the aggregator, and why there was no answer. */

/** @typedef {import('../../http/answers.ts').Overview} Overview */
/** @typedef {import('../../http/answers.ts').WorstSession} WorstSession */
/** @typedef {{ readonly sort: string, readonly region: string, readonly limit: number }} WorstChoice `region` may be empty: all */
/** @typedef {{ readonly sessions: readonly WorstSession[], readonly ended: readonly import('../../http/answers.ts').EndedSession[], readonly reachMs: number | undefined }} Found */

/** Shorter than the time between two polls, so that they never pile up. */
const TIMEOUT_MS = 4_500;

/** The folder of the page: a proxy may serve it under a path. A page's address may hold a login, which no fetch may. */
function baseUrl() {
  const url = new URL('.', location.href);
  url.username = '';
  url.password = '';
  return url;
}

/**
 * @param {number} [sinceMs] only the steps of the history after it; without one, all of them
 * @returns {Promise<Overview>}
 * @throws {Error} whose message says what is wrong, to be shown
 */
export async function fetchOverview(sinceMs) {
  const answer = await ask(`api/v1/overview${sinceMs === undefined ? '' : `?since_ms=${sinceMs}`}`);
  const text = await answer.text().catch(noAnswer);
  try {
    return parseOverview(text);
  } catch (cause) {
    throw new Error('the aggregator\u2019s answer cannot be read', { cause });
  }
}

/** What the page cannot do without; an aggregator of an older version, which a proxy asks during a rollout, lacks some. */
const MEMBERS = /** @type {const} */ (['all', 'history', 'incident', 'objectives', 'shard', 'shown']);

/**
 * @param {string} text
 * @returns {Overview}
 * @throws {SyntaxError | TypeError} when it is something else: whatever answered, it was no aggregator
 */
export function parseOverview(text) {
  const body = JSON.parse(text);
  const isOverview = Array.isArray(body?.regions) && body.regions.length > 0 && MEMBERS.every((name) => body[name]);
  if (!isOverview) throw new TypeError('no overview in the answer');
  return body;
}

/**
 * @param {WorstChoice} choice
 * @returns {Promise<readonly WorstSession[]>}
 * @throws {Error} as {@link fetchOverview}
 */
export async function fetchWorst({ sort, region, limit }) {
  const query = new URLSearchParams({ sort, limit: `${limit}`, ...(region ? { region } : {}) });
  const answer = await ask(`api/v1/sessions?${query}`);
  const body = await answer.json().catch(noAnswer);
  return body.sessions;
}

/**
 * Those that live, the worst first, and those that ended within the last 15 minutes, the newest first.
 * @param {{ readonly meeting_id: string } | { readonly session_id: string }} choice
 * @returns {Promise<Found>}
 * @throws {Error} as {@link fetchOverview}
 */
export async function fetchSessions(choice) {
  const answer = await ask(lookupPath(choice));
  const body = await answer.json().catch(noAnswer);
  return { sessions: body.sessions, ended: body.ended ?? [], reachMs: body.ended_reach_ms };
}

/** @param {{ readonly meeting_id: string } | { readonly session_id: string }} choice */
function lookupPath(choice) {
  return `api/v1/sessions?${new URLSearchParams({ ...choice, ended: 'true' })}`;
}

/**
 * A command that asks the same; the login does no harm where none is needed.
 * @param {{ readonly meeting_id: string } | { readonly session_id: string }} choice
 */
export function lookupCommand(choice) {
  return `curl -s -u ":$METRICS_TOKEN" '${new URL(lookupPath(choice), baseUrl())}'`;
}

/** @param {string} path */
async function ask(path) {
  const answer = await fetch(new URL(path, baseUrl()), {
    headers: { accept: 'application/json' },
    cache: 'no-store',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(noAnswer);
  if (answer.ok) return answer;
  await answer.body?.cancel();
  if (answer.status === 401)
    throw new Error('the aggregator wants its METRICS_TOKEN: reload, and give it as the password');
  throw new Error(`the aggregator answers ${answer.status}`);
}

/** @param {unknown} cause @returns {never} */
function noAnswer(cause) {
  throw new Error('the aggregator does not answer', { cause });
}
