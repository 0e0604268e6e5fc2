/**
 * Public keys of a JWKS (RFC 7517), kept in the isolate: refreshed when they are old or when a token names
 * a key that is not there (rotation), and kept as they are while their source can't be reached.
 */
import { accept, type Result, reject } from '../../shared/reject.ts';
import { type Hold, within } from '../forward/deadline.ts';

export type JwksAlgorithm = 'EdDSA' | 'ES256';
export type JwksKey = { readonly alg: JwksAlgorithm; readonly key: CryptoKey };

/** Keys older than this are refreshed behind the request that notices it. */
const FRESH_MS = 10 * 60_000;
/** At most one fetch in this time, so that invented key ids can't become a flood of fetches. */
const REFETCH_MS = 10_000;
/** How soon a first fetch that failed is tried again: without keys nobody gets in. */
const FIRST_REFETCH_MS = 1_000;
const FETCH_TIMEOUT_MS = 3_000;
const KEYS_MAX = 64;

export type JwksOptions = {
  readonly url: string;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly now: () => number;
};

/** What a lookup needs of its request: where to hold a background refresh, and where to count a failed one. */
export type JwksVisit = { readonly hold: Hold; readonly countError: () => void };

export type Jwks = {
  /** Refuses with `token_invalid` for a key that does not exist, `unavailable` when there are no keys at all. */
  find(kid: string, visit: JwksVisit): Promise<Result<JwksKey>>;
};

export function createJwks({ url, fetch, now }: JwksOptions): Jwks {
  let keys: ReadonlyMap<string, JwksKey> | undefined;
  let loadedAtMs = 0;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let loading: Promise<void> | undefined;

  async function load({ countError }: JwksVisit): Promise<void> {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'manual' });
      if (!response.ok) throw new Error(`status ${response.status}`);
      keys = await importKeys(await response.json());
      loadedAtMs = now();
    } catch {
      // The last good keys stay in use; the counter tells the operator.
      countError();
    } finally {
      loading = undefined;
    }
  }

  /** Starts a load unless one runs or the last was a moment ago; whoever waits does so with a timer of its own. */
  async function refresh(visit: JwksVisit): Promise<void> {
    const pauseMs = keys ? REFETCH_MS : FIRST_REFETCH_MS;
    if (!loading && now() - triedAtMs >= pauseMs) {
      triedAtMs = now();
      loading = load(visit);
      visit.hold(loading);
    }
    // A load that lost its request never ends: after the timeout it no longer counts as running.
    if (loading) await within(loading, FETCH_TIMEOUT_MS + 500, undefined);
    if (now() - triedAtMs > FETCH_TIMEOUT_MS) loading = undefined;
  }

  return {
    async find(kid, visit) {
      if (!keys?.has(kid)) await refresh(visit);
      else if (now() - loadedAtMs > FRESH_MS) visit.hold(refresh(visit));
      if (!keys) return reject('unavailable', 'the keys to verify tokens could not be fetched');
      const key = keys.get(kid);
      return key ? accept(key) : reject('token_invalid', 'the key id is unknown');
    },
  };
}

/** Keeps what can verify a token here; a set with other keys beside them is no error. */
async function importKeys(set: unknown): Promise<Map<string, JwksKey>> {
  const listed = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined;
  if (!Array.isArray(listed)) throw new TypeError('no key set');
  const keys = new Map<string, JwksKey>();
  for (const item of listed.slice(0, KEYS_MAX)) {
    const jwk = item as JsonWebKey & { kid?: unknown };
    const alg = algorithmOf(jwk);
    if (!alg || typeof jwk.kid !== 'string') continue;
    keys.set(jwk.kid, { alg, key: await importKey(jwk, alg) });
  }
  return keys;
}

/** The algorithm follows from the key, never from the token (RFC 8725, 3.1). */
function algorithmOf(jwk: JsonWebKey | null): JwksAlgorithm | undefined {
  if (typeof jwk !== 'object' || jwk === null || (jwk.use !== undefined && jwk.use !== 'sig')) return undefined;
  const alg = jwk.kty === 'OKP' && jwk.crv === 'Ed25519' ? 'EdDSA' : jwk.kty === 'EC' && jwk.crv === 'P-256' && 'ES256';
  return alg && (jwk.alg === undefined || jwk.alg === alg) ? alg : undefined;
}

function importKey(jwk: JsonWebKey, alg: JwksAlgorithm): Promise<CryptoKey> {
  const { kty, crv, x, y } = jwk;
  const algorithm = alg === 'EdDSA' ? { name: 'Ed25519' } : { name: 'ECDSA', namedCurve: 'P-256' };
  const publicPart = alg === 'EdDSA' ? { kty, crv, x } : { kty, crv, x, y };
  return crypto.subtle.importKey('jwk', publicPart as JsonWebKey, algorithm, false, ['verify']);
}
