/** Tokens for tests: valid ones, and each way of being invalid. */
import { sign } from 'hono/jwt';
import { sessionClaims } from '../../../shared/claims.ts';

/** What the tests' worker checks HS256 tokens with. */
export const TEST_SECRET = 'a-secret-of-the-tests-0123456789abcdef';

export type TokenOptions = {
  readonly meeting?: string;
  readonly session?: string;
  /** From `nowMs` on; negative: expired. */
  readonly ttlSeconds?: number;
  /** Default: the time of day. */
  readonly nowMs?: number;
  /** Claims that replace the valid ones; `undefined` leaves one out. */
  readonly claims?: { readonly [claim: string]: unknown };
  readonly secret?: string;
};

/** Claims for the session of the builder's beacon (`m-1`, `s-1`), for an hour, by default. */
export function testClaims(options: TokenOptions = {}): { [claim: string]: unknown } {
  const { meeting = 'm-1', session = 's-1', ttlSeconds = 3_600, nowMs = Date.now(), claims } = options;
  const grant = { meetingId: meeting, sessionId: session, expiresAtMs: nowMs + ttlSeconds * 1_000 };
  return { ...sessionClaims(grant), ...claims };
}

/** A token with {@link testClaims}. */
export function testToken(options: TokenOptions = {}): Promise<string> {
  return sign(testClaims(options), options.secret ?? TEST_SECRET, 'HS256');
}

/** A token that claims to need no signature. */
export function unsignedToken(options: TokenOptions = {}): string {
  const parts = [{ alg: 'none', typ: 'JWT' }, testClaims(options)];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}
