/**
 * What the series of the aggregators cost Prometheus: its resident memory with a hundred thousand detail series of ids as long
 * as UUIDs, beside the same Prometheus with none. `npm run bench -- prometheus [sessions] [seconds]`
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_GROUPS } from '../aggregator/metrics/family.ts';
import { createSessions } from '../aggregator/store/sessions.ts';
import { edgeSubject } from '../shared/subjects.ts';
import { expose } from '../test/support/metrics/expose.ts';
import { startPrometheus } from '../test/support/processes/prometheus.ts';
import { createBenchIngest } from './support/bench-ingest.ts';
import { count, printFigures } from './support/figures.ts';
import { BENCH_SERVER, batchesOf } from './support/traffic.ts';

const SCRAPE_MS = 5_000;

export async function run([sessions = '8510', seconds = '60']: string[]): Promise<void> {
  const text = textOf(Number(sessions));
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  const [none, all] = [await memoryWith('up_to_nothing 1\n', Number(seconds)), await memoryWith(text, Number(seconds))];
  printFigures(`Prometheus after ${seconds} s, a scrape every ${SCRAPE_MS / 1000} s`, [
    { what: 'series', value: count(series) },
    { what: 'resident without them', value: `${count(none / 1e6)} MB` },
    { what: 'resident with them', value: `${count(all / 1e6)} MB` },
    { what: 'a series', value: `${count((all - none) / series)} bytes` },
  ]);
}

function textOf(count: number): string {
  const sessions = createSessions({
    regions: ['apac'],
    servers: [BENCH_SERVER],
    ttlSeconds: 3_600,
    maxSessions: 1_000_000,
    maxSessionSeries: 10_000_000,
  });
  const ingest = createBenchIngest(sessions);
  const nowMs = Date.now();
  sessions.feedUp('apac', nowMs);
  for (const round of [0, 1]) {
    for (const batch of batchesOf({ sessions: count, longIds: true }, round, () => nowMs)) {
      ingest(edgeSubject('apac', 'f00'), batch, nowMs);
    }
  }
  return [...expose(sessions, { nowMs, collect: new Set(DEFAULT_GROUPS), openMetrics: false })].join('');
}

async function memoryWith(text: string, seconds: number): Promise<number> {
  const server: Server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const prometheus = await startPrometheus([{ url }], { scrapeIntervalMs: SCRAPE_MS });
  try {
    await pause(seconds * 1000);
    const [resident] =
      /^process_resident_memory_bytes (\S+)$/m
        .exec(await (await fetch(`${prometheus.url}/metrics`)).text())
        ?.slice(1) ?? [];
    return Number(resident);
  } finally {
    await prometheus.stop();
    server.closeAllConnections();
    server.close();
  }
}
