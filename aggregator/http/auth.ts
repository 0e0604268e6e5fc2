/** METRICS_TOKEN: who may read metrics, sessions and the board. */
import { createHash, timingSafeEqual } from 'node:crypto';

export type Authorize = (authorization: string | undefined) => boolean;

/** What a 401 asks for. Basic comes first: a browser asks for the board's password only then. */
export const CHALLENGE = 'Basic realm="edgepulse", charset="UTF-8", Bearer realm="edgepulse"';

/**
 * Accepts `Bearer <token>`, and `Basic` with the token as the password and any user name.
 * @param token undefined lets everybody in
 */
export function createAuthorize(token: string | undefined): Authorize {
  if (token === undefined) return () => true;
  const expected = digest(token);
  return (authorization = '') => {
    const [scheme = '', credentials = ''] = authorization.trim().split(/ +/);
    const given = scheme.toLowerCase() === 'basic' ? passwordOf(credentials) : credentials;
    if (!/^(bearer|basic)$/i.test(scheme)) return false;
    // Digests have one length, so that the comparison's time says nothing about the token.
    return timingSafeEqual(digest(given), expected);
  };
}

function passwordOf(credentials: string): string {
  const pair = Buffer.from(credentials, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
