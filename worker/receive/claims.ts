/** What a token's payload must say once its signature has been checked (RFC 7519). Pure: the clock is an argument. */
import { isId } from '../../shared/beacon.ts';
import { AUDIENCE } from '../../shared/claims.ts';
import { accept, type Result, reject } from '../../shared/reject.ts';

/** The largest accepted difference between the clocks of the token's issuer and the edge. */
export const CLOCK_SKEW_MS = 30_000;
/** The most that may be left of a token's life unless configured otherwise: a day. */
export const TOKEN_MAX_SECONDS = 86_400;
/** The year 5138 in seconds, 1973 in milliseconds: an `exp` beyond it was written in milliseconds. */
const SECONDS_MAX = 1e11;

export type Payload = { readonly [claim: string]: unknown };

/** `untilMs` is when the token stops being accepted, on the edge's clock. */
export type Claims = { readonly meetingId: string; readonly sessionId: string; readonly untilMs: number };

/**
 * @param maxSeconds the most that may be left until `exp`, so that a token that leaks is of use for no longer
 * @returns the claims, or `token_audience`, `token_expired` or `token_invalid` with the claim's name
 */
export function readClaims(payload: Payload, nowMs: number, maxSeconds: number): Result<Claims> {
  const { aud, exp, nbf, meeting_id, sub } = payload;
  if (aud !== AUDIENCE && !(Array.isArray(aud) && aud.includes(AUDIENCE))) return reject('token_audience', 'aud');
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return reject('token_invalid', 'exp');
  if (exp > SECONDS_MAX) return reject('token_invalid', 'exp is in milliseconds; it counts seconds');
  const untilMs = exp * 1000 + CLOCK_SKEW_MS;
  if (untilMs <= nowMs) return reject('token_expired', 'exp');
  if (untilMs - nowMs > maxSeconds * 1000 + 2 * CLOCK_SKEW_MS) {
    return reject('token_invalid', `exp is more than ${maxSeconds} s ahead`);
  }
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf * 1000 - CLOCK_SKEW_MS <= nowMs)) {
    return reject('token_invalid', 'nbf');
  }
  if (!isId(meeting_id)) return reject('token_invalid', 'meeting_id');
  if (!isId(sub)) return reject('token_invalid', 'sub');
  return accept({ meetingId: meeting_id, sessionId: sub, untilMs });
}
