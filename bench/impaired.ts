/**
 * The cost of the worst case: a meeting of 1,000 in which all hear all (64 peers in each beacon) and everything is bad,
 * compared with the same meeting when nothing is. `npm run bench -- impaired [people] [meetings]`
 */
import { createReports } from '../aggregator/store/report/report.ts';
import { createSessions, type Sessions } from '../aggregator/store/sessions.ts';
import type { Beacon } from '../shared/beacon.ts';
import { count, type Figure, median, milliseconds, printFigures } from './support/figures.ts';

const PEERS = 64;
const ROUNDS = 6;
const START_MS = 1_800_000_000_000;
const SERVER = 'https://media-apac-1.example.com';

export async function run([people = '1000', meetings = '1']: string[]): Promise<void> {
  const size = { people: Number(people), meetings: Number(meetings) };
  console.log(`${count(size.meetings)} meetings of ${count(size.people)}, ${PEERS} peers in each beacon`);
  printFigures(
    'nothing is bad',
    measure(size, () => false),
  );
  printFigures(
    'everything is bad',
    measure(size, () => true),
  );
  // Each beacon changes the state of every stream, which is the most that it can cost.
  printFigures(
    'everything is bad in every other beacon',
    measure(size, (round) => round % 2 === 1),
  );
}

type Size = { readonly people: number; readonly meetings: number };

function measure(size: Size, isBad: (round: number) => boolean): Figure[] {
  const sessions = createSessions({
    regions: ['apac'],
    servers: [SERVER],
    ttlSeconds: 3600,
    maxSessions: 1_000_000,
    maxSessionSeries: 0,
  });
  sessions.feedUp('apac', START_MS);
  const perBeacon: number[] = [];
  for (let round = 0; round < ROUNDS; round++) perBeacon.push(applyRound(sessions, size, round, isBad(round)));
  const reading = measureReading(sessions);
  return [
    {
      what: 'a beacon of 64 peers, applied',
      value: `${((1000 * median(perBeacon.slice(1))) as number).toFixed(0)} us`,
    },
    { what: 'sessions impaired', value: count(reading.impaired) },
    { what: 'streams bad', value: count(reading.streams) },
    { what: 'reading all of it', value: milliseconds(reading.ms) },
    { what: 'its longest step', value: milliseconds(reading.longestMs) },
  ];
}

/** @returns ms a beacon */
function applyRound(sessions: Sessions, { people, meetings }: Size, round: number, isBad: boolean): number {
  const reports = createReports();
  const nowMs = START_MS + round * 5_000;
  let spent = 0;
  for (let i = 0; i < people * meetings; i++) {
    reports.clear();
    reports.addBeacon(nowMs, beaconOf(i, people, round, isBad));
    reports.place(nowMs, nowMs);
    const from = performance.now();
    sessions.apply('apac', reports, nowMs);
    spent += performance.now() - from;
  }
  return spent / (people * meetings);
}

function beaconOf(i: number, people: number, seq: number, isBad: boolean): Beacon {
  const meeting = Math.floor(i / people);
  const neteq = { buffer: 0.08, packets_per_second: 50, operations_per_second: { expand: isBad ? 40 : 0 } };
  return {
    v: 1,
    meeting_id: `m-${meeting}`,
    session_id: `s-${i}`,
    participant_id: `p-${i}`,
    seq,
    server: { url: SERVER, type: 'webtransport' },
    rtt: [0.08],
    peers: Array.from({ length: PEERS }, (_, k) => ({
      peer_id: `s-${meeting * people + ((i + 1 + k * 13) % people)}`,
      neteq,
    })),
  };
}

function measureReading(sessions: Sessions): { impaired: number; streams: number; ms: number; longestMs: number } {
  let longestMs = 0;
  const from = performance.now();
  const reading = sessions.readImpairment();
  for (;;) {
    const stepFrom = performance.now();
    const step = reading.next();
    longestMs = Math.max(longestMs, performance.now() - stepFrom);
    if (!step.done) continue;
    const ms = performance.now() - from;
    const cells = [...sessions.cells()].map((cell) => step.value.of(cell));
    const impaired = cells.reduce((sum, cell) => sum + cell.sessions.any, 0);
    const streams = cells.reduce((sum, cell) => sum + Object.values(cell.streams).reduce((a, b) => a + b, 0), 0);
    return { impaired, streams, ms, longestMs };
  }
}
