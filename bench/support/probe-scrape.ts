/**
 * Scrapes of a given number of detail series: how long the text takes, beside prom-client writing the same
 * series; and over HTTP, how long the event loop is held while beacons go on coming in.
 */
import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { Gauge, Registry } from 'prom-client';
import { createHistory } from '../../aggregator/history/history.ts';
import { createFleet } from '../../aggregator/http/overview/fleet.ts';
import { createPacer } from '../../aggregator/http/pacer.ts';
import { createHttpServer } from '../../aggregator/http/server.ts';
import { findEnded } from '../../aggregator/http/sessions/ended-sessions.ts';
import { findWorst } from '../../aggregator/http/sessions/worst-sessions.ts';
import { createProcessMetrics } from '../../aggregator/metrics/process-metrics.ts';
import { protobuf } from '../../aggregator/metrics/protobuf/exposition.ts';
import { createSessions, type Sessions } from '../../aggregator/store/sessions.ts';
import { expose, STREAM_READING } from '../../test/support/metrics/expose.ts';
import { parseMetrics } from '../../test/support/metrics/exposition-text.ts';
import { createBenchIngest } from './bench-ingest.ts';
import { median } from './figures.ts';
import { type Hold, medianHold, watchLoop } from './loop-watch.ts';
import { answer } from './probe.ts';
import { BATCH, BENCH_SERVER, batchesOf } from './traffic.ts';

export type ScrapeResult = {
  readonly series: number;
  readonly ours: number;
  /** The same as protobuf. */
  readonly protobuf: number;
  /** NaN when it was not asked for. */
  readonly promClient: number;
  readonly http: number;
  readonly gzipped: number;
  /** The median over the runs of each run's longest. */
  readonly longestHold: Hold;
  readonly ingestedMeanwhile: number;
};

const [sessionCount = '', withPromClient = '', runs = ''] = process.argv.slice(2);
const traffic = { sessions: Number(sessionCount) };
const sessions = createSessions({
  regions: ['apac'],
  servers: [BENCH_SERVER],
  ttlSeconds: 3600,
  maxSessions: 1_000_000,
  maxSessionSeries: 10_000_000,
});
const ingest = createBenchIngest(sessions);
const DETAIL = { nowMs: Date.now(), collect: new Set(['sessions'] as const) };
const SUBJECT = 'health.diagnostics.apac.edge.f00';
sessions.feedUp('apac', Date.now());
for (const round of [0, 1]) {
  for (const batch of batchesOf(traffic, round, Date.now)) ingest(SUBJECT, batch, Date.now());
}
answer(await measure());
process.disconnect?.();

async function measure(): Promise<ScrapeResult> {
  const ours: number[] = [];
  const asProtobuf: number[] = [];
  const promClient: number[] = [];
  const registry = withPromClient === 'yes' ? registryOf(sessions) : undefined;
  for (let run = 0; run < Number(runs); run++) {
    ours.push(timed(() => lengthOf(detailText(sessions))));
    asProtobuf.push(timed(() => lengthOf(protobuf((options) => expose(sessions, options), DETAIL))));
    if (registry) {
      const from = performance.now();
      await registry.metrics();
      promClient.push(performance.now() - from);
    }
  }
  registry?.clear();
  const overHttp = await measureHttp();
  return {
    series: sessions.budget.used,
    ours: median(ours),
    protobuf: median(asProtobuf),
    promClient: median(promClient),
    ...overHttp,
  };
}

/** Scrapes the real server from another process, as Prometheus does, with batches coming in all the while. */
async function measureHttp(): Promise<Pick<ScrapeResult, 'http' | 'gzipped' | 'longestHold' | 'ingestedMeanwhile'>> {
  const fleet = createFleet({
    source: { sessions, version: 'bench', startedAtMs: 0, shard: { index: 0, count: 1 }, stream: () => STREAM_READING },
    shards: undefined,
    regions: sessions.regions,
    wallClock: Date.now,
  });
  const server = createHttpServer({
    expose: (options) => expose(sessions, options),
    processMetrics: createProcessMetrics().text,
    worst: (query) => findWorst(sessions, query),
    ended: (query) => findEnded(sessions, query),
    history: createHistory(['apac']),
    ...fleet,
    topology: '',
    topologyRegions: ['apac'],
    readiness: () => ({ ready: true }),
    regions: ['apac'],
    metricsToken: undefined,
    board: new Map(),
    pacer: createPacer(),
    now: Date.now,
    log: pino({ level: 'error' }),
    deadlineMs: 120_000,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  const batches = [...batchesOf({ sessions: Math.min(traffic.sessions, 20_000) }, 2, Date.now)];
  const plain: number[] = [];
  const gzipped: number[] = [];
  await scrape(url, []);
  const loop = watchLoop();
  let sent = 0;
  const feeding = setInterval(() => {
    const batch = batches[sent++ % batches.length];
    if (batch) ingest(SUBJECT, batch, Date.now());
  }, 1);
  const holds: Hold[] = [];
  for (let run = 0; run < Number(runs); run++) {
    loop.longest();
    plain.push(await scrape(url, []));
    gzipped.push(await scrape(url, ['--compressed']));
    holds.push(loop.longest());
  }
  clearInterval(feeding);
  loop.stop();
  server.close();
  const longestHold = medianHold(holds);
  return { http: median(plain), gzipped: median(gzipped), longestHold, ingestedMeanwhile: sent * BATCH };
}

async function scrape(url: string, options: readonly string[]): Promise<number> {
  const from = performance.now();
  await promisify(execFile)('curl', ['-sSf', '-o', '/dev/null', ...options, url]);
  return performance.now() - from;
}

function detailText(from: Sessions): Generator<string, void, void> {
  return expose(from, { ...DETAIL, openMetrics: false });
}

function timed(work: () => unknown): number {
  const from = performance.now();
  work();
  return performance.now() - from;
}

function lengthOf(texts: Iterable<string>): number {
  let length = 0;
  for (const text of texts) length += text.length;
  return length;
}

/** The same series in prom-client: its gauges, set from our own text. */
function registryOf(from: Sessions): Registry {
  const registry = new Registry();
  const gauges = new Map<string, Gauge>();
  for (const { name, labels, value } of parseMetrics([...detailText(from)].join(''))) {
    let gauge = gauges.get(name);
    if (!gauge) {
      gauge = new Gauge({ name, help: name, labelNames: Object.keys(labels), registers: [registry] });
      gauges.set(name, gauge);
    }
    gauge.set(labels, value);
  }
  return registry;
}
