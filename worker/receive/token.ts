/**
 * Who may post for which session: checks a JWT (RFC 7519) and remembers the verified ones until they expire,
 * so that only the first beacon of a session costs a signature check. What a token says leaves this module
 * as claims; the token itself never does.
 */
import { decode, verify } from 'hono/jwt';
import { isId } from '../../shared/beacon.ts';
import { AUDIENCE } from '../../shared/claims.ts';
import { accept, type Result, reject } from '../../shared/reject.ts';
import type { Jwks, JwksVisit } from './jwks.ts';

export const CLOCK_SKEW_MS = 30_000;
/** A token of ours has some 350 characters. */
const TOKEN_LENGTH_MAX = 2_048;
/** Tokens remembered by an isolate, whose memory is 128 MB: some 5 MB of them, 20 MB at worst. The oldest make room. */
const REMEMBERED_MAX = 10_000;

export type Claims = { readonly meetingId: string; readonly sessionId: string };
type Verified = { readonly claims: Result<Claims>; readonly untilMs: number };
type VerifyKey = { readonly alg: 'HS256' | 'EdDSA' | 'ES256'; readonly key: CryptoKey };

export type VerifierOptions = {
  /** Shared secret of HS256; without it, HS256 tokens are refused. */
  readonly secret?: string | undefined;
  /** Public keys of EdDSA and ES256; without them, such tokens are refused. */
  readonly jwks?: Jwks | undefined;
  readonly rememberedMax?: number;
};

/**
 * Checks a token at `nowMs`. Answers at once for a remembered token. Refuses with `token_missing`,
 * `token_invalid`, `token_audience`, `token_expired`, or `unavailable` when no key could be fetched.
 */
export type Verifier = (
  token: string | undefined,
  nowMs: number,
  visit: JwksVisit,
) => Result<Claims> | Promise<Result<Claims>>;

export function createVerifier({ secret, jwks, rememberedMax = REMEMBERED_MAX }: VerifierOptions): Verifier {
  const remembered = new Map<string, Verified>();
  let secretKey: CryptoKey | undefined;

  async function findKey(token: string, visit: JwksVisit): Promise<Result<VerifyKey>> {
    const { alg, kid } = readHeader(token);
    if (alg === undefined) return reject('token_invalid', 'the token is not a JWT');
    if (alg === 'HS256' && secret !== undefined) {
      secretKey ??= await importSecret(secret);
      return accept({ alg, key: secretKey });
    }
    if ((alg === 'EdDSA' || alg === 'ES256') && jwks) {
      if (typeof kid !== 'string') return reject('token_invalid', 'the token names no key id');
      const found = await jwks.find(kid, visit);
      return !found.ok || found.value.alg === alg ? found : reject('token_invalid', 'the key is of another algorithm');
    }
    return reject('token_invalid', 'the algorithm is not accepted');
  }

  async function check(token: string, nowMs: number, visit: JwksVisit): Promise<Result<Claims>> {
    if (token.length > TOKEN_LENGTH_MAX) return reject('token_invalid', 'the token is too long');
    const found = await findKey(token, visit);
    if (!found.ok) return found;
    const payload = await verifySignature(token, found.value);
    if (!payload) return reject('token_invalid', 'the signature does not match');
    const verified = readClaims(payload, nowMs);
    if (verified.claims.ok) remember(token, verified);
    return verified.claims;
  }

  function remember(token: string, verified: Verified): void {
    if (remembered.size >= rememberedMax) {
      const oldest = remembered.keys().next();
      if (!oldest.done) remembered.delete(oldest.value);
    }
    remembered.set(token, verified);
  }

  return (token, nowMs, visit) => {
    if (token === undefined || token === '') return reject('token_missing', 'no token');
    const known = remembered.get(token);
    if (known === undefined) return check(token, nowMs, visit);
    if (known.untilMs > nowMs) return known.claims;
    remembered.delete(token);
    return reject('token_expired', 'exp');
  };
}

/** The token of a request: the header's, else the one in the body. */
export function tokenOf(authorization: string | null, body: unknown): string | undefined {
  const bearer = authorization === null ? null : /^bearer +(\S+) *$/i.exec(authorization);
  if (bearer) return bearer[1];
  if (typeof body !== 'object' || body === null || !('token' in body)) return undefined;
  return typeof body.token === 'string' ? body.token : undefined;
}

function importSecret(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

function readHeader(token: string): { alg?: unknown; kid?: unknown } {
  try {
    return decode(token).header ?? {};
  } catch {
    return {};
  }
}

type Payload = { readonly [claim: string]: unknown };

/** The signed payload, or undefined. hono's own errors carry the token in their message: they end here. */
async function verifySignature(token: string, { alg, key }: VerifyKey): Promise<Payload | undefined> {
  try {
    // Times are checked by readClaims, which allows for skewed clocks.
    return await verify(token, key, { alg, exp: false, nbf: false, iat: false });
  } catch {
    return undefined;
  }
}

function readClaims({ aud, exp, nbf, meeting_id, sub }: Payload, nowMs: number): Verified {
  const untilMs = typeof exp === 'number' ? exp * 1000 + CLOCK_SKEW_MS : Number.NaN;
  return { claims: judge(), untilMs };

  function judge(): Result<Claims> {
    if (aud !== AUDIENCE && !(Array.isArray(aud) && aud.includes(AUDIENCE))) return reject('token_audience', 'aud');
    if (!Number.isFinite(untilMs)) return reject('token_invalid', 'exp');
    if (untilMs <= nowMs) return reject('token_expired', 'exp');
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf * 1000 - CLOCK_SKEW_MS <= nowMs)) {
      return reject('token_invalid', 'nbf');
    }
    if (!isId(meeting_id)) return reject('token_invalid', 'meeting_id');
    if (!isId(sub)) return reject('token_invalid', 'sub');
    return accept({ meetingId: meeting_id, sessionId: sub });
  }
}
