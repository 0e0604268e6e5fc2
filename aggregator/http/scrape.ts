/**
 * `GET /metrics`: edgepulse's families and the process metrics in one stream, paced and compressed.
 * A scraper that reads slowly or hangs up is disconnected at the deadline, and its scrape is freed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { Logger } from 'pino';
import type { Collect, ExposeOptions } from '../metrics/exposition.ts';
import { type CollectGroup, DEFAULT_GROUPS, GROUPS } from '../metrics/family.ts';
import { wantsGzip, wantsOpenMetrics } from './negotiate.ts';
import type { Pacer } from './pacer.ts';
import { sendProblem } from './respond.ts';

export type ScrapeOptions = {
  /** Every edgepulse family, without `# EOF`. */
  readonly expose: (options: ExposeOptions) => Generator<string, void, void>;
  /** The families of the Node process, without `# EOF`. */
  readonly processMetrics: (openMetrics: boolean) => Promise<string>;
  readonly pacer: Pacer;
  readonly now: () => number;
  readonly log: Logger;
  /** How long one answer may take in all, the scraper's reading included. */
  readonly deadlineMs?: number;
  /** Concurrent scrapes; more are answered 503 with Retry-After. */
  readonly maxAtOnce?: number;
};

export type ScrapeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => Promise<void>;

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export function createScrape(options: ScrapeOptions): ScrapeHandler {
  const { pacer, log, deadlineMs = 15_000, maxAtOnce = 8 } = options;
  let underWay = 0;

  async function* bodyOf(collect: Collect, openMetrics: boolean): AsyncGenerator<string, void, void> {
    yield* pacer.text(options.expose({ nowMs: options.now(), collect, openMetrics }));
    if (collect.has('process')) {
      await pacer.turn();
      yield await options.processMetrics(openMetrics);
    }
    if (openMetrics) yield '# EOF\n';
  }

  return async (request, response, query) => {
    const collect = readCollect(query);
    if (!collect) {
      sendProblem(response, 400, `collect[] takes ${GROUPS.join(', ')}`);
      return;
    }
    if (underWay >= maxAtOnce) {
      sendProblem(response, 503, 'too many scrapes at once', { 'retry-after': '1' });
      return;
    }
    const openMetrics = wantsOpenMetrics(request.headers.accept);
    const gzip = wantsGzip(request.headers['accept-encoding']);
    response.writeHead(200, {
      'content-type': openMetrics ? OPENMETRICS_CONTENT_TYPE : CONTENT_TYPE,
      'cache-control': 'no-store',
      vary: 'accept, accept-encoding',
      ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    underWay++;
    const deadline = AbortSignal.timeout(deadlineMs);
    const body = bodyOf(collect, openMetrics);
    try {
      // Level 1: the text is so repetitive that higher levels cost time and save little.
      if (gzip) await pipeline(body, createGzip({ level: constants.Z_BEST_SPEED }), response, { signal: deadline });
      else await pipeline(body, response, { signal: deadline });
    } catch (error) {
      if (deadline.aborted)
        log.warn({ deadlineMs }, 'scraper did not read the response in time; closing its connection');
      else if (isHangUp(error)) log.debug('scraper hung up');
      else throw error;
    } finally {
      underWay--;
    }
  };
}

/** @returns undefined when a value is unknown */
function readCollect(query: URLSearchParams): Collect | undefined {
  const asked = query.getAll('collect[]');
  if (asked.some((value) => !GROUPS.includes(value as CollectGroup))) return undefined;
  return new Set(asked.length === 0 ? DEFAULT_GROUPS : GROUPS.filter((group) => asked.includes(group)));
}

function isHangUp(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED'].includes(code ?? '');
}
