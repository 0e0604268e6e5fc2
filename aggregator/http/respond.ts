/** Responses of the aggregator's HTTP server that are sent in one piece. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** On every response. The board has no inline script or style, and must not be framed. */
const SECURITY_HEADERS = {
  'content-security-policy': "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

/** Answers one request. @param query of the request's URL */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => Promise<void> | void;

export type ProblemStatus = keyof typeof TITLES;

type Headers = { readonly [name: string]: string };

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
}

/** For a HEAD request node:http leaves the body out. */
export function sendBody(response: ServerResponse, status: number, body: Buffer | string, headers: Headers): void {
  sendParts(response, status, [body], headers);
}

/** A body in parts, each of which other responses may share. */
export function sendParts(
  response: ServerResponse,
  status: number,
  parts: readonly (Buffer | string)[],
  headers: Headers,
): void {
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  response.writeHead(status, { ...headers, 'content-length': `${length}` });
  for (const part of parts) response.write(part);
  response.end();
}

export const JSON_HEADERS: Headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendBody(response, status, `${JSON.stringify(value)}\n`, JSON_HEADERS);
}

/** RFC 9457. @param detail what is wrong, without any value that the client sent */
export function sendProblem(response: ServerResponse, status: ProblemStatus, detail: string, headers?: Headers): void {
  const problem = { type: 'about:blank', title: TITLES[status], status, detail };
  sendBody(response, status, `${JSON.stringify(problem)}\n`, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...headers,
  });
}
