/**
 * Which pages may post: `ALLOWED_ORIGINS`, enforced on the request and not only echoed in a header.
 * A request without `Origin` comes from no page; the token alone decides about it.
 */
import { SECURITY_HEADERS } from './headers.ts';

/** `exact` holds whole origins; `anyPort` scheme and host of origins whose port does not matter. */
export type AllowedOrigins = { readonly exact: ReadonlySet<string>; readonly anyPort: ReadonlySet<string> };

const LOOPBACK_ANY_PORT = /^(https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])):\*$/;
const PORT = /:\d+$/;
/** A host name has at most 253 characters. A longer header is no origin that could be listed. */
const ORIGIN_LENGTH_MAX = 300;
const PREFLIGHT_SECONDS = 7200;

/**
 * Reads `https://app.example.com,http://localhost:*`. An any-port entry is for loopback hosts, and only
 * where `loopback` says that this is development.
 * @returns the origins, and one message for each invalid entry
 */
export function parseOrigins(list: string, loopback: boolean): { origins: AllowedOrigins; problems: string[] } {
  const exact = new Set<string>();
  const anyPort = new Set<string>();
  const problems: string[] = [];
  for (const entry of list.split(',').map((item) => item.trim())) {
    const host = LOOPBACK_ANY_PORT.exec(entry)?.[1];
    if (entry === '') continue;
    if (host !== undefined && loopback) anyPort.add(host);
    else if (isOrigin(entry)) exact.add(entry);
    else problems.push(`is not an exact origin: ${JSON.stringify(entry)}`);
  }
  return { origins: { exact, anyPort }, problems };
}

function isOrigin(entry: string): boolean {
  if (!URL.canParse(entry)) return false;
  const { protocol, origin } = new URL(entry);
  return (protocol === 'https:' || protocol === 'http:') && origin === entry;
}

/**
 * How an origin is answered. `empty` is the whole 204: made once, since a response without a body can be sent
 * any number of times, and its headers are half the work of an answer.
 */
export type OriginAnswer = { readonly headers: Headers; readonly empty: Response };

/** How to answer `origin`, or undefined when the request must be rejected. */
export type AnswerFor = (origin: string | null) => OriginAnswer | undefined;

export function createAnswerFor({ exact, anyPort }: AllowedOrigins): AnswerFor {
  const withoutOrigin = answerWith(new Headers({ ...SECURITY_HEADERS, vary: 'Origin' }));
  const byOrigin = new Map([...exact].map((origin) => [origin, answerWith(headersFor(origin))]));
  return (origin) => {
    if (origin === null) return withoutOrigin;
    if (origin.length > ORIGIN_LENGTH_MAX) return undefined;
    const answer = byOrigin.get(origin);
    if (answer) return answer;
    // Any port matches, so remembering these would not be bounded.
    return anyPort.has(origin.replace(PORT, '')) && isOrigin(origin) ? answerWith(headersFor(origin)) : undefined;
  };
}

function answerWith(headers: Headers): OriginAnswer {
  return { headers, empty: new Response(null, { status: 204, headers }) };
}

function headersFor(origin: string): Headers {
  return new Headers({
    ...SECURITY_HEADERS,
    vary: 'Origin',
    'access-control-allow-origin': origin,
    // sendBeacon always asks with credentials. None is read here, and only listed origins get this answer.
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'Retry-After',
  });
}

/** The answer to a preflight of an allowed origin. */
export function preflightAnswer(headers: Headers): Response {
  const answer = new Response(null, { status: 204, headers });
  answer.headers.set('access-control-allow-methods', 'POST');
  answer.headers.set('access-control-allow-headers', 'authorization, content-type, content-encoding');
  answer.headers.set('access-control-max-age', String(PREFLIGHT_SECONDS));
  answer.headers.append('vary', 'Access-Control-Request-Method, Access-Control-Request-Headers');
  return answer;
}
