/**
 * One consuming process: reads the whole stream through the real feed, and either takes it into
 * the store or, as the baseline, only reads the protobuf. The clock starts when every session lives.
 */
import { pino } from 'pino';
import { startFeed } from '../../aggregator/feed/feed.ts';
import { createBatchReader } from '../../aggregator/ingest/batch/batch-reader.ts';
import { createReports } from '../../aggregator/store/report/report.ts';
import { createSessions } from '../../aggregator/store/sessions.ts';
import { createBenchIngest } from './bench-ingest.ts';
import { answer } from './probe.ts';
import { BATCH, BENCH_SERVER } from './traffic.ts';

export type IngestResult = { readonly perSecond: number; readonly cpuPerSecond: number; readonly applied: number };

const [natsUrl = '', mode = '', sessionCount = '', beaconCount = ''] = process.argv.slice(2);
const warmUp = Number(sessionCount) / BATCH;
const all = Number(beaconCount) / BATCH;
const ttlSeconds = 600;
const sessions = createSessions({
  regions: ['apac'],
  servers: [BENCH_SERVER],
  ttlSeconds,
  maxSessions: 200_000,
  maxSessionSeries: 50_000,
});
const ingest = createBenchIngest(sessions);
const read = createBatchReader();
const reports = createReports();
let parsed = 0;
let seen = 0;
let started = { at: 0, cpu: process.cpuUsage() };

const feed = startFeed({
  access: { servers: [natsUrl], tls: false, login: undefined, creds: undefined },
  regions: [{ name: 'apac' }],
  topologyRegions: ['apac'],
  shard: { index: 0, count: 1 },
  lanes: 16,
  ttlSeconds,
  log: pino({ level: 'error' }),
  monotonic: () => performance.now(),
  onMessage({ subject, data }) {
    if (mode === 'store') ingest(subject, data, feed.now());
    else {
      read(data, reports);
      parsed += reports.count;
    }
    seen++;
    if (seen === warmUp) started = { at: performance.now(), cpu: process.cpuUsage() };
    if (seen === all) finish();
  },
  onPassing() {},
  onUp: (region) => sessions.feedUp(region, feed.now()),
  onDown: sessions.feedDown,
  onFailure(error) {
    throw error;
  },
});
const watching = setInterval(() => feed.checkHeartbeats(), 250);

function finish(): void {
  const seconds = (performance.now() - started.at) / 1000;
  const { user, system } = process.cpuUsage(started.cpu);
  const beacons = (all - warmUp) * BATCH;
  const applied = mode === 'store' ? sessions.totals('apac').applied : parsed;
  answer({
    perSecond: beacons / seconds,
    cpuPerSecond: beacons / ((user + system) / 1e6),
    applied,
  } satisfies IngestResult);
  clearInterval(watching);
  feed.stop().then(() => process.disconnect?.());
}
