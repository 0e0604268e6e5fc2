/**
 * What a peak leaves behind: sessions with three peers each, ids of 36 characters as clients have them, come, are
 * scraped, and leave with a goodbye; a TTL later nothing of them is kept. `npm run bench -- peak [sessions]`
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createSessions } from '../aggregator/store/sessions.ts';
import { encodeEntry, joinBatch } from '../shared/batch.ts';
import type { Beacon } from '../shared/beacon.ts';
import { longId, validEntry } from '../test/support/edge/beacon.ts';
import { expositionOf } from '../test/support/metrics/expose.ts';
import { createBenchIngest } from './support/bench-ingest.ts';
import { count, printFigures } from './support/figures.ts';

const TTL_SECONDS = 30;
const BATCH = 50;
const PEERS = 3;
/** Of nothing kept: what V8 itself grows by. */
const LEFT_MB_MAX = 5;
const START_MS = Date.UTC(2026, 0, 1);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export function run([sessionCount = '100000']: string[]): Promise<void> {
  const total = Number(sessionCount);
  const sessions = createSessions({
    regions: ['apac'],
    servers: ['https://media-apac-1.example.com'],
    ttlSeconds: TTL_SECONDS,
    maxSessions: 200_000,
    maxSessionSeries: 1_000_000,
  });
  const ingest = createBenchIngest(sessions);
  const exposition = expositionOf(sessions);
  let accepted = 0;
  let nowMs = START_MS;

  function send(count: number, overrides: (i: number) => Partial<Beacon>): void {
    nowMs += 1_000;
    for (let from = 0; from < count; from += BATCH) {
      const entries = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) =>
        encodeEntry(validEntry({ ...identity(from + i), ...overrides(from + i) }, nowMs)),
      );
      accepted += entries.length;
      const header = { slot: 0, epoch: 'peak', accepted, sentAtMs: nowMs };
      ingest('health.diagnostics.apac.edge.f00', joinBatch(header, entries), nowMs);
    }
  }

  function scrape(): void {
    const families = new Set(['population', 'sessions', 'process'] as const);
    for (const _ of exposition.text({ nowMs, collect: families, openMetrics: false }));
  }

  sessions.feedUp('apac', nowMs);
  // Everything that is there once and for all: code, labels, histograms.
  send(100, withPeers(0));
  send(100, () => ({ seq: 1, leaving: true }));
  scrape();
  const before = liveBytes();
  send(total, withPeers(2));
  scrape();
  const peak = liveBytes() - before;
  send(total, () => ({ seq: 3, leaving: true, peers: [] }));
  const departed = liveBytes() - before;
  nowMs += (TTL_SECONDS + 1) * 1_000;
  while (sessions.expire(nowMs));
  scrape();
  const left = liveBytes() - before;
  printFigures(`${count(total)} sessions with ${PEERS} peers each`, [
    { what: 'at the peak', value: megabytes(peak) },
    { what: 'after all said goodbye, while their ids are remembered', value: megabytes(departed) },
    {
      what: 'a TTL later',
      value: megabytes(left),
      target: { text: `at most ${LEFT_MB_MAX} MB`, met: left <= LEFT_MB_MAX * 1e6 },
    },
  ]);
  return Promise.resolve();
}

function identity(i: number): Partial<Beacon> {
  return { meeting_id: longId('m', i >> 2), session_id: longId('s', i), participant_id: longId('p', i) };
}

function withPeers(seq: number): (i: number) => Partial<Beacon> {
  const neteq = { buffer: 0.06, operations_per_second: { normal: 90, expand: 1 } };
  return (i) => ({
    seq,
    peers: Array.from({ length: PEERS }, (_, p) => ({ peer_id: longId('s', i + p + 1), neteq })),
  });
}

function liveBytes(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
