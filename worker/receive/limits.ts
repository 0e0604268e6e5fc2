/**
 * How much one sender may ask: Cloudflare's rate-limit bindings, keyed by session for verified tokens and by
 * client address for requests without one. The limits themselves are in wrangler.toml.
 */
import { type Reject, reject } from '../../shared/reject.ts';
import { log } from '../log.ts';
import type { Claims } from './token.ts';

export type LimitBindings = { readonly session?: RateLimit | undefined; readonly address?: RateLimit | undefined };

export type Limits = {
  /** The refusal of a session that posts too often, else undefined. */
  refuseSession(claims: Claims): Promise<Reject | undefined>;
  /** The refusal of an address that keeps coming without a valid token, else undefined. */
  refuseAddress(request: Request): Promise<Reject | undefined>;
};

/** @param bindings a missing one limits nothing; config.ts sees to it that production has both */
export function createLimits({ session, address }: LimitBindings): Limits {
  return {
    async refuseSession({ meetingId, sessionId }) {
      // Ids have no slash, so that two pairs never share a key.
      const allowed = !session || (await isAllowed(session, `${meetingId}/${sessionId}`));
      return allowed ? undefined : reject('rate_limited', 'the session posts too often');
    },
    async refuseAddress(request) {
      const key = request.headers.get('cf-connecting-ip') ?? '';
      const allowed = !address || (await isAllowed(address, key));
      return allowed ? undefined : reject('rate_limited', 'too many requests without a valid token');
    },
  };
}

/** A limiter that fails lets everybody in: losing the truth about live calls would cost more than a flood. */
async function isAllowed(limit: RateLimit, key: string): Promise<boolean> {
  try {
    return (await limit.limit({ key })).success;
  } catch (error) {
    log.error('rate limit binding failed', { error });
    return true;
  }
}
