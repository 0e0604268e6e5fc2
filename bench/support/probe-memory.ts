/**
 * Resident memory of further sessions in a store that already holds as many, so that the process's own
 * share (the runtime, the garbage collector's spare room) is separated from what a session costs.
 */

import { createSessions } from '../../aggregator/store/sessions.ts';
import { expose } from '../../test/support/metrics/expose.ts';
import { createBenchIngest } from './bench-ingest.ts';
import { answer } from './probe.ts';
import { BENCH_SERVER, batchesOf, type Traffic } from './traffic.ts';

export type MemoryResult = {
  readonly perSession: number;
  readonly perSeries: number;
  readonly series: number;
  /** What the process took beside the sessions: mostly the collector's spare room. */
  readonly ownBytes: number;
};

const [sessionCount = '', clients = ''] = process.argv.slice(2);
const traffic = { sessions: Number(sessionCount), clients: clients as NonNullable<Traffic['clients']> };
const sessions = createSessions({
  regions: ['apac'],
  servers: [BENCH_SERVER],
  ttlSeconds: 600,
  maxSessions: 2_000_000,
  maxSessionSeries: 10_000_000,
});
const ingest = createBenchIngest(sessions);
sessions.feedUp('apac', Date.now());

const empty = residentBytes();
populate(0);
const before = residentBytes();
const seriesBefore = sessions.budget.used;
populate(traffic.sessions);
const bytes = residentBytes() - before;
const series = sessions.budget.used - seriesBefore;
answer({
  perSession: bytes / traffic.sessions,
  perSeries: bytes / series,
  series,
  ownBytes: before - bytes - empty,
} satisfies MemoryResult);
process.disconnect?.();

function populate(first: number): void {
  // Two rounds, since a W3C client's first beacon has no differences to show.
  for (const round of [0, 1]) {
    for (const batch of batchesOf({ ...traffic, first }, round, Date.now)) {
      ingest('health.diagnostics.apac.edge.f00', batch, Date.now());
    }
  }
  scrapeAll();
}

/** Written once, so that what is kept from a scrape (the labels) is there. */
function scrapeAll(): void {
  const options = { nowMs: Date.now(), collect: new Set(['sessions'] as const), openMetrics: false };
  let length = 0;
  for (const text of expose(sessions, options)) length += text.length;
  if (length === 0) throw new Error('nothing was exposed');
}

function residentBytes(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  return process.memoryUsage.rss();
}
