/**
 * Mints session tokens for development: `npm run -s token -- --meeting M --session S [--ttl SECONDS]`.
 * In production the calling product's own backend mints them.
 */
import { parseArgs } from 'node:util';
import { sign } from 'hono/jwt';
import { isId } from '../shared/beacon.ts';
import { type SessionGrant, sessionClaims } from '../shared/claims.ts';

/** What signs and checks tokens on a developer's machine when BEACON_SECRET is not set. It protects nothing. */
export const DEVELOPMENT_SECRET = 'edgepulse-development-secret-that-protects-nothing';

export type TokenRequest = SessionGrant & { readonly secret: string };

/** A JWT (HS256) that lets one session of one meeting post beacons. */
export function mintToken({ secret, ...grant }: TokenRequest): Promise<string> {
  return sign(sessionClaims(grant), secret, 'HS256');
}

const USAGE = 'usage: npm run -s token -- --meeting M --session S [--ttl SECONDS]';

async function main(): Promise<string> {
  const { values } = parseArgs({
    options: {
      meeting: { type: 'string' },
      session: { type: 'string' },
      ttl: { type: 'string', default: '3600' },
    },
  });
  const { meeting, session, ttl } = values;
  if (meeting === undefined || session === undefined) throw new TypeError('--meeting and --session are needed');
  if (!isId(meeting)) throw new TypeError('--meeting takes 1 to 64 of A-Z a-z 0-9 _ . -');
  if (!isId(session)) throw new TypeError('--session takes 1 to 64 of A-Z a-z 0-9 _ . -');
  if (!/^[1-9]\d{0,8}$/.test(ttl)) throw new TypeError('--ttl takes a number of seconds');
  return mintToken({
    meetingId: meeting,
    sessionId: session,
    secret: process.env.BEACON_SECRET || DEVELOPMENT_SECRET,
    expiresAtMs: Date.now() + Number(ttl) * 1000,
  });
}

if (import.meta.main) {
  try {
    console.log(await main());
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
    process.exitCode = 1;
  }
}
