/**
 * `GET /metrics`: edgepulse's families and the process metrics in one stream, paced and compressed.
 * A scraper that reads slowly or hangs up is disconnected at the deadline, and its scrape is freed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { Logger } from 'pino';
import type { Collect, Exposition } from '../metrics/exposition.ts';
import { type CollectGroup, DEFAULT_GROUPS, GROUPS } from '../metrics/family.ts';
import { PROTOBUF_CONTENT_TYPE } from '../metrics/protobuf/encoder.ts';
import { protobuf, textAsProtobuf } from '../metrics/protobuf/exposition.ts';
import { wantsGzip, wantsOpenMetrics, wantsProtobuf } from './negotiate.ts';
import type { Pacer } from './pacer.ts';
import { sendProblem } from './respond.ts';

export type ScrapeOptions = {
  /** Every edgepulse family, without `# EOF`. */
  readonly expose: Exposition['text'];
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

const CONTENT_TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openMetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: PROTOBUF_CONTENT_TYPE,
} as const;
type Format = keyof typeof CONTENT_TYPES;

export function createScrape(options: ScrapeOptions): ScrapeHandler {
  const { pacer, log, deadlineMs = 15_000, maxAtOnce = 8 } = options;
  let underWay = 0;

  async function* textOf(collect: Collect, openMetrics: boolean): AsyncGenerator<string, void, void> {
    yield* pacer.text(options.expose({ nowMs: options.now(), collect, openMetrics }));
    if (collect.has('process')) {
      await pacer.turn();
      yield await options.processMetrics(openMetrics);
    }
    if (openMetrics) yield '# EOF\n';
  }

  async function* protobufOf(collect: Collect): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of pacer.text(protobuf(options.expose, { nowMs: options.now(), collect }))) {
      yield Buffer.from(chunk, 'latin1');
    }
    if (!collect.has('process')) return;
    await pacer.turn();
    yield Buffer.from(textAsProtobuf(await options.processMetrics(false)), 'latin1');
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
    const format = formatFor(request.headers.accept);
    const gzip = wantsGzip(request.headers['accept-encoding']);
    response.writeHead(200, {
      'content-type': CONTENT_TYPES[format],
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
    const body = format === 'protobuf' ? protobufOf(collect) : textOf(collect, format === 'openMetrics');
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

function formatFor(accept: string | undefined): Format {
  if (wantsProtobuf(accept)) return 'protobuf';
  return wantsOpenMetrics(accept) ? 'openMetrics' : 'text';
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
