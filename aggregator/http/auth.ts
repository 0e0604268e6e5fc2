/** Authorization with METRICS_TOKEN, for metrics, sessions and the board. */
import { createHash, timingSafeEqual } from 'node:crypto';

export type Authorize = (authorization: string | undefined) => boolean;

/** Basic comes first: Chromium asks for a password only when it is the first challenge. */
export const CHALLENGE = 'Basic realm="edgepulse", charset="UTF-8", Bearer realm="edgepulse"';

/**
 * Accepts `Bearer <token>`, and `Basic` with the token as the password and any user name.
 * @param token undefined authorizes every request
 */
export function createAuthorize(token: string | undefined): Authorize {
  if (token === undefined) return () => true;
  const expected = digest(token);
  return (authorization = '') => {
    const [scheme = '', credentials = ''] = authorization.trim().split(/ +/);
    const given = scheme.toLowerCase() === 'basic' ? passwordOf(credentials) : credentials;
    if (!/^(bearer|basic)$/i.test(scheme)) return false;
    // timingSafeEqual takes only equal lengths; digests have them, and so hide the token's length too.
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
