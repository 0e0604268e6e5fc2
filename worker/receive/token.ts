/**
 * Who may post for which session: checks a JWT (RFC 7519) and remembers the verified ones until they expire,
 * so that only the first beacon of a session costs a signature check. Only a token's claims
 * leave this module, never the token itself.
 */
import { decode, verify as verifyJwt } from 'hono/jwt';
import { decodeBase64Url, encodeBase64Url } from 'hono/utils/encode';
import { accept, type Result, reject } from '../../shared/reject.ts';
import { type Claims, type Payload, readClaims, TOKEN_MAX_SECONDS } from './claims.ts';
import type { Jwks, JwksVisit } from './jwks.ts';
import { isRevoked, type Revoked } from './revoked.ts';

/** Our tokens have about 350 characters. */
const TOKEN_LENGTH_MAX = 2_048;
/** Tokens remembered by an isolate, whose memory is 128 MB: some 5 MB of them, 20 MB at worst. The oldest make room. */
const REMEMBERED_MAX = 10_000;

const BEARER = 'bearer ';

type VerifiedToken = { readonly claims: Claims; readonly keyId: string | undefined };
type VerifyKey = { readonly alg: 'HS256' | 'EdDSA' | 'ES256'; readonly key: CryptoKey };
type Header = { readonly alg?: unknown; readonly kid?: unknown };

export type VerifierOptions = {
  /** Shared secret of HS256; without it, HS256 tokens are rejected. */
  readonly secret?: string | undefined;
  /** Public keys of EdDSA and ES256; without them, such tokens are rejected. */
  readonly jwks?: Jwks | undefined;
  /** The most seconds that a token may have left; default {@link TOKEN_MAX_SECONDS}. */
  readonly maxSeconds?: number;
  /** Looked up for each beacon, also for a token that was verified before. */
  readonly revoked?: Revoked;
  readonly rememberedMax?: number;
};

export type Verifier = {
  /**
   * Checks a token at `nowMs`. Answers at once for a remembered token. Rejects with `token_missing`,
   * `token_invalid`, `token_audience`, `token_expired`, `token_revoked`, or `unavailable` when the key could not be fetched.
   */
  verify(token: string | undefined, nowMs: number, visit: JwksVisit): Result<Claims> | Promise<Result<Claims>>;
  /** Whether the token was verified by this isolate and still is good: a lookup, no signature check. */
  isVerified(token: string | undefined, nowMs: number): boolean;
};

export function createVerifier(options: VerifierOptions): Verifier {
  const { secret, jwks, maxSeconds = TOKEN_MAX_SECONDS, revoked = new Set(), rememberedMax = REMEMBERED_MAX } = options;
  const remembered = new Map<string, VerifiedToken>();
  let secretKey: CryptoKey | undefined;

  async function findKey({ alg, kid }: Header, visit: JwksVisit): Promise<Result<VerifyKey>> {
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
    const header = readHeader(token);
    const found = await findKey(header, visit);
    if (!found.ok) return found;
    const payload = await verifySignature(token, found.value);
    if (!payload || !isSignatureCanonical(token)) return reject('token_invalid', 'the signature does not match');
    const claims = readClaims(payload, nowMs, maxSeconds);
    if (!claims.ok) return claims;
    const verified = { claims: claims.value, keyId: typeof header.kid === 'string' ? header.kid : undefined };
    const current = judge(verified, nowMs);
    if (current.ok) remember(token, verified);
    return current;
  }

  function remember(token: string, verified: VerifiedToken): void {
    if (remembered.size >= rememberedMax) {
      const oldest = remembered.keys().next();
      if (!oldest.done) remembered.delete(oldest.value);
    }
    remembered.set(token, verified);
  }

  /** What can change after a token was verified: the time, and the list of what is revoked. */
  function judge({ claims, keyId }: VerifiedToken, nowMs: number): Result<Claims> {
    if (claims.untilMs <= nowMs) return reject('token_expired', 'exp');
    const { meetingId, sessionId } = claims;
    if (isRevoked(revoked, { meetingId, sessionId, keyId })) return reject('token_revoked', 'the token is revoked');
    return accept(claims);
  }

  return {
    verify(token, nowMs, visit) {
      if (token === undefined || token === '') return reject('token_missing', 'no token');
      if (token.length > TOKEN_LENGTH_MAX) return reject('token_invalid', 'the token is too long');
      const known = remembered.get(token);
      if (known === undefined) return check(token, nowMs, visit);
      const current = judge(known, nowMs);
      if (!current.ok) remembered.delete(token);
      return current;
    },
    isVerified(token, nowMs) {
      if (token === undefined || token.length > TOKEN_LENGTH_MAX) return false;
      const known = remembered.get(token);
      return known !== undefined && judge(known, nowMs).ok;
    },
  };
}

/** The token of an `Authorization: Bearer` header, which is preferred to one in the body. */
export function bearerTokenOf(authorization: string | null): string | undefined {
  if (authorization === null || authorization.slice(0, BEARER.length).toLowerCase() !== BEARER) return undefined;
  const rest = authorization.slice(BEARER.length);
  // Too long for a token, whatever it holds: it is rejected by its length, and nothing scans it.
  if (rest.length > TOKEN_LENGTH_MAX) return rest;
  const token = rest.trim();
  return token === '' || token.includes(' ') ? undefined : token;
}

/** The token in a beacon's body, for clients that can't set a header. */
export function bodyTokenOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('token' in body)) return undefined;
  return typeof body.token === 'string' ? body.token : undefined;
}

function importSecret(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
}

function readHeader(token: string): Header {
  try {
    return decode(token).header ?? {};
  } catch {
    return {};
  }
}

/**
 * hono also takes padding and any spare bits in a signature's last character: one token could be written in many ways,
 * each of which would take the place of another session's in the memory.
 */
function isSignatureCanonical(token: string): boolean {
  const signature = token.slice(token.lastIndexOf('.') + 1);
  const bytes = decodeBase64Url(signature);
  return encodeBase64Url(bytes.buffer).replaceAll('=', '') === signature;
}

/** The signed payload, or undefined. hono's own errors carry the token in their message: they end here. */
async function verifySignature(token: string, { alg, key }: VerifyKey): Promise<Payload | undefined> {
  try {
    // Times are checked by readClaims, which allows for skewed clocks.
    return await verifyJwt(token, key, { alg, exp: false, nbf: false, iat: false });
  } catch {
    return undefined;
  }
}
