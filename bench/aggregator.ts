/**
 * The aggregator: ingest from JetStream, scrapes beside prom-client, memory, reaping, restart.
 * Every figure is a median of runs in processes of their own.
 * `npm run bench -- aggregator [sessions] [runs]`
 */
import { connect } from 'nats';
import { edgeSubject, STREAM, STREAM_SUBJECTS } from '../shared/subjects.ts';
import { startAggregator } from '../test/support/processes/aggregator.ts';
import { startNatsServer } from '../test/support/processes/nats-server.ts';
import { count, type Figure, median, milliseconds, printFigures } from './support/figures.ts';
import { type Hold, medianHold } from './support/loop-watch.ts';
import { probe } from './support/probe.ts';
import type { IngestResult } from './support/probe-ingest.ts';
import type { MemoryResult } from './support/probe-memory.ts';
import type { ReapResult } from './support/probe-reap.ts';
import type { ScrapeResult } from './support/probe-scrape.ts';
import { BATCH, BENCH_SERVER, batchesOf, PEERS, type Traffic } from './support/traffic.ts';

/** A session of three peers has 10 or 13 detail series, as its client has W3C counters or a NetEQ of its own; 11.75 on average. */
const SESSIONS_FOR_100K_SERIES = 8_510;

export async function run([sessions = '100000', runs = '3']: string[]): Promise<void> {
  const sessionCount = Number(sessions);
  console.log(`${count(sessionCount)} sessions with ${PEERS} peers each, batches of ${BATCH} beacons, ${runs} runs`);
  for (const lean of [false, true]) {
    const what = lean ? 'one RTT sample and few members' : 'every member of the beacon';
    const figures = await ingestFigures({ sessions: sessionCount, lean }, Number(runs));
    printFigures(`ingest, from JetStream to the updated store, ${what}`, figures);
  }
  printFigures('scrape', [
    ...(await scrapeFigures(SESSIONS_FOR_100K_SERIES, 'yes', runs)),
    ...(await scrapeFigures(SESSIONS_FOR_100K_SERIES * 10, 'no', runs)),
  ]);
  printFigures('memory, resident', await memoryFigures(sessionCount));
  printFigures('reaping', await reapFigures(sessionCount, Number(runs)));
  printFigures('restart', await restartFigures(sessionCount, Number(runs)));
}

async function ingestFigures(traffic: Traffic, runs: number): Promise<Figure[]> {
  const { sessions } = traffic;
  const rounds = 6;
  const nats = await startNatsServer();
  try {
    const bytes = await publish(nats.url, traffic, rounds);
    const store: IngestResult[] = [];
    const parse: IngestResult[] = [];
    for (let i = 0; i < runs; i++) {
      for (const [mode, results] of [
        ['store', store],
        ['parse', parse],
      ] as const) {
        const args = [nats.url, mode, `${sessions}`, `${sessions * rounds}`];
        results.push(await probe<IngestResult>('support/probe-ingest.ts', args));
      }
    }
    if (store.some(({ applied }) => applied !== sessions * rounds)) throw new Error('not every beacon was applied');
    const wall = median(store.map(({ perSecond }) => perSecond));
    const baseline = median(parse.map(({ perSecond }) => perSecond));
    return [
      { what: 'bytes a beacon', value: count(bytes / (sessions * rounds)) },
      { what: 'beacons a second', value: count(wall), target: atLeast(wall, 200_000, '200,000') },
      { what: 'beacons per second of CPU', value: count(median(store.map(({ cpuPerSecond }) => cpuPerSecond))) },
      { what: 'the same loop, only reading the protobuf', value: count(baseline) },
      { what: 'ratio to that', value: `${(wall / baseline).toFixed(2)} x` },
    ];
  } finally {
    await nats.stop();
  }
}

async function scrapeFigures(sessions: number, withPromClient: 'yes' | 'no', runs: string): Promise<Figure[]> {
  const result = await probe<ScrapeResult>('support/probe-scrape.ts', [`${sessions}`, withPromClient, runs]);
  const series = `${count(result.series)} series`;
  const ratio = result.promClient / result.ours;
  const compared: Figure[] = [
    { what: `${series}: prom-client, the same series`, value: milliseconds(result.promClient) },
    {
      what: `${series}: times faster than prom-client`,
      value: `${ratio.toFixed(1)} x`,
      target: atLeast(ratio, 8, '8 x'),
    },
  ];
  return [
    { what: `${series}: the text`, value: milliseconds(result.ours) },
    { what: `${series}: as protobuf`, value: milliseconds(result.protobuf) },
    ...(withPromClient === 'yes' ? compared : []),
    { what: `${series}: over HTTP`, value: milliseconds(result.http) },
    { what: `${series}: over HTTP, compressed`, value: milliseconds(result.gzipped) },
    ...holdFigures(`${series}: longest hold of the event loop`, result.longestHold, 10),
    { what: `${series}: beacons taken in meanwhile`, value: count(result.ingestedMeanwhile) },
  ];
}

async function memoryFigures(sessions: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const clients of ['w3c', 'neteq'] as const) {
    const { perSession, perSeries, series, ownBytes } = await probe<MemoryResult>('support/probe-memory.ts', [
      `${sessions}`,
      clients,
    ]);
    figures.push(
      { what: `${clients}: bytes a session with ${PEERS} peers`, value: count(perSession) },
      { what: `${clients}: the process beside them`, value: `${count(ownBytes / 1e6)} MB` },
      {
        what: `${clients}: bytes a detail series, all in (${count(series)})`,
        value: count(perSeries),
        target: atMost(perSeries, 300, '300'),
      },
    );
  }
  return figures;
}

async function reapFigures(sessions: number, runs: number): Promise<Figure[]> {
  const results: ReapResult[] = [];
  for (let i = 0; i < runs; i++) results.push(await probe<ReapResult>('support/probe-reap.ts', [`${sessions}`]));
  const hold = medianHold(results.map(({ longestHold }) => longestHold));
  return [
    { what: 'sessions reaped that expired in one second', value: count(median(results.map(({ reaped }) => reaped))) },
    ...holdFigures('longest hold of the event loop', hold, 20),
    { what: 'of them remembered as ended', value: count(median(results.map(({ ended }) => ended))) },
    {
      what: `bytes an ended session with ${PEERS} peers`,
      value: count(median(results.map(({ bytesPerEnded }) => bytesPerEnded))),
    },
  ];
}

/** The real process, from its start to the first 200 of /readyz, with `sessions` sessions in the stream. */
async function restartFigures(sessions: number, runs: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [rounds, what] of [
    [1, 'one beacon of each session in the stream'],
    [6, 'a whole TTL of beacons in the stream, one every 5 s'],
  ] as const) {
    const nats = await startNatsServer();
    try {
      await publish(nats.url, { sessions }, rounds);
      const times: number[] = [];
      for (let i = 0; i < runs; i++) times.push(await timeRestart(nats.url, sessions));
      const ready = median(times);
      const target = rounds === 1 ? { target: atMost(ready, 3_000, '3 s') } : {};
      figures.push({ what: `ready with ${what}`, value: milliseconds(ready), ...target });
    } finally {
      await nats.stop();
    }
  }
  return figures;
}

async function timeRestart(natsUrl: string, sessions: number): Promise<number> {
  const from = performance.now();
  const env = { REGION: 'apac', SERVERS: BENCH_SERVER, SESSION_TTL_SECONDS: '600' };
  const aggregator = await startAggregator({ natsUrl, env });
  try {
    while ((await fetch(`${aggregator.url}/readyz`)).status !== 200) {
      if (performance.now() - from > 60_000) throw new Error('not ready within a minute');
    }
    const ready = performance.now() - from;
    const text = await (await fetch(`${aggregator.url}/metrics?collect[]=population`)).text();
    if (!text.includes(` ${sessions}\n`)) throw new Error('ready without all sessions');
    return ready;
  } finally {
    await aggregator.stop();
  }
}

/** Puts the rounds into a fresh stream. @returns how many bytes */
async function publish(natsUrl: string, traffic: Traffic, rounds: number): Promise<number> {
  const connection = await connect({ servers: natsUrl });
  const manager = await connection.jetstreamManager();
  await manager.streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS], max_bytes: 8 * 2 ** 30 });
  const jetStream = connection.jetstream({ timeout: 30_000 });
  const subject = edgeSubject('apac', 'f00');
  let bytes = 0;
  let pending: Promise<unknown>[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const batch of batchesOf(traffic, round, Date.now)) {
      bytes += batch.length;
      pending.push(jetStream.publish(subject, batch));
      if (pending.length < 64) continue;
      await Promise.all(pending);
      pending = [];
    }
  }
  await Promise.all(pending);
  await connection.close();
  return bytes;
}

function holdFigures(what: string, { wallMs, cpuMs }: Hold, most: number): Figure[] {
  return [
    { what, value: milliseconds(wallMs), target: atMost(wallMs, most, `${most} ms`) },
    { what: `${what}, CPU`, value: milliseconds(cpuMs) },
  ];
}

function atLeast(value: number, least: number, text: string): { text: string; met: boolean } {
  return { text: `at least ${text}`, met: value >= least };
}

function atMost(value: number, most: number, text: string): { text: string; met: boolean } {
  return { text: `at most ${text}`, met: value <= most };
}
