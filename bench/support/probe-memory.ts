/** Resident memory of a store with so many sessions, by what is added: the sessions, then one scrape of all their detail. */
import { expose } from '../../aggregator/exposition.ts';
import { createIngest } from '../../aggregator/ingest.ts';
import { createSessions } from '../../aggregator/sessions.ts';
import { answer } from './probe.ts';
import { BENCH_SERVER, batchesOf, type Traffic } from './traffic.ts';

export type MemoryResult = { readonly perSession: number; readonly perSeries: number; readonly series: number };

const [sessionCount = '', clients = ''] = process.argv.slice(2);
const traffic = { sessions: Number(sessionCount), clients: clients as NonNullable<Traffic['clients']> };
const sessions = createSessions({
  regions: ['apac'],
  servers: [BENCH_SERVER],
  ttlSeconds: 600,
  maxSessions: 2_000_000,
  maxSessionSeries: 10_000_000,
});
const ingest = createIngest(sessions);
const encoder = new TextEncoder();
sessions.feedUp('apac', Date.now());

const before = residentBytes();
// Two rounds, since a W3C client's first beacon has no differences to show.
for (const round of [0, 1]) {
  for (const batch of batchesOf(traffic, round, Date.now)) {
    ingest('health.diagnostics.apac.edge.f00', encoder.encode(batch), Date.now());
  }
}
scrapeAll();
const after = residentBytes();
const bytes = after - before;
const series = sessions.budget.used;
answer({ perSession: bytes / traffic.sessions, perSeries: bytes / series, series } satisfies MemoryResult);
process.disconnect?.();

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
