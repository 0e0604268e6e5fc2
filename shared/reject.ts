/**
 * Why a beacon was rejected: one closed union. The same word is the last part of the problem's
 * `type` in the HTTP response, the `reason` label of the metric and the field of the log line.
 */

/** HTTP status of each reason. The keys are the closed set of reasons; renaming one breaks dashboards. */
export const REJECT_STATUS = {
  malformed_json: 400,
  incomplete_body: 400,
  damaged_encoding: 400,
  unknown_region: 400,
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  token_audience: 401,
  token_revoked: 401,
  origin_forbidden: 403,
  session_mismatch: 403,
  body_too_large: 413,
  unsupported_media_type: 415,
  unsupported_encoding: 415,
  unsupported_version: 422,
  invalid_field: 422,
  invalid_id: 422,
  out_of_range: 422,
  too_many_peers: 422,
  duplicate_peer: 422,
  too_many_samples: 422,
  rate_limited: 429,
  unavailable: 503,
  spool_full: 503,
  storage_failed: 503,
} as const;

export type RejectReason = keyof typeof REJECT_STATUS;

export const REJECT_REASONS = /* @__PURE__ */ Object.keys(REJECT_STATUS) as readonly RejectReason[];

/** `detail` names the field at fault, never its value: that may be a token or identify a person. */
export type Reject = { readonly ok: false; readonly reason: RejectReason; readonly detail: string };

/** Bad input is a value, not an exception: callers branch on `ok`. */
export type Result<T> = { readonly ok: true; readonly value: T } | Reject;

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function reject(reason: RejectReason, detail: string): Reject {
  return { ok: false, reason, detail };
}
