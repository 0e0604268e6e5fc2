/**
 * Public keys of a JWKS (RFC 7517), kept in the isolate: refreshed when they are old or when a token names
 * a key that is not there (rotation), and kept as they are while their source can't be reached.
 */
import { accept, type Result, reject } from '../../shared/reject.ts';
import { type WaitUntil, within } from '../forward/deadline.ts';
import { type JwksKey, type KeySet, readKeySet } from './key-set.ts';

/** Keys older than this are refreshed behind the request that notices it. */
const FRESH_MS = 10 * 60_000;
/** At most one fetch in this time, so that invented key ids can't become a flood of fetches. */
const REFETCH_MS = 10_000;
/** How soon a first fetch that failed is tried again: without keys every token is rejected. */
const FIRST_REFETCH_MS = 1_000;
/** The pause doubles with each failure in a row, up to this: many isolates must not overload a recovering source. */
const REFETCH_MAX_MS = 60_000;
const FETCH_TIMEOUT_MS = 3_000;

export type JwksOptions = {
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
};

/** What a lookup needs of its request: what keeps a background refresh alive, and where to count a failed one. */
export type JwksVisit = { readonly waitUntil: WaitUntil; readonly countError: () => void };

export type Jwks = {
  /**
   * Rejects with `token_invalid` for a key that the source doesn't list, and with `unavailable` while that is
   * unknown: there are no keys yet, or the key may be new and the source can't be reached.
   */
  find(kid: string, visit: JwksVisit): Promise<Result<JwksKey>>;
};

const UNAVAILABLE = reject('unavailable', 'the keys to verify tokens could not be fetched');

export function createJwks({ url, fetch, now }: JwksOptions): Jwks {
  let keys: KeySet | undefined;
  let loadedAtMs = 0;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  /** Fetches in a row that brought no keys, one under way included until it has ended well. */
  let failures = 0;
  let loading: Promise<void> | undefined;

  async function load({ countError }: JwksVisit): Promise<void> {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'manual' });
      if (!response.ok) throw new Error(`status ${response.status}`);
      keys = await readKeySet(response);
      loadedAtMs = now();
      failures = 0;
    } catch {
      // The last good keys stay in use; the counter tells the operator.
      countError();
    } finally {
      loading = undefined;
    }
  }

  /** A clock that was set back has passed time too: it must not keep a rotated key out until it has caught up. */
  const sinceMs = (atMs: number): number => Math.abs(now() - atMs);

  function pauseMs(): number {
    const firstMs = keys ? REFETCH_MS : FIRST_REFETCH_MS;
    return Math.min(firstMs * 2 ** Math.max(0, failures - 1), REFETCH_MAX_MS);
  }

  /** Starts a load unless one runs or one just ran; each caller waits on its own timer. */
  async function refresh(visit: JwksVisit): Promise<void> {
    if (!loading && sinceMs(triedAtMs) >= pauseMs()) {
      triedAtMs = now();
      // Counted as failed until it succeeds: a load that lost its request never says how it ended.
      failures += 1;
      loading = load(visit);
      visit.waitUntil(loading);
    }
    if (loading) await within(loading, FETCH_TIMEOUT_MS + 500, undefined);
    // A load that lost its request never ends: after the timeout it no longer counts as running.
    if (sinceMs(triedAtMs) > FETCH_TIMEOUT_MS) loading = undefined;
  }

  return {
    async find(kid, visit) {
      if (!keys?.has(kid)) await refresh(visit);
      else if (sinceMs(loadedAtMs) > FRESH_MS) visit.waitUntil(refresh(visit));
      const key = keys?.get(kid);
      if (key) return accept(key);
      return keys && failures === 0 ? reject('token_invalid', 'the key id is unknown') : UNAVAILABLE;
    },
  };
}
