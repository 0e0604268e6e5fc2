/**
 * Headers that every answer carries, written once as a constant: `hono/secure-headers` sets a dozen headers
 * one by one on each response, most of them for pages, and the answer to a beacon is no page.
 */

export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'strict-transport-security': 'max-age=63072000',
  'referrer-policy': 'no-referrer',
  // No answer is a document: if a browser is made to render one, it must not load or run anything.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  // Pages of other origins are this endpoint's clients; CORS decides which ones (origins.ts).
  'cross-origin-resource-policy': 'cross-origin',
} as const;
