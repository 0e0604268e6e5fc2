/**
 * What a session token says. The product's backend signs these claims for each session, the edge checks them;
 * docs/security.md has the contract.
 */

/** The `aud` of every session token: one made for another service does not open this one. */
export const AUDIENCE = 'edgepulse';

/** One session of one meeting, until a moment in ms since the epoch. */
export type SessionGrant = { readonly meetingId: string; readonly sessionId: string; readonly expiresAtMs: number };

/** The claims as they are signed. */
export type SessionClaims = {
  readonly aud: string;
  readonly meeting_id: string;
  readonly sub: string;
  /** Seconds since the epoch. */
  readonly exp: number;
};

/** @example sign(sessionClaims({ meetingId: 'm-1', sessionId: 's-1', expiresAtMs: Date.now() + 3_600_000 }), secret) */
export function sessionClaims({ meetingId, sessionId, expiresAtMs }: SessionGrant): SessionClaims {
  return { aud: AUDIENCE, meeting_id: meetingId, sub: sessionId, exp: Math.floor(expiresAtMs / 1000) };
}
