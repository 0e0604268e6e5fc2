/** The requests themselves. Nothing here throws or rejects. */
import type { RegionInfo } from '../shared/region-info.ts';
import type { Outcome } from './outbox.ts';

/** The outcome of a beacon, and the reject reason if there is one. */
export type Answer = Outcome & { readonly reason?: string | undefined };

/** After this long, a request counts as unanswered. */
const ANSWER_MS = 10_000;

/** @param keepalive to outlive the page; the browser refuses that while the page's other requests use up its allowance */
export async function postBeacon(url: string, body: string, keepalive: boolean): Promise<Answer> {
  try {
    // A string is text/plain: no preflight.
    const answer = await fetch(url, { ...request(), method: 'POST', body, keepalive });
    const { status, headers } = answer;
    // A response that is not read to its end keeps counting against the page's requests in flight.
    const [, reason] = /"\/problems\/(\w+)/.exec(await answer.text()) ?? [];
    return { status, reason, retryAfterMs: Number(headers.get('retry-after')) * 1_000 };
  } catch {
    return { status: 0 };
  }
}

export async function fetchRegion(endpoint: string): Promise<RegionInfo | undefined> {
  try {
    const answer = await fetch(`${endpoint}/v1/region`, request());
    // A problem is JSON too.
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}

function request(): RequestInit {
  return { credentials: 'omit', priority: 'low', signal: AbortSignal.timeout(ANSWER_MS) };
}
