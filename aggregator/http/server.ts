/**
 * The aggregator's HTTP server: its routes, who may use them, and its limits. scrape.ts answers
 * scrapes and queries.ts the API; what is known of sessions and the feed is passed in as options.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import { CHALLENGE, createAuthorize } from './auth.ts';
import type { BoardFiles } from './board-files.ts';
import { createQueries, type QueryOptions } from './queries.ts';
import { type Handler, sendBody, sendJson, sendProblem, setSecurityHeaders } from './respond.ts';
import { createScrape, type ScrapeOptions } from './scrape.ts';
import { PART_PATH, PART_SESSIONS_PATH } from './shards/shards.ts';

/** An import would evaluate every export of node:http, and with WebSocket load undici: memory that is never used. */
const { createServer } = createRequire(import.meta.url)('node:http') as typeof import('node:http');

/** Whether the metrics are complete, and if not, why: the state of each region's feed. */
export type Readiness = { readonly ready: boolean; readonly [detail: string]: unknown };

export type ServerOptions = ScrapeOptions &
  QueryOptions & {
    readonly readiness: () => Readiness;
    readonly metricsToken: string | undefined;
    readonly board: BoardFiles;
    readonly log: Logger;
  };

type Route = { readonly isOpen: boolean; readonly handle: Handler };

/** A slow client costs a socket and nothing else: at most this many, none idle for longer than this. */
const MAX_CONNECTIONS = 512;
const IDLE_MS = 30_000;
/** Longer than the usual scrape interval, so that Prometheus keeps its connection. */
const KEEP_ALIVE_MS = 75_000;

/** The server does not listen yet; `listen` is for the caller. */
export function createHttpServer(options: ServerOptions): Server {
  const routes = createRoutes(options);
  const authorize = createAuthorize(options.metricsToken);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response);
    const [path = '/', search] = (request.url ?? '/').split('?', 2);
    const route = routes.get(path);
    // Checked before the path, so that nobody can probe for paths without the token.
    if (!route?.isOpen && !authorize(request.headers.authorization)) {
      sendProblem(response, 401, 'send METRICS_TOKEN as a bearer token, or as the password of Basic', {
        'www-authenticate': CHALLENGE,
      });
    } else if (!route) {
      sendProblem(response, 404, 'no such path');
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      sendProblem(response, 405, 'only GET and HEAD are allowed', { allow: 'GET, HEAD' });
    } else {
      await route.handle(request, response, new URLSearchParams(search));
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      options.log.error({ err: error, path: request.url?.split('?')[0] }, 'request failed');
      if (response.headersSent) response.destroy();
      else sendProblem(response, 500, 'internal error; the log of the aggregator has it');
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = IDLE_MS;
  server.requestTimeout = IDLE_MS;
  server.timeout = IDLE_MS;
  return server;
}

function createRoutes(options: ServerOptions): ReadonlyMap<string, Route> {
  const { board, readiness } = options;
  const queries = createQueries(options);
  const routes = new Map<string, Route>([
    ['/metrics', { isOpen: false, handle: createScrape(options) }],
    ['/api/v1/overview', { isOpen: false, handle: queries.overview }],
    ['/api/v1/sessions', { isOpen: false, handle: queries.sessions }],
    [PART_PATH, { isOpen: false, handle: queries.part }],
    [PART_SESSIONS_PATH, { isOpen: false, handle: queries.partSessions }],
    ['/healthz', { isOpen: true, handle: (_, response) => sendJson(response, 200, { ok: true }) }],
    [
      '/readyz',
      {
        isOpen: true,
        handle(_, response) {
          const state = readiness();
          sendJson(response, state.ready ? 200 : 503, state);
        },
      },
    ],
  ]);
  for (const [path, file] of board) {
    routes.set(path, {
      isOpen: false,
      handle(request, response) {
        const headers = { etag: file.etag, 'cache-control': 'no-cache' };
        if (request.headers['if-none-match'] === file.etag) response.writeHead(304, headers).end();
        else sendBody(response, 200, file.body, { ...headers, 'content-type': file.contentType });
      },
    });
  }
  return routes;
}
