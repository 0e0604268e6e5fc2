/** The aggregator's HTTP server in its process: what it serves, where it listens, and how it stops. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Feed } from './feed/feed.ts';
import type { History } from './history/history.ts';
import type { BoardFiles } from './http/board-files.ts';
import type { Fleet } from './http/overview/fleet.ts';
import type { Pacer } from './http/pacer.ts';
import { createHttpServer, type Readiness } from './http/server.ts';
import { findEnded } from './http/sessions/ended-sessions.ts';
import { findWorst } from './http/sessions/worst-sessions.ts';
import { createExposition } from './metrics/exposition.ts';
import { createProcessMetrics } from './metrics/process-metrics.ts';
import { seriesBound } from './metrics/series-bound.ts';
import type { Sessions } from './store/sessions.ts';

/** What is served. */
export type Served = {
  readonly sessions: Sessions;
  readonly feed: Feed;
  readonly history: History;
  readonly pacer: Pacer;
  readonly fleet: Fleet;
  readonly readiness: () => Readiness;
  /** Regions that the board shows. */
  readonly shownRegions: readonly string[];
  readonly board: BoardFiles;
  /** The broker's time, ms since the epoch. */
  readonly now: () => number;
};

type Context = {
  readonly config: Config;
  readonly log: Logger;
  readonly version: string;
  /** Ends the process over a bug. */
  readonly fail: (error: unknown) => never;
  /** Ends the process over a problem that an operator can solve. */
  readonly exitWith: (problem: string) => never;
};

/** Streams of the regions that are read from several. */
function sourcesOf({ regionSources }: Config): number {
  return regionSources.reduce((sum, { fallbacks }) => sum + (fallbacks.length > 0 ? 1 + fallbacks.length : 0), 0);
}

/** Listens, or ends the process. */
export function serve(
  { sessions, feed, history, pacer, fleet, readiness, shownRegions, board, now }: Served,
  { config, log, version, fail, exitWith }: Context,
): Server {
  const { host, port, regions, topologyRegions, topology, shard, lanes } = config;
  const processMetrics = createProcessMetrics();
  const bound = seriesBound({ ...config, sources: sourcesOf(config) }) + processMetrics.seriesBound;
  const server = createHttpServer({
    expose: createExposition({
      sessions,
      stream: feed.stream,
      feedErrors: feed.errors,
      shard,
      lanes,
      version,
      seriesBound: bound,
    }).text,
    processMetrics: processMetrics.text,
    overview: fleet.overview,
    part: fleet.part,
    others: fleet.others,
    topology,
    worst: (query) => findWorst(sessions, query),
    ended: (query) => findEnded(sessions, query),
    readiness,
    regions: shownRegions,
    topologyRegions,
    metricsToken: config.metricsToken,
    board,
    pacer,
    history,
    now,
    log,
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    const hint = LISTEN_HINTS[error.code ?? ''];
    if (hint === undefined) fail(error);
    exitWith(`cannot listen on ${host}:${port}: ${error.code}: ${hint}`);
  });
  server.listen(port, host, () => {
    const { address, port: boundPort } = server.address() as AddressInfo;
    const fields = { address, port: boundPort, regions, shard: `${shard.index}/${shard.count}` };
    log.info({ ...fields, topology: config.topology }, 'listening');
  });
  return server;
}

/** What to do about an address that can't be listened on; any other error is a bug. */
const LISTEN_HINTS: { readonly [code: string]: string } = {
  EADDRINUSE: 'another process uses it; stop that process or set PORT',
  EACCES: 'permission denied; set PORT to 1024 or higher',
  EADDRNOTAVAIL: 'HOST is not an address of this machine',
};

/** Ends connections that are idle now, and the others after that time at the latest. */
export function closeServer(server: Server, drainMs: number): Promise<void> {
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), drainMs).unref();
  return new Promise((resolve) => server.close(() => resolve()));
}
