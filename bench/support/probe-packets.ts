/**
 * Packets of media servers into a store, in a process of their own: CPU a packet, series, and when their sessions
 * are gone. Packets are encoded before the clock starts.
 */
import { createPackets } from '../../aggregator/ingest/packets/packets.ts';
import { createSessions } from '../../aggregator/store/sessions.ts';
import { packetsOf } from '../../demo/media/traffic.ts';
import { expose } from '../../test/support/metrics/expose.ts';
import { answer } from './probe.ts';

export type PacketsResult = {
  readonly bytes: number;
  readonly cpuMicroseconds: number;
  /** Detail series, and all lines of a scrape. */
  readonly series: number;
  readonly samples: number;
  /** From the last packet until nobody lives, with nobody scraping. */
  readonly goneAfterSeconds: number;
};

const [sessionCount = '', peers = '', roundCount = ''] = process.argv.slice(2);
const SERVER = 'https://media-apac-1.example.com';
const SUBJECT = 'health.diagnostics.apac.webtransport.server-1';
const TTL_SECONDS = 30;
const ROUND_MS = 5_000;
const traffic = { sessions: Number(sessionCount), peers: Number(peers), serverUrl: SERVER };
const rounds = Number(roundCount);

const sessions = createSessions({
  regions: ['apac'],
  servers: [SERVER],
  ttlSeconds: TTL_SECONDS,
  maxSessions: 200_000,
  maxSessionSeries: 10_000_000,
});
const packets = createPackets({
  sessions,
  serverTypes: ['webtransport'],
  shard: { index: 0, count: 1 },
  lanes: 4,
  idHashSecret: 'the-secret-of-a-benchmark-protects-nothing',
});
const startMs = Date.now();
sessions.feedUp('apac', startMs);

let bytes = 0;
let microseconds = 0;
for (let round = 0; round < rounds; round++) {
  const nowMs = startMs + round * ROUND_MS;
  const encoded = [...packetsOf(traffic, round, () => nowMs)];
  const from = process.cpuUsage();
  for (const packet of encoded) packets.take(SUBJECT, packet, { storedAtMs: nowMs, nowMs });
  const { user, system } = process.cpuUsage(from);
  // The first rounds begin sessions and warm up.
  if (round >= rounds / 2) microseconds += user + system;
  bytes = encoded.reduce((sum, { length }) => sum + length, 0);
}
const { applied } = sessions.totals('apac').packets;
if (applied !== rounds * traffic.sessions) throw new Error(`${applied} packets were applied`);

const series = sessions.budget.used;
const samples = scrape();

answer({
  bytes: bytes / traffic.sessions,
  cpuMicroseconds: microseconds / (Math.floor(rounds / 2) * traffic.sessions),
  series,
  samples,
  goneAfterSeconds: reap(),
} satisfies PacketsResult);
process.disconnect?.();

function scrape(): number {
  const collect = new Set(['population', 'sessions', 'process'] as const);
  let lines = 0;
  for (const text of expose(sessions, { nowMs: startMs + rounds * ROUND_MS, collect, openMetrics: false })) {
    for (const line of text.split('\n')) if (line !== '' && !line.startsWith('#')) lines++;
  }
  return lines;
}

function reap(): number {
  const lastMs = startMs + (rounds - 1) * ROUND_MS;
  let nowMs = lastMs;
  while (sessions.living() > 0) {
    nowMs += 250;
    while (sessions.expire(nowMs));
  }
  return (nowMs - lastMs) / 1000;
}
