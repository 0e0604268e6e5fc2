/**
 * One store of many sessions and cells, and the history recorded from it: what a step costs while beacons go on coming in,
 * and what a whole history takes and weighs.
 */
import { createHistory, STEP_MS, STEPS_KEPT } from '../../aggregator/history/history.ts';
import { type Crowd, figuresOf, readCrowd, readCrowds } from '../../aggregator/history/reading.ts';
import { createPacer } from '../../aggregator/http/pacer.ts';
import { createReports } from '../../aggregator/store/report/report.ts';
import { createSessions } from '../../aggregator/store/sessions.ts';
import type { Beacon } from '../../shared/beacon.ts';
import { median } from './figures.ts';
import { type Hold, medianHold, watchLoop } from './loop-watch.ts';
import { answer } from './probe.ts';

export type HistoryResult = {
  readonly cells: number;
  /** CPU of a step of all regions. */
  readonly stepMs: number;
  /** The median over the steps of each one's longest. */
  readonly longestHold: Hold;
  /** The same without recording. */
  readonly idleHold: Hold;
  /** CPU of a step of one region in one go, as in a replay. */
  readonly regionMs: number;
  /** What a full history of all regions takes. */
  readonly bytes: number;
  /** What an answer with all of it weighs. */
  readonly answerBytes: number;
  readonly quiet: number;
};

const [sessionCount = '', regionCount = '', serverCount = '', steps = ''] = process.argv.slice(2);
const regions = Array.from({ length: Number(regionCount) }, (_, i) => `region-${i}`);
const servers = Array.from({ length: Number(serverCount) }, (_, i) => `https://media-${i}.example.com`);
const TTL_SECONDS = 3600;
const sessions = createSessions({
  regions,
  servers,
  ttlSeconds: TTL_SECONDS,
  maxSessions: 1_000_000,
  maxSessionSeries: 0,
});
const reports = createReports();
const startMs = Date.now();
for (const region of regions) sessions.feedUp(region, startMs);
for (const seq of [0, 1]) for (let i = 0; i < Number(sessionCount); i++) apply(i, seq, startMs + seq * 5_000);
answer(await measure());
process.disconnect?.();

function apply(i: number, seq: number, atMs: number): void {
  reports.clear();
  reports.addBeacon(atMs, beaconOf(i, seq));
  reports.place(atMs, atMs);
  sessions.apply(regions[i % regions.length] as string, reports, atMs);
}

/** One of ten is past an objective. */
function beaconOf(i: number, seq: number): Beacon {
  const meeting = Math.floor(i / (4 * regions.length)) * regions.length + (i % regions.length);
  const expand = i % 10 === 0 ? 20 : (i % 40) / 10;
  return {
    v: 1,
    meeting_id: `m-${meeting}`,
    session_id: `s-${i}`,
    participant_id: `p-${i}`,
    seq,
    server: { url: servers[Math.floor(i / regions.length) % servers.length] as string, type: 'webtransport' },
    rtt: [0.05 + ((i * 7919 + seq * 104729) % 1000) / 10_000],
    peers: Array.from({ length: 3 }, (_, k) => ({
      peer_id: `x-${k}`,
      neteq: { buffer: 0.08, packets_per_second: 50, operations_per_second: { expand } },
      video: { framesPerSecond: 25, totalFreezesDuration: seq * ((i % 100) / 100), freezeCount: seq },
    })),
  };
}

async function measure(): Promise<HistoryResult> {
  const pacer = createPacer();
  const history = createHistory(regions);
  const loop = watchLoop();
  let fed = 0;
  const feeding = setInterval(() => {
    for (let i = 0; i < 20; i++)
      apply(fed++ % Number(sessionCount), 2 + Math.floor(fed / Number(sessionCount)), Date.now());
  }, 1);
  const idle: Hold[] = [];
  const holds: Hold[] = [];
  const costs: number[] = [];
  for (let step = 0; step < Number(steps); step++) {
    loop.longest();
    await new Promise((resolve) => setTimeout(resolve, 500));
    idle.push(loop.longest());
    const crowds = await pacer.run(timed(readCrowds(sessions, regions), costs));
    holds.push(loop.longest());
    for (const [region, crowd] of crowds) history.write(region, startMs + step * STEP_MS, figuresOf(crowd));
  }
  clearInterval(feeding);
  loop.stop();
  const oneByOne = regions.slice(0, 8).map((region) => {
    const from = cpuMs();
    figuresOf(readCrowd(sessions, region));
    return cpuMs() - from;
  });
  return {
    cells: [...sessions.cells()].length,
    stepMs: median(costs),
    longestHold: medianHold(holds),
    idleHold: medianHold(idle),
    regionMs: median(oneByOne),
    ...weigh(),
    quiet: [...sessions.cells()].reduce((sum, { quiet }) => sum + quiet.sessions, 0),
  };
}

/** Adds what the slices of the source took, without what runs between them. */
function* timed(source: Generator<void, ReadonlyMap<string, Crowd>, void>, costs: number[]): typeof source {
  let spentMs = 0;
  for (;;) {
    const from = cpuMs();
    const step = source.next();
    spentMs += cpuMs() - from;
    if (step.done) {
      costs.push(spentMs);
      return step.value;
    }
    yield;
  }
}

function weigh(): Pick<HistoryResult, 'bytes' | 'answerBytes'> {
  const before = usedBytes();
  const history = createHistory(regions);
  const figures = figuresOf(readCrowd(sessions, regions[0] as string));
  for (let i = 0; i < STEPS_KEPT; i++) {
    for (const region of regions) history.write(region, startMs + i * STEP_MS, figures);
  }
  const bytes = usedBytes() - before;
  const reading = history.read();
  const answerBytes = regions.reduce((sum, region) => sum + JSON.stringify(reading.of(region)).length, 0);
  return { bytes, answerBytes };
}

function usedBytes(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
