import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { validBeacon } from '../test/support/edge/beacon.ts';
import { eventually } from '../test/support/poll.ts';
import { createPoster, POSTER_LIMITS, type Poster, retryAfterMs } from './poster.ts';

type Hit = { readonly seq: number; readonly session: string; readonly region: string };

let edge: Server;
let poster: Poster;
let hits: Hit[];
/** What the edge answers, by the number of the request. */
let answer: (request: number) => { status: number; retryAfter?: string };
/** The edge answers when this resolves. */
let gate: Promise<void>;
let open: number;
let mostOpen: number;
let reports: string[];

beforeEach(async () => {
  hits = [];
  reports = [];
  open = 0;
  mostOpen = 0;
  gate = Promise.resolve();
  answer = () => ({ status: 204 });
  edge = createServer(async (request, response) => {
    open += 1;
    mostOpen = Math.max(mostOpen, open);
    const { seq, session_id } = JSON.parse(await bodyOf(request));
    hits.push({ seq, session: session_id, region: String(request.headers['x-dev-region']) });
    const { status, retryAfter } = answer(hits.length);
    await gate;
    open -= 1;
    response.writeHead(status, retryAfter === undefined ? {} : { 'retry-after': retryAfter }).end();
  });
  await new Promise<void>((resolve) => edge.listen(0, '127.0.0.1', resolve));
  poster = createPoster({
    url: `http://127.0.0.1:${(edge.address() as AddressInfo).port}`,
    tokenFor: async () => 'token',
    report: (line) => reports.push(line),
  });
});

afterEach(() => {
  poster.stop();
  edge.closeAllConnections();
  edge.close();
});

it('has a bounded number of requests in flight, one of a session at a time and in order', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  gate = promise;
  for (let seq = 0; seq < 10; seq++) {
    for (let i = 0; i < 40; i++) {
      poster.post({ region: 'apac', beacon: validBeacon({ session_id: `s-${i}`, seq }) });
    }
  }
  await eventually(() => open >= POSTER_LIMITS.inFlight);
  resolve();
  await eventually(() => hits.length === 400);
  expect(mostOpen).toBe(POSTER_LIMITS.inFlight);
  for (const session of Map.groupBy(hits, (hit) => hit.session).values()) {
    expect(session.map((hit) => hit.seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }
  expect(new Set(hits.map((hit) => hit.region))).toEqual(new Set(['apac']));
});

it.each([429, 503])('posts again what got a %i, after the time that the edge asks for', async (status) => {
  answer = (request) => (request === 1 ? { status, retryAfter: '1' } : { status: 204 });
  const startedAt = performance.now();
  poster.post({ region: 'apac', beacon: validBeacon() });
  await eventually(() => hits.length === 2);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
  expect(reports).toEqual([]);
});

it('drops what the worker rejects, and says so once', async () => {
  answer = () => ({ status: 422 });
  poster.post({ region: 'apac', beacon: validBeacon({ seq: 0 }) });
  poster.post({ region: 'apac', beacon: validBeacon({ seq: 1 }) });
  await eventually(() => hits.length === 2 && reports.length > 0);
  expect(reports).toEqual(['the worker rejected a beacon with status 422']);
});

it.each([
  [null, 1_000],
  ['3', 3_000],
  ['0', 0],
  ['soon', 1_000],
  ['86400', 60_000],
])('reads Retry-After %o as %i ms', (header, ms) => {
  expect(retryAfterMs(header)).toBe(ms);
});

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
