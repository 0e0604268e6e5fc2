/**
 * What a rejected request is answered with: `application/problem+json` (RFC 9457), whose `type` is the path of
 * a page about it. Titles and explanations live here; reasons and their status codes are shared.
 */
import { REJECT_STATUS, type Reject, type RejectReason } from '../../shared/reject.ts';

/** Seconds after which a client may try again. */
const RETRY_AFTER_SECONDS = { 429: 10, 503: 5 } as const;

/** `title` is for people and constant; `help` says what the client's developer can do. */
type Explanation = { readonly title: string; readonly help: string };

const EXPLANATIONS: { readonly [Reason in RejectReason]: Explanation } = {
  malformed_json: { title: 'The body is not JSON', help: 'Send one JSON object in UTF-8.' },
  incomplete_body: { title: 'The body did not arrive whole', help: 'Send the whole body within ten seconds.' },
  damaged_encoding: { title: 'The body does not decompress', help: 'Send one whole gzip stream, or no encoding.' },
  unknown_region: {
    title: 'The region is not configured',
    help: 'In development, x-dev-region takes the name of a region in REGIONS; leave it out to be tagged as in production.',
  },
  token_missing: {
    title: 'No token',
    help: 'Send the token as "Authorization: Bearer", or as "token" in the body where no header is possible.',
  },
  token_invalid: {
    title: 'The token is not valid',
    help: 'Mint it with HS256 and the shared secret, or with a key of the configured JWKS, naming its kid; it needs aud, exp, sub and meeting_id.',
  },
  token_expired: { title: 'The token has expired', help: 'Get a new token from your backend.' },
  token_audience: { title: 'The token is for another audience', help: 'Mint the token with aud "edgepulse".' },
  token_revoked: {
    title: 'The token has been revoked',
    help: 'Its session or its key is in the list REVOKED. Get a new token from your backend.',
  },
  origin_forbidden: { title: 'This origin may not post', help: "Add the page's origin to ALLOWED_ORIGINS." },
  session_mismatch: {
    title: 'The token belongs to another session',
    help: "meeting_id and session_id must equal the token's meeting_id and sub.",
  },
  body_too_large: { title: 'The body is too large', help: 'Keep a beacon below 60000 bytes, inflated.' },
  unsupported_media_type: {
    title: 'The media type is not supported',
    help: 'Send text/plain or application/json, in UTF-8.',
  },
  unsupported_encoding: { title: 'The content encoding is not supported', help: 'Send gzip, or no encoding.' },
  unsupported_version: { title: "The beacon's version is not supported", help: 'Send "v": 1.' },
  invalid_field: { title: 'A field has the wrong type', help: 'See the wire format for the type of each field.' },
  invalid_id: { title: 'An id is not valid', help: 'An id has 1 to 64 letters, digits, dots, hyphens or underscores.' },
  out_of_range: { title: 'A number is out of range', help: 'Numbers are finite, not negative and within reason.' },
  too_many_peers: { title: 'Too many peers', help: 'A beacon has at most 64 peers.' },
  duplicate_peer: { title: 'A peer is listed twice', help: 'List each peer_id once.' },
  too_many_samples: { title: 'Too many RTT samples', help: 'A beacon has at most 32 samples.' },
  rate_limited: {
    title: 'Too many requests',
    help: 'Wait as long as Retry-After says; one beacon every 5 s is usual.',
  },
  unavailable: { title: 'Not available now', help: 'Send the beacon again after Retry-After.' },
  spool_full: { title: 'Not available now', help: 'Send the beacon again after Retry-After.' },
  storage_failed: { title: 'Not available now', help: 'Send the beacon again after Retry-After.' },
};

/** The answer to a rejected request. `headers` are those of its origin. */
export function rejectAnswer({ reason, detail }: Reject, headers: Headers): Response {
  const status = REJECT_STATUS[reason];
  const answer = problemAnswer({ type: reason, title: EXPLANATIONS[reason].title, status, detail }, headers);
  if (status === 429 || status === 503) answer.headers.set('retry-after', String(RETRY_AFTER_SECONDS[status]));
  // RFC 9110, 12.5.3: what the client may use instead.
  if (reason === 'unsupported_encoding') answer.headers.set('accept-encoding', 'gzip');
  return answer;
}

export type Problem = { type: string; title: string; status: number; detail?: string };

/** @param problem `type` is the last part of the type's path */
export function problemAnswer(problem: Problem, headers: Headers): Response {
  const answer = new Response(JSON.stringify({ ...problem, type: `/problems/${problem.type}` }), {
    status: problem.status,
    headers,
  });
  answer.headers.set('content-type', 'application/problem+json');
  return answer;
}

/** The page behind a problem's `type`, as text; undefined for a reason that does not exist. */
export function problemPage(reason: string): string | undefined {
  if (!Object.hasOwn(EXPLANATIONS, reason)) return undefined;
  const { title, help } = EXPLANATIONS[reason as RejectReason];
  return `${reason} (${REJECT_STATUS[reason as RejectReason]})\n${title}. ${help}\n`;
}
