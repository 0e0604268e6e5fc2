/**
 * One population of a given size and shape, in a process of its own: what a round of beacons, its memory, a scrape and a
 * step of the history cost.
 */
import { type Crowd, figuresOf, readCrowd, readCrowds } from '../../aggregator/history/reading.ts';
import { DEFAULT_GROUPS } from '../../aggregator/metrics/family.ts';
import { createSessions } from '../../aggregator/store/sessions.ts';
import { edgeSubject } from '../../shared/subjects.ts';
import { expose } from '../../test/support/metrics/expose.ts';
import { createBenchIngest } from './bench-ingest.ts';
import { answer } from './probe.ts';
import { batchesOf, type Traffic } from './traffic.ts';

/** How many there are of each; a session receives `peers` others of its meeting. */
export type Shape = {
  readonly sessions: number;
  readonly meetings: number;
  readonly peers: number;
  readonly regions: number;
  readonly servers: number;
};

/** Of the whole population, not of one of it. */
export type ScaleResult = {
  /** CPU of one beacon of each session, ms, from the message to the store. */
  readonly roundMs: number;
  /** What the sessions keep reachable, bytes: the heap and buffers, less those of an empty store. */
  readonly bytes: number;
  /** CPU of a scrape of all default groups without a limit of series, ms. */
  readonly scrapeMs: number;
  readonly series: number;
  /** CPU of a step of the history of all regions, ms. */
  readonly stepMs: number;
  /** The same region by region, as a replay records them, ms. */
  readonly replayedStepMs: number;
};

/** The same for every size, since the counters of a population that has run for longer are others. */
const ROUNDS = 6;
/** Between two beacons of a session; what its counters grow by is of as much. */
const ROUND_MS = 5_000;
/** One session of so many is past an objective. */
const BAD_EVERY = 20;
const REPEATS = 3;
/** Of CPU, for each of the repeats: the kernel may count in ticks of 4 ms. */
const MEASURED_MS = 200;
/** Rounds that begin the sessions: the second one has differences of counters, and what it compiles and grows is not measured. */
const WARM_UP = 3;

const shape = JSON.parse(process.argv[2] ?? '') as Shape;
const regions = Array.from({ length: shape.regions }, (_, i) => `region-${i}`);
const servers = Array.from({ length: shape.servers }, (_, i) => `https://media-${i}.example.com`);
const sessions = createSessions({
  regions,
  servers,
  ttlSeconds: 3_600,
  maxSessions: 10_000_000,
  maxSessionSeries: 10_000_000,
});
const ingest = createBenchIngest(sessions);
const startMs = Date.now();
for (const region of regions) sessions.feedUp(region, startMs);
answer(measure());
process.disconnect?.();

function measure(): ScaleResult {
  const empty = reachableBytes();
  for (let round = 0; round < WARM_UP; round++) play(round);
  let spentMs = 0;
  for (let i = 0; i < ROUNDS; i++) spentMs += play(WARM_UP + i);
  const roundMs = spentMs / ROUNDS;
  const nowMs = startMs + (WARM_UP + ROUNDS) * ROUND_MS;
  const scrapeMs = cheapest(() => {
    for (const _ of expose(sessions, { nowMs, collect: new Set(DEFAULT_GROUPS), openMetrics: false }));
  });
  const stepMs = cheapest(() => {
    for (const crowd of stepOf(readCrowds(sessions, regions)).values()) figuresOf(crowd);
  });
  const replayedStepMs = cheapest(() => {
    for (const region of regions) figuresOf(readCrowd(sessions, region));
  });
  const { used: series } = sessions.budget;
  return { roundMs, bytes: reachableBytes() - empty, scrapeMs, series, stepMs, replayedStepMs };
}

function stepOf(reading: ReturnType<typeof readCrowds>): ReadonlyMap<string, Crowd> {
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
  }
}

/** One beacon of each session. @returns CPU of their ingest alone, ms: encoding them is somebody else's work */
function play(round: number): number {
  const nowMs = startMs + round * ROUND_MS;
  let spentMs = 0;
  for (const [i, region] of regions.entries()) {
    const subject = edgeSubject(region, 'f00');
    let waiting: Uint8Array[] = [];
    const apply = () => {
      const from = cpuMs();
      for (const batch of waiting) ingest(subject, batch, nowMs);
      spentMs += cpuMs() - from;
      waiting = [];
    };
    for (const batch of batchesOf(trafficOf(i), round, () => nowMs)) {
      waiting.push(batch);
      if (waiting.length === 40) apply();
    }
    apply();
  }
  return spentMs;
}

/** Meetings are in one region each. */
function trafficOf(region: number): Traffic {
  const { peers } = shape;
  const meeting = shape.sessions / shape.meetings;
  const ofRegion = Math.floor(shape.meetings / shape.regions) * meeting;
  return { sessions: ofRegion, first: region * ofRegion, meeting, peers, servers, badEvery: BAD_EVERY, longIds: true };
}

/** The least of a few, each repeated until it takes long enough to measure: what else the machine does only adds. */
function cheapest(work: () => void): number {
  const costs = Array.from({ length: REPEATS }, () => {
    const from = cpuMs();
    let times = 0;
    do {
      work();
      times++;
    } while (cpuMs() - from < MEASURED_MS);
    return (cpuMs() - from) / times;
  });
  return Math.min(...costs);
}

function reachableBytes(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Of this thread: the collector's own threads would count work of others. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
