/**
 * The aggregator's process. Only this file sees the environment and signals; it creates the parts and connects them.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { lanesOf } from '../shared/subjects.ts';
import { type Config, readConfig } from './config.ts';
import { createReaper, REAP_INTERVAL_MS } from './expiry/reaper.ts';
import { startCoreFeed } from './feed/core/core-feed.ts';
import { type Feed, type FeedOptions, startFeed } from './feed/feed.ts';
import { createFeedMeasurement } from './feed-measurement.ts';
import { createHistory } from './history/history.ts';
import type { Recorder } from './history/recorder.ts';
import { readBoard } from './http/board-files.ts';
import { createFleet } from './http/overview/fleet.ts';
import { createPacer, type Pacer } from './http/pacer.ts';
import type { Readiness } from './http/server.ts';
import { createPeerClient } from './http/shards/peer-client.ts';
import { createShards, REFRESH_MS, type Shards } from './http/shards/shards.ts';
import { type Canaries, createCanaries } from './ingest/canaries.ts';
import { createCanaryCheck } from './ingest/canary-signature.ts';
import { createForwarders, type Forwarders } from './ingest/forwarders.ts';
import { createIngest } from './ingest/ingest.ts';
import { createPackets, type Packets } from './ingest/packets/packets.ts';
import { recordOwn, recordWhole } from './recording.ts';
import { closeServer, serve } from './serving.ts';
import { createSessions, type Sessions } from './store/sessions.ts';

/** By this host's own clock. */
const startedAtMs = Math.round(performance.timeOrigin);

/** How long requests under way may take to end after a signal to stop. */
const DRAIN_MS = 3_000;

type Context = {
  readonly config: Config;
  readonly log: Logger;
  /** This host's wall clock: it decides nothing, and is compared with the broker's. */
  readonly wallClock: () => number;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  /** Ends the process over a bug. */
  readonly fail: (error: unknown) => never;
};

function run(config: Config): void {
  const log = createLog(config);
  const fail = (error: unknown): never => {
    log.fatal({ err: error }, 'unexpected error; exiting');
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  const context: Context = { config, log, fail, wallClock: Date.now, monotonic: () => performance.now() };

  let isStopping = false;
  const sessions = createSessions(config);
  const forwarders = watchForwarders(sessions, context);
  const history = createHistory(shownRegions(config));
  const pacer = createPacer();
  const feed = feedSessions({ sessions, forwarders, recorder: () => recorder }, context, () => {
    if (readiness().ready) log.info('ready');
  });
  const shards = watchShards(pacer, context);
  const fleet = createFleet({
    source: { sessions, version: packageJson.version, startedAtMs, shard: config.shard, stream: feed.stream },
    shards,
    regions: shownRegions(config),
    wallClock: context.wallClock,
  });
  const recorder = shards
    ? recordWhole({ feed, history, pacer, fleet })
    : recordOwn({ sessions, feed, history, pacer, ttlSeconds: config.ttlSeconds });
  function readiness(): Readiness {
    const regions = Object.fromEntries(config.regions.map((region) => [region, feed.state(region)]));
    const ready = !isStopping && Object.values(regions).every((state) => state === 'up');
    const through = config.regions.flatMap((region) => {
      const name = feed.through(region);
      return name === undefined ? [] : [[region, name]];
    });
    if (ready) return { ready, ...(through.length > 0 && { through: Object.fromEntries(through) }) };
    return { ready, reason: isStopping ? 'stopping' : 'feed', regions };
  }
  const measureFeed = createFeedMeasurement(sessions, feed, context);
  const reap = createSessionReaper(sessions, feed, context);
  const reaping = setInterval(() => {
    reap();
    sessions.forgetEnded(feed.now());
    forwarders.refresh(feed.now());
    measureFeed();
    recorder.tick().catch(fail);
  }, REAP_INTERVAL_MS);
  const refreshing = setInterval(() => {
    // Read at once, so that what is complete is known, whether or not anybody looks at the board.
    shards
      ?.refresh()
      .then(() => pacer.run(fleet.whole()))
      .catch(fail);
  }, REFRESH_MS);
  const board = readBoard(fileURLToPath(new URL('board', import.meta.url)));
  const now = () => brokerNow(feed, context);
  const server = serve(
    { sessions, feed, history, pacer, fleet, readiness, shownRegions: shownRegions(config), board, now },
    { config, log, version: packageJson.version, fail, exitWith },
  );

  onStopSignal(async (signal) => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, 'stopping');
    await Promise.all([closeServer(server, DRAIN_MS), stopFeed(feed)]);
    clearInterval(reaping);
    clearInterval(refreshing);
    log.info('stopped');
    process.exit(0);
  }, fail);
}

function createLog({ logLevel }: Config): Logger {
  return pino({
    level: logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  });
}

function watchForwarders(sessions: Sessions, { config, log }: Context): Forwarders {
  return createForwarders({
    regions: config.regions,
    shard: config.shard,
    topology: config.topology,
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology({ region, slot, theirs, ours }) {
      if (theirs === ours) log.info({ region, slot, topology: ours }, 'forwarder topology matches');
      else log.warn({ region, slot, theirs, ours, hint: TOPOLOGY_HINT }, 'forwarder topology differs');
    },
    onRoute({ region, slot, via }) {
      if (via === region) log.info({ region, slot }, "forwarder publishes through the region's own NATS again");
      else log.warn({ region, slot, via }, "forwarder publishes through another region's NATS");
    },
  });
}

const TOPOLOGY_HINT =
  'deploy worker and aggregator with the same REGIONS, SERVERS and LANES; expected during a rollout';

function watchCanaries(sessions: Sessions, { config, log }: Pick<Context, 'config' | 'log'>): Canaries {
  const { canarySecret, shard, lanes } = config;
  return createCanaries({
    lanes: lanesOf(shard, lanes),
    totalsOf: (region) => sessions.totals(region).edge,
    isSigned: canarySecret === undefined ? undefined : createCanaryCheck(canarySecret),
    onRejected: (region) => log.warn({ region, hint: CANARY_HINT }, 'canary rejected: its signature is wrong'),
  });
}

const CANARY_HINT =
  "give the aggregator the worker's CANARY_SECRET, or its BEACON_SECRET if it has none; if they are the same, somebody else publishes canaries";

type Fed = { readonly sessions: Sessions; readonly forwarders: Forwarders; readonly recorder: () => Recorder };

function feedSessions(
  { sessions, forwarders, recorder }: Fed,
  { config, log, monotonic, wallClock, fail }: Context,
  onRegionUp: () => void,
): Feed {
  const { natsCreds, natsCa } = config;
  const trusted = {
    creds: natsCreds === undefined ? undefined : () => readFileSync(natsCreds),
    ca: natsCa === undefined ? undefined : () => readFileSync(natsCa, 'utf8'),
  };
  const canaries = watchCanaries(sessions, { config, log });
  const ingest = createIngest(sessions, forwarders, { canaries, packets: readPackets(sessions, config) });
  const options: FeedOptions = {
    access: { ...config.nats, ...trusted },
    fallbackAccess: config.natsFallback && { ...config.natsFallback, ...trusted },
    regions: config.regionSources,
    topologyRegions: config.topologyRegions,
    shard: config.shard,
    lanes: config.lanes,
    mediaServerTypes: config.mediaServerTypes,
    ttlSeconds: config.ttlSeconds,
    log,
    monotonic,
    onMessage: ({ subject, data, timestampMs, isHistory, passedMs }) =>
      ingest(subject, data, { storedAtMs: timestampMs, nowMs: feed.now(), isHistory, passedMs }),
    onPassing(region, passing) {
      // What an outage missed is applied as of now, so that nothing can be said of the time between.
      if (sessions.feedDownSince(region) === undefined) recorder().passes(region, passing);
    },
    onUp(region) {
      sessions.feedUp(region, feed.now());
      onRegionUp();
    },
    onDown(region, sinceMs) {
      sessions.feedDown(region, sinceMs);
      recorder().lost(region);
    },
    onFailure: fail,
  };
  const onDropped = (region: string) => {
    sessions.totals(region).packets.dropped++;
  };
  const feed: Feed =
    config.mediaServerFeed === 'core'
      ? startCoreFeed({ ...options, regions: config.regions, wallClock, onDropped })
      : startFeed(options);
  return feed;
}

/** Undefined where none are configured. */
function readPackets(sessions: Sessions, config: Config): Packets | undefined {
  const { mediaServerTypes: serverTypes, idHashSecret, shard, lanes } = config;
  if (serverTypes.length === 0 || idHashSecret === undefined) return undefined;
  return createPackets({ sessions, serverTypes, shard, lanes, idHashSecret });
}

function createSessionReaper(sessions: Sessions, feed: Feed, { log, monotonic }: Context): () => void {
  return createReaper({
    expire: () => sessions.expire(feed.readMs),
    checkHeartbeats: feed.checkHeartbeats,
    onPaused(sinceMs) {
      log.warn({ seconds: (monotonic() - sinceMs) / 1000 }, 'process was paused; replaying what it missed');
      feed.resync(sinceMs);
    },
    now: monotonic,
    defer: setImmediate,
  });
}

/** The broker's time as far as it is known: before that nothing is shown that depends on it. */
function brokerNow(feed: Feed, { wallClock }: Context): number {
  const nowMs = feed.now();
  return Number.isNaN(nowMs) ? wallClock() : nowMs;
}

/** Undefined where this process is told of no others. */
function watchShards(pacer: Pacer, { config, log }: Context): Shards | undefined {
  const { boardPeers: addresses, shard, topology, regions, metricsToken: token } = config;
  if (addresses.length === 0) return undefined;
  return createShards({ addresses, ask: createPeerClient({ token }), shard, topology, regions, pacer, log });
}

/** Other shards may read regions that this one does not. */
function shownRegions({ boardPeers, regions, topologyRegions }: Config): readonly string[] {
  return boardPeers.length > 0 ? topologyRegions : regions;
}

/** Waits no longer than the drain time: a NATS that doesn't answer must not keep the process alive. */
function stopFeed(feed: Feed): Promise<void> {
  const drained = new Promise<void>((resolve) => setTimeout(resolve, DRAIN_MS).unref());
  return Promise.race([feed.stop(), drained]);
}

function onStopSignal(stop: (signal: string) => Promise<void>, fail: (error: unknown) => never): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal).catch(fail));
}

function loadConfig(): Config {
  const result = readConfig(process.env, readIfPresent(new URL('../wrangler.toml', import.meta.url)), { canRead });
  return result.ok ? result.config : exitWith(...result.problems);
}

function readIfPresent(url: URL): string | undefined {
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

/** One line for each problem that an operator can solve. */
function exitWith(...problems: readonly string[]): never {
  for (const problem of problems) process.stderr.write(`aggregator: ${problem}\n`);
  process.exit(1);
}

run(loadConfig());
