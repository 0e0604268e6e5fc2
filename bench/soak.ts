/**
 * Sessions that come and go, 2,000 a second, for as many minutes as asked: memory after warm-up
 * must be flat, and every sum right at the end. `npm run bench -- soak [minutes]`
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createReaper, REAP_INTERVAL_MS } from '../aggregator/expiry/reaper.ts';
import { createSessions, type Sessions } from '../aggregator/store/sessions.ts';
import { encodeEntry, joinBatch } from '../shared/batch.ts';
import type { Beacon } from '../shared/beacon.ts';
import { longId, validEntry } from '../test/support/edge/beacon.ts';
import { expose } from '../test/support/metrics/expose.ts';
import { createBenchIngest } from './support/bench-ingest.ts';
import { count, type Figure, median, printFigures } from './support/figures.ts';

const COMING_PER_SECOND = 2_000;
const STEP_MS = 100;
const TTL_SECONDS = 30;
/** A session posts this often until it leaves, or vanishes without a word. */
const BEACONS = 4;
const BEACON_EVERY_MS = 5_000;
const SAMPLE_EVERY_SECONDS = 5;
/** Flat: the last quarter's median is at most this much over the second's. */
const GROWTH_MAX = 1.05;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

type Counts = { posted: number; begun: number; leaving: number; vanished: number };

export async function run([minutes = '5']: string[]): Promise<void> {
  const seconds = Number(minutes) * 60;
  if (!(seconds >= 120)) throw new RangeError('a soak takes at least two minutes: it must outlast several TTLs');
  const sessions = createSessions({
    regions: ['apac'],
    servers: ['https://media-apac-1.example.com'],
    ttlSeconds: TTL_SECONDS,
    maxSessions: 200_000,
    maxSessionSeries: 50_000,
  });
  const traffic = createTraffic(sessions);
  const memory: number[] = [];
  let elapsed = 0;
  const reap = createReaper({
    expire: sessions.expire,
    checkHeartbeats: () => {},
    onPaused: () => {},
    now: Date.now,
    defer: setImmediate,
  });
  sessions.feedUp('apac', Date.now());
  const timers = [
    setInterval(traffic.step, STEP_MS),
    setInterval(reap, REAP_INTERVAL_MS),
    setInterval(() => {
      scrape(sessions);
      elapsed++;
      if (elapsed % SAMPLE_EVERY_SECONDS !== 0) return;
      memory.push(liveBytes());
      const [live, resident] = [memory.at(-1) ?? 0, process.memoryUsage.rss()].map((bytes) => count(bytes / 1e6));
      console.log(`${elapsed} s: ${count(sessions.living())} sessions, ${live} MB live, ${resident} MB resident`);
    }, 1_000),
  ];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  traffic.stop();
  // Everybody who did not leave is silent now: after a TTL nobody is left.
  await new Promise((resolve) => setTimeout(resolve, (TTL_SECONDS + 2) * 1000));
  for (const timer of timers) clearInterval(timer);
  report(sessions, traffic.counts, memory.slice(0, Math.floor(seconds / SAMPLE_EVERY_SECONDS)));
}

function createTraffic(sessions: Sessions): { step(): void; stop(): void; readonly counts: Counts } {
  const ingest = createBenchIngest(sessions);
  const counts: Counts = { posted: 0, begun: 0, leaving: 0, vanished: 0 };
  /** Session numbers by the step in which they post next. */
  const due = new Map<number, { id: number; seq: number }[]>();
  let step = 0;
  let stopped = false;

  function beaconsOfThisStep(): Partial<Beacon>[] {
    const posting = due.get(step) ?? [];
    due.delete(step);
    for (let i = 0; i < (COMING_PER_SECOND * STEP_MS) / 1000; i++) posting.push({ id: counts.begun++, seq: 0 });
    return posting.map(({ id, seq }) => {
      const isLast = seq === BEACONS - 1;
      // Every third vanishes; the others say goodbye.
      const isLeaving = isLast && id % 3 !== 0;
      if (isLeaving) counts.leaving++;
      else if (isLast) counts.vanished++;
      if (!isLast) later(step + BEACON_EVERY_MS / STEP_MS, { id, seq: seq + 1 });
      const ids = { meeting_id: longId('m', id >> 2), session_id: longId('s', id), participant_id: longId('p', id) };
      const identity = { ...ids, seq };
      return isLeaving ? { ...identity, leaving: true } : identity;
    });
  }

  function later(at: number, session: { id: number; seq: number }): void {
    const others = due.get(at);
    if (others) others.push(session);
    else due.set(at, [session]);
  }

  return {
    counts,
    step() {
      if (stopped) return;
      const beacons = beaconsOfThisStep();
      step++;
      for (let from = 0; from < beacons.length; from += 50) {
        const entries = beacons.slice(from, from + 50).map((beacon) => encodeEntry(validEntry(beacon, Date.now())));
        counts.posted += entries.length;
        const header = { slot: 0, epoch: 'soak', accepted: counts.posted, sentAtMs: Date.now() };
        ingest('health.diagnostics.apac.edge.f00', joinBatch(header, entries), Date.now());
      }
    },
    stop() {
      stopped = true;
    },
  };
}

function report(sessions: Sessions, { posted, begun, leaving }: Counts, memory: readonly number[]): void {
  const totals = sessions.totals('apac');
  const quarter = Math.floor(memory.length / 4);
  const early = median(memory.slice(quarter, 2 * quarter));
  const late = median(memory.slice(-quarter));
  const same = (what: string, value: number, expected: number): Figure => ({
    what,
    value: count(value),
    target: { text: `exactly ${count(expected)}`, met: value === expected },
  });
  printFigures('soak', [
    same('beacons applied', totals.applied, posted),
    same('accepted by the edge, as reported', totals.edge.accepted, posted),
    same('beacons lost', totals.lost, 0),
    same('sessions reaped, left', totals.left, leaving),
    same('sessions reaped, left and stale', totals.left + totals.stale, begun),
    same('sessions alive at the end', sessions.living(), 0),
    same('detail series at the end', sessions.budget.used, 0),
    { what: 'live memory, second quarter', value: `${count(early / 1e6)} MB` },
    {
      what: 'live memory, last quarter, of the second',
      value: `${(late / early).toFixed(3)} x`,
      target: { text: `at most ${GROWTH_MAX} x`, met: late / early <= GROWTH_MAX },
    },
  ]);
}

/**
 * What is reachable, heap and buffers, right after a collection. The resident set also holds the collector's spare
 * room, which fluctuates for minutes.
 */
function liveBytes(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function scrape(sessions: Sessions): void {
  const families = new Set(['population', 'sessions', 'process'] as const);
  for (const _ of expose(sessions, { nowMs: Date.now(), collect: families, openMetrics: false }));
}
