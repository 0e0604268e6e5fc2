/**
 * Rate limits, by Cloudflare's bindings: keyed by session for verified tokens, and by client address for rejected
 * requests. The limits are in wrangler.toml. An isolate remembers who is over a limit, so that further requests
 * cost a lookup and neither a binding call nor a body.
 */
import { REJECT_STATUS, type Reject, type RejectReason, reject } from '../../shared/reject.ts';
import { log } from '../log.ts';
import { addressKeyOf, BLOCK_MS } from './address.ts';
import type { Claims } from './claims.ts';

export type LimitBindings = { readonly session?: RateLimit | undefined; readonly address?: RateLimit | undefined };

/** Of blocked addresses, and of addresses with a good token: about a megabyte each. The oldest are evicted. */
const ADDRESSES_MAX = 10_000;
/** An isolate logs a failing binding at most this often. */
const LOG_AGAIN_MS = 60_000;

export type Limits = {
  /** Counts a beacon of a session. @returns the reject if it posts too often, else undefined */
  countBeacon(claims: Claims, nowMs: number): Promise<Reject | undefined>;
  /** Counts a rejected request against its address. @returns the reject that replaces it over the limit, else undefined */
  countReject(request: Request, reason: RejectReason, nowMs: number): Promise<Reject | undefined>;
  /** Whether this isolate remembers that the request's address is over its limit. */
  isBlocked(request: Request, nowMs: number): boolean;
  /** Remembers that a good token came from the request's address. */
  noteVerified(request: Request): void;
  /**
   * Whether a good token ever came from the request's address: others behind it may send their tokens in their
   * bodies.
   */
  hasVerified(request: Request): boolean;
};

export const ADDRESS_LIMITED = reject('rate_limited', 'too many rejected requests from this address');
const SESSION_LIMITED = reject('rate_limited', 'the session posts too often');

/** @param bindings a missing one limits nothing; config.ts sees to it that production has both */
export function createLimits({ session, address }: LimitBindings, addressesMax = ADDRESSES_MAX): Limits {
  /** Until when, by address key, oldest first. */
  const blocked = new Map<string, number>();
  const verified = new Map<string, true>();
  let loggedAtMs = Number.NEGATIVE_INFINITY;

  /** Fails open: losing sight of live calls would cost more than a flood. */
  async function isAllowed(limit: RateLimit, key: string, nowMs: number): Promise<boolean> {
    try {
      return (await limit.limit({ key })).success;
    } catch (error) {
      if (nowMs - loggedAtMs >= LOG_AGAIN_MS) {
        loggedAtMs = nowMs;
        log.error('rate limit binding failed; allowing requests', { error });
      }
      return true;
    }
  }

  function isKeyBlocked(key: string, nowMs: number): boolean {
    const untilMs = blocked.get(key);
    if (untilMs === undefined) return false;
    // Further ahead than a period: the clock was set back.
    if (untilMs > nowMs && untilMs - nowMs <= BLOCK_MS) return true;
    blocked.delete(key);
    return false;
  }

  return {
    async countBeacon({ meetingId, sessionId }, nowMs) {
      // Ids have no slash, so that two pairs never share a key.
      const allowed = !session || (await isAllowed(session, `${meetingId}/${sessionId}`, nowMs));
      return allowed ? undefined : SESSION_LIMITED;
    },
    async countReject(request, reason, nowMs) {
      if (!address || !countsAgainstAddress(reason)) return undefined;
      const key = keyOf(request);
      if (isKeyBlocked(key, nowMs)) return ADDRESS_LIMITED;
      if (await isAllowed(address, key, nowMs)) return undefined;
      keep(blocked, key, nowMs + BLOCK_MS);
      return ADDRESS_LIMITED;
    },
    // Most isolates block nobody most of the time: then not even the header is read.
    isBlocked: (request, nowMs) => blocked.size > 0 && isKeyBlocked(keyOf(request), nowMs),
    noteVerified: (request) => keep(verified, keyOf(request), true),
    hasVerified: (request) => verified.has(keyOf(request)),
  };

  function keep<T>(map: Map<string, T>, key: string, value: T): void {
    // Delete first, so that the map stays ordered by age.
    map.delete(key);
    if (map.size >= addressesMax) {
      const oldest = map.keys().next();
      if (!oldest.done) map.delete(oldest.value);
    }
    map.set(key, value);
  }
}

/** Only the client's own faults count: no 5xx, and no 429, which has a limit already. */
function countsAgainstAddress(reason: RejectReason): boolean {
  const status = REJECT_STATUS[reason];
  return status < 500 && status !== 429;
}

function keyOf(request: Request): string {
  return addressKeyOf(request.headers.get('cf-connecting-ip') ?? '');
}
