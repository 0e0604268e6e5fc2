/**
 * The confusion matrix of the attribution: the aggregator's own store judges meetings with known faults, and each bad
 * stream is counted by its actual fault and by the side that was blamed.
 */
import { SIDES, type Side } from '../../aggregator/attribution/side.ts';
import type { ImpairmentReading } from '../../aggregator/store/impaired.ts';
import { createReports } from '../../aggregator/store/report/report.ts';
import { createSessions, type Sessions } from '../../aggregator/store/sessions.ts';
import { createClients, INTERVAL_SECONDS } from './clients.ts';
import { createWorld, type Faults, type Meeting, type Person, type World } from './meetings.ts';
import { createRandom, type Random } from './random.ts';

/** What is actually broken on the path of a stream. */
export const TRUTHS = ['server', 'publisher', 'receiver', 'several', 'meeting', 'nothing'] as const;
export type Truth = (typeof TRUTHS)[number];

/** Bad streams with one truth, by the side that was blamed. `right`: a side that is broken, or `unknown` where none is. */
export type Row = { readonly said: { readonly [S in Side]: number }; readonly right: number; readonly wronged: number };

export type Matrix = { readonly [T in Truth]: Row };

export type MatrixOptions = {
  readonly seed: number;
  readonly worlds: number;
  readonly faults: Faults;
};

/** Meetings by how many people are in them. */
export type Sizes = { readonly least: number; readonly most: number };

type Writable<T> = { -readonly [K in keyof T]: T[K] extends number ? number : Writable<T[K]> };

const START_MS = 1_800_000_000_000;
/** The first beacon has no differences. */
const ROUNDS = 3;

/** @returns a matrix for each of the sizes */
export function simulate({ seed, worlds, faults }: MatrixOptions, sizes: readonly Sizes[]): Matrix[] {
  const matrices = sizes.map(() => Object.fromEntries(TRUTHS.map((truth) => [truth, emptyRow()])) as Writable<Matrix>);
  const random = createRandom(seed);
  for (let w = 0; w < worlds; w++) {
    const world = createWorld(random, faults);
    const sessions = reportAll(random, world);
    const reading = readToEnd(sessions);
    for (const meeting of world.meetings) {
      const { length } = meeting.people;
      for (const [i, { least, most }] of sizes.entries()) {
        if (length >= least && length <= most) judge(matrices[i] as Writable<Matrix>, meeting, sessions, reading);
      }
    }
  }
  return matrices;
}

/** A store after a few beacons of everybody in the world. */
function reportAll(random: Random, { servers, meetings }: World): Sessions {
  const sessions = createSessions({
    regions: ['apac'],
    servers: servers.map(({ url }) => url),
    ttlSeconds: 30,
    maxSessions: 100_000,
    maxSessionSeries: 0,
  });
  sessions.feedUp('apac', START_MS);
  const reports = createReports();
  const clients = meetings.map((meeting) => createClients(random, meeting));
  for (let round = 0; round < ROUNDS; round++) {
    const nowMs = START_MS + round * INTERVAL_SECONDS * 1000;
    for (const client of clients) {
      reports.clear();
      for (const beacon of client.round()) reports.addBeacon(nowMs, beacon);
      reports.place(nowMs, nowMs);
      sessions.apply('apac', reports, nowMs);
    }
  }
  return sessions;
}

function readToEnd(sessions: Sessions): ImpairmentReading {
  const reading = sessions.readImpairment();
  let step = reading.next();
  while (!step.done) step = reading.next();
  return step.value;
}

function judge(matrix: Writable<Matrix>, meeting: Meeting, sessions: Sessions, reading: ImpairmentReading): void {
  for (const session of sessions.meeting(meeting.id)?.sessions.values() ?? []) {
    const isServer = reading.isServerAtFault(session.cell);
    const receiver = personOf(meeting, session.id);
    for (const { row, side } of sessions.diagnose(session).bad) {
      const broken = brokenSides(meeting, personOf(meeting, sessions.peers.id(row)), receiver);
      count(matrix, broken, meeting.isBad ? 'meeting' : 'nothing', isServer ? 'server' : side);
    }
  }
}

function count(matrix: Writable<Matrix>, broken: readonly Side[], other: 'meeting' | 'nothing', said: Side): void {
  const [first, ...others] = broken;
  const truth = first === undefined ? other : others.length > 0 ? 'several' : (first as Truth);
  const row = matrix[truth];
  row.said[said]++;
  if (said === 'unknown' ? first === undefined : broken.includes(said)) row.right++;
  if (said !== 'unknown' && !broken.includes(said)) row.wronged++;
}

function brokenSides({ server }: Meeting, publisher: Person, receiver: Person): Side[] {
  return [
    ...(server.isBad ? (['server'] as const) : []),
    ...(publisher.hasBadUplink ? (['publisher'] as const) : []),
    ...(receiver.hasBadDownlink ? (['receiver'] as const) : []),
  ];
}

function personOf({ people }: Meeting, id: string): Person {
  const person = people.find((one) => one.id === id);
  if (!person) throw new RangeError(`nobody in the meeting is ${id}`);
  return person;
}

function emptyRow(): Writable<Row> {
  return { said: Object.fromEntries(SIDES.map((side) => [side, 0])) as { [S in Side]: number }, right: 0, wronged: 0 };
}

/** Sums over all bad streams of a matrix. */
export function sumOf(matrix: Matrix): { readonly streams: number; readonly right: number; readonly wronged: number } {
  const sum = { streams: 0, right: 0, wronged: 0 };
  for (const row of Object.values(matrix)) {
    sum.streams += streamsIn(row);
    sum.right += row.right;
    sum.wronged += row.wronged;
  }
  return sum;
}

export function streamsIn({ said }: Row): number {
  return SIDES.reduce((sum, side) => sum + said[side], 0);
}
