/**
 * Packets of media servers, beside what was measured of the metrics server that they were made for, on the same machine:
 * 34.7 us of CPU a report of three peers, 657 MB and 542,500 series for 10,000 sessions.
 * `npm run bench -- compat [sessions] [runs]`
 */
import { connect } from 'nats';
import { packetsOf } from '../demo/media/traffic.ts';
import { eventually, pause } from '../test/support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../test/support/processes/aggregator.ts';
import { startNatsServer } from '../test/support/processes/nats-server.ts';
import { cpuSeconds } from './support/cpu.ts';
import { count, type Figure, median, printFigures } from './support/figures.ts';
import { probe } from './support/probe.ts';
import type { PacketsResult } from './support/probe-packets.ts';

const INCUMBENT = { cpuMicroseconds: 34.7, residentBytes: 657e6, series: 542_500, sessions: 10_000 } as const;
/** At most a third of each. */
const SHARE = 1 / 3;
const ROUNDS = 12;
/** 5,000 packets a second at the most, 2.5 times what 10,000 sessions send. */
const AT_ONCE = 100;
const PAUSE_MS = 20;
const SERVER = 'https://media-apac-1.example.com';
const SUBJECT = 'health.diagnostics.apac.webtransport.server-1';

export async function run([sessions = '10000', runs = '3']: string[]): Promise<void> {
  console.log(`${count(Number(sessions))} sessions, a packet of each every 5 s, ${runs} runs`);
  for (const peers of [3, 10]) {
    const results: PacketsResult[] = [];
    const whole: ProcessResult[] = [];
    for (let i = 0; i < Number(runs); i++) {
      results.push(await probe<PacketsResult>('support/probe-packets.ts', [sessions, `${peers}`, `${ROUNDS}`]));
      whole.push(await measureProcess(Number(sessions), peers));
    }
    printFigures(`packets of ${peers} peers, into the store`, storeFigures(results, peers, Number(sessions)));
    printFigures(`packets of ${peers} peers, the process`, processFigures(whole, peers, Number(sessions)));
  }
}

type ProcessResult = { readonly cpuMicroseconds: number; readonly residentBytes: number };

/** The real process, which reads them from a real nats-server, and is scraped once a round. */
async function measureProcess(sessions: number, peers: number): Promise<ProcessResult> {
  const nats = await startNatsServer();
  const env = {
    REGIONS: 'apac',
    SERVERS: SERVER,
    LANES: '4',
    MEDIA_SERVER_TYPES: 'webtransport',
    ID_HASH_SECRET: 'the-secret-of-a-benchmark-protects-nothing',
    MAX_SESSION_SERIES: '10000000',
    SESSION_TTL_SECONDS: '600',
  };
  const aggregator = await startAggregator({ natsUrl: nats.url, env });
  const connection = await connect({ servers: nats.url });
  try {
    let cpu = 0;
    let residentBytes = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const before = await cpuSeconds(aggregator.pid);
      let published = 0;
      for (const packet of packetsOf({ sessions, peers, serverUrl: SERVER }, round, Date.now)) {
        connection.publish(SUBJECT, packet);
        if (++published % AT_ONCE === 0) await pause(PAUSE_MS);
      }
      await connection.flush();
      await untilApplied(aggregator, (round + 1) * sessions);
      // The first rounds begin sessions and warm up.
      if (round >= ROUNDS / 2) cpu += (await cpuSeconds(aggregator.pid)) - before;
      const all = await (await fetch(`${aggregator.url}/metrics`)).text();
      residentBytes = Number(/^process_resident_memory_bytes (\S+)$/m.exec(all)?.[1]);
    }
    return { cpuMicroseconds: (cpu * 1e6) / (Math.floor(ROUNDS / 2) * sessions), residentBytes };
  } finally {
    await connection.close();
    await aggregator.stop();
    await nats.stop();
  }
}

function untilApplied(aggregator: AggregatorProcess, packets: number): Promise<boolean> {
  return eventually(
    async () => {
      const text = await (await fetch(`${aggregator.url}/metrics?collect[]=process`)).text();
      return text.includes(`outcome="applied",reason=""} ${packets}\n`);
    },
    { deadlineMs: 60_000, intervalMs: 200 },
  );
}

function storeFigures(results: readonly PacketsResult[], peers: number, sessions: number): Figure[] {
  const of = (value: (result: PacketsResult) => number) => median(results.map(value));
  const cpu = of((result) => result.cpuMicroseconds);
  const samples = of((result) => result.samples);
  const gone = of((result) => result.goneAfterSeconds);
  const series = (INCUMBENT.series * sessions) / INCUMBENT.sessions;
  return [
    { what: 'bytes a packet', value: count(of((result) => result.bytes)) },
    { what: 'CPU a packet, decoded and applied', value: `${cpu.toFixed(1)} us` },
    { what: 'detail series, without a limit', value: count(of((result) => result.series)) },
    {
      what: 'series of a scrape, without a limit of detail',
      value: count(samples),
      ...target(peers, samples, series, count(series)),
    },
    {
      what: 'gone after the last packet, with nobody scraping',
      value: `${gone.toFixed(2)} s`,
      target: { text: 'within 31 s', met: gone <= 31 },
    },
  ];
}

function processFigures(results: readonly ProcessResult[], peers: number, sessions: number): Figure[] {
  const cpu = median(results.map(({ cpuMicroseconds }) => cpuMicroseconds));
  const resident = median(results.map(({ residentBytes }) => residentBytes));
  const memory = (INCUMBENT.residentBytes * sessions) / INCUMBENT.sessions;
  return [
    {
      what: 'CPU a packet, from NATS to the store',
      value: `${cpu.toFixed(1)} us`,
      ...target(peers, cpu, INCUMBENT.cpuMicroseconds, `${INCUMBENT.cpuMicroseconds} us`),
    },
    {
      what: 'resident memory, scraped with every series',
      value: `${count(resident / 1e6)} MB`,
      ...target(peers, resident, memory, `${count(memory / 1e6)} MB`),
    },
  ];
}

/** Only of three peers is there anything to compare with. */
function target(peers: number, value: number, incumbent: number, text: string): Pick<Figure, 'target'> {
  return peers === 3 ? { target: { text: `at most a third of ${text}`, met: value <= incumbent * SHARE } } : {};
}
