/**
 * The aggregator's process: the only place that sees the environment, signals, timers and files,
 * and where the parts are put together.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { type Config, readConfig } from './config.ts';
import { createReaper, REAP_INTERVAL_MS } from './expiry/reaper.ts';
import { startFeed } from './feed/feed.ts';
import { readBoard } from './http/board-files.ts';
import { createPacer } from './http/pacer.ts';
import { createHttpServer, type Readiness } from './http/server.ts';
import { worst } from './http/worst.ts';
import { createIngest } from './ingest/ingest.ts';
import { expose } from './metrics/exposition.ts';
import { createMetrics } from './metrics/self-metrics.ts';
import { seriesBound } from './metrics/series-bound.ts';
import { createSessions } from './store/sessions.ts';

/** How long scrapes that are under way may take to end when we are told to stop. */
const DRAIN_MS = 3_000;

function loadConfig(): Config {
  const result = readConfig(process.env, readIfThere(new URL('../wrangler.toml', import.meta.url)), { canRead });
  if (result.ok) return result.config;
  for (const problem of result.problems) process.stderr.write(`aggregator: ${problem}\n`);
  process.exit(1);
}

function readIfThere(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

function canRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function run(config: Config): void {
  const { regions, natsCreds } = config;
  const log = pino({
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  });
  const now = Date.now;
  const sessions = createSessions(config);
  const ingest = createIngest(sessions);
  const metrics = createMetrics(sessions, { version: packageJson.version, storeBound: seriesBound(config) });
  let stopping = false;

  function fail(error: unknown): never {
    log.fatal({ err: error }, 'unexpected failure');
    process.exit(1);
  }
  process.on('uncaughtException', fail);

  const feed = startFeed({
    access: {
      servers: config.natsServers,
      tls: config.natsTls,
      login: config.natsLogin,
      creds: natsCreds === undefined ? undefined : () => readFileSync(natsCreds),
    },
    regions,
    shard: config.shard,
    lanes: config.lanes,
    ttlSeconds: config.ttlSeconds,
    log,
    now,
    onMessage: ({ subject, data }) => ingest(subject, data, now()),
    onUp: (region) => {
      sessions.feedUp(region, now());
      if (readiness().ready) log.info('ready');
    },
    onDown: (region, sinceMs) => sessions.feedDown(region, sinceMs),
    onFailure: fail,
  });

  function readiness(): Readiness {
    const states = Object.fromEntries(regions.map((region) => [region, feed.state(region)]));
    const ready = !stopping && Object.values(states).every((state) => state === 'up');
    return ready ? { ready } : { ready, reason: stopping ? 'stopping' : 'feed', regions: states };
  }

  const tick = createReaper({
    expire: sessions.expire,
    checkHeartbeats: feed.checkHeartbeats,
    onPaused(sinceMs) {
      log.warn({ seconds: (now() - sinceMs) / 1000 }, 'process was paused; reading what it missed');
      feed.resync(sinceMs);
    },
    now,
    defer: setImmediate,
  });
  const timer = setInterval(tick, REAP_INTERVAL_MS);

  const server = createHttpServer({
    expose: (options) => expose(sessions, options),
    selfMetrics: metrics.text,
    worst: (query) => worst(sessions, query),
    readiness,
    regions,
    metricsToken: config.metricsToken,
    board: readBoard(fileURLToPath(new URL('board', import.meta.url))),
    pacer: createPacer(),
    now,
    log,
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES' && error.code !== 'EADDRNOTAVAIL') fail(error);
    process.stderr.write(`aggregator: cannot listen on ${config.host}:${config.port}: ${error.code}\n`);
    process.exit(1);
  });
  server.listen(config.port, config.host, () => {
    const { address, port } = server.address() as AddressInfo;
    log.info({ address, port, regions, shard: `${config.shard.index}/${config.shard.count}` }, 'listening');
  });

  async function stop(signal: string): Promise<void> {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
    // A request to a NATS that doesn't answer must not keep us.
    const drained = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
    await Promise.all([closed, Promise.race([feed.stop(), drained])]);
    clearInterval(timer);
    log.info('stopped');
    process.exit(0);
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal).catch(fail));
}

run(loadConfig());
