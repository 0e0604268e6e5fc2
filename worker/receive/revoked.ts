/**
 * Tokens that are rejected before they expire: the setting `REVOKED`, a comma-separated list of sessions
 * (`meeting/session`) and of key ids (`kid`). It is for incidents and small: listed tokens expire within
 * `TOKEN_MAX_SECONDS` anyway, and a leaked key is removed from the JWKS too.
 */

/** Entries as they are listed. An id has no slash, so that a session never reads like another one. */
export type Revoked = ReadonlySet<string>;

const ENTRIES_MAX = 200;
/** Two ids and their slash have 129 characters. */
const ENTRY_LENGTH_MAX = 200;

/** @returns the entries, and one message for each problem of the list */
export function parseRevoked(list: string): { revoked: Revoked; problems: string[] } {
  const entries = list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  const problems: string[] = [];
  if (entries.length > ENTRIES_MAX) problems.push(`has ${entries.length} entries, at most ${ENTRIES_MAX} fit`);
  if (entries.some((entry) => entry.length > ENTRY_LENGTH_MAX)) {
    problems.push(`has an entry of more than ${ENTRY_LENGTH_MAX} characters: list sessions and key ids, not tokens`);
  }
  return { revoked: new Set(entries), problems };
}

/** Whether the list names this session, or the key id of its token. */
export function isRevoked(revoked: Revoked, token: RevocableToken): boolean {
  if (revoked.size === 0) return false;
  return (
    revoked.has(`${token.meetingId}/${token.sessionId}`) || (token.keyId !== undefined && revoked.has(token.keyId))
  );
}

export type RevocableToken = {
  readonly meetingId: string;
  readonly sessionId: string;
  /** The `kid` of the token's header. */
  readonly keyId: string | undefined;
};
