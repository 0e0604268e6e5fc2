/** Tokens for tests: valid ones, and each way of being invalid. */
import { sign } from 'hono/jwt';

/** What the tests' worker checks HS256 tokens with. */
export const TEST_SECRET = 'a-secret-of-the-tests-0123456789abcdef';

export type TokenClaims = {
  readonly meeting?: string;
  readonly session?: string;
  /** Of now; negative: expired. */
  readonly ttlSeconds?: number;
  readonly audience?: string;
  readonly secret?: string;
};

/** A token for the builder's beacon (`m-1`, `s-1`) unless told otherwise. */
export function testToken({
  meeting = 'm-1',
  session = 's-1',
  ttlSeconds = 3_600,
  audience = 'edgepulse',
  secret = TEST_SECRET,
}: TokenClaims = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + ttlSeconds;
  return sign({ aud: audience, meeting_id: meeting, sub: session, exp }, secret, 'HS256');
}

/** A token that claims to need no signature. */
export function unsignedToken({ meeting = 'm-1', session = 's-1' }: TokenClaims = {}): string {
  const exp = Math.floor(Date.now() / 1000) + 3_600;
  const parts = [
    { alg: 'none', typ: 'JWT' },
    { aud: 'edgepulse', meeting_id: meeting, sub: session, exp },
  ];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}
