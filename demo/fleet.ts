/**
 * The demo's people: twelve meetings over three regions, who join, leave and vanish. Pure: the clock is an argument and
 * the seed decides everything else, whatever the steps of the clock; demo.ts posts.
 */
import type { Beacon } from '../shared/beacon.ts';
import { BEACON_EVERY_MS, type Caller, drawServer, joinCall } from './caller/caller.ts';
import { drawDevice } from './caller/device.ts';
import { drawFailure, failedJoin } from './caller/join.ts';
import { nextBeacon } from './caller/report.ts';
import { between, createRandom, pick, type Random } from './random.ts';

export const FLEET = {
  regions: ['us-east', 'eu-west', 'apac'],
  meetings: 12,
  /** Bounds of the people in a meeting: so there are always at least 60 in all. */
  least: 5,
  most: 9,
  first: 6,
  /** Someone comes or goes about this often. */
  changeEveryMs: { low: 2_000, high: 6_000 },
  /** How often it is decided whether a join fails; see {@link attempt}. */
  attemptEveryMs: { low: 500, high: 1_000 },
} as const;

export type Posting = {
  readonly region: string;
  readonly beacon: Beacon;
  /** When it was due: its figures are as of then. */
  readonly atMs: number;
};

export type Fleet = {
  /** Everything to post up to `nowMs`, oldest first. */
  advance(nowMs: number): Posting[];
  /** How many people are in calls now. */
  size(): number;
};

type Meeting = { readonly id: string; readonly region: string; readonly people: Caller[] };

type State = {
  readonly startMs: number;
  readonly regions: readonly string[];
  readonly random: Random;
  readonly meetings: readonly Meeting[];
  joined: number;
  nextChangeMs: number;
  nextAttemptMs: number;
};

export type FleetOptions = {
  readonly seed: number;
  readonly startMs: number;
  /** Where the people are; default all of {@link FLEET}'s. */
  readonly regions?: readonly string[];
};

export function createFleet({ seed, startMs, regions = FLEET.regions }: FleetOptions): Fleet {
  const random = createRandom(seed);
  const meetings = Array.from({ length: FLEET.meetings }, (_, i): Meeting => {
    const region = regions[i % regions.length] as string;
    return { id: `demo-${String(i + 1).padStart(2, '0')}`, region, people: [] };
  });
  const state: State = { startMs, regions, random, meetings, joined: 0, nextChangeMs: startMs, nextAttemptMs: startMs };
  for (const meeting of meetings) for (let i = 0; i < FLEET.first; i++) join(state, meeting, startMs);
  scheduleChange(state);
  scheduleAttempt(state);
  return {
    size: () => meetings.reduce((sum, meeting) => sum + meeting.people.length, 0),
    advance(nowMs) {
      skipPause(state, nowMs);
      const postings: Posting[] = [];
      for (;;) {
        const next = nextPost(state);
        const { nextChangeMs, nextAttemptMs } = state;
        const atMs = Math.min(next.caller.nextAtMs, nextChangeMs, nextAttemptMs);
        if (atMs > nowMs) return postings;
        if (atMs === nextChangeMs) postings.push(...change(state, atMs));
        else if (atMs === nextAttemptMs) postings.push(...attempt(state, atMs));
        else postings.push(post(state, { ...next, nowMs: atMs }));
      }
    },
  };
}

/** After the machine has slept, everybody posts one beacon rather than a burst of the missed ones. */
function skipPause(state: State, nowMs: number): void {
  const resumeMs = nowMs - BEACON_EVERY_MS;
  state.nextChangeMs = Math.max(state.nextChangeMs, resumeMs);
  state.nextAttemptMs = Math.max(state.nextAttemptMs, resumeMs);
  for (const { people } of state.meetings) {
    for (const caller of people) {
      const missed = Math.floor((nowMs - caller.nextAtMs) / BEACON_EVERY_MS);
      if (missed > 0) caller.nextAtMs += missed * BEACON_EVERY_MS;
    }
  }
}

type Next = { readonly meeting: Meeting; readonly caller: Caller };

function nextPost({ meetings }: State): Next {
  let next: Next | undefined;
  for (const meeting of meetings) {
    for (const caller of meeting.people) {
      if (!next || caller.nextAtMs < next.caller.nextAtMs) next = { meeting, caller };
    }
  }
  if (!next) throw new RangeError('nobody is in a call');
  return next;
}

function join(state: State, meeting: Meeting, nowMs: number): void {
  const { random, startMs } = state;
  const isHost = meeting.people.length === 0;
  const region = isHost ? meeting.region : regionOfSomeone(state, meeting);
  const sessionId = `${meeting.id}-${isHost ? 'host' : nextNumber(state)}`;
  const person = { meetingId: meeting.id, sessionId, region, isHost, others: meeting.people };
  meeting.people.push(joinCall({ ...person, nowMs, elapsedMs: nowMs - startMs, random }));
}

/** Most people of a meeting are in its region; the others call from afar, through a server near them. */
function regionOfSomeone({ random, regions }: State, meeting: Meeting): string {
  return random() < 0.7 ? meeting.region : pick(random, regions);
}

function nextNumber(state: State): string {
  state.joined += 1;
  return String(state.joined).padStart(3, '0');
}

/** Someone tries to join, and may fail. Returns the beacon of a join that failed; joins that succeed happen in {@link change}. */
function attempt(state: State, nowMs: number): Posting[] {
  const { random, startMs } = state;
  scheduleAttempt(state);
  const meeting = pick(random, state.meetings);
  const region = regionOfSomeone(state, meeting);
  const result = drawFailure(region, nowMs - startMs, random);
  if (result === undefined) return [];
  const server = drawServer(region, random);
  const sessionId = `${meeting.id}-${nextNumber(state)}`;
  const device = drawDevice(server.type, random);
  const beacon = failedJoin({ meetingId: meeting.id, sessionId, server, device, result, nowMs });
  return [{ region, beacon, atMs: nowMs }];
}

/** Someone joins, leaves or vanishes. Returns the last beacon of one who leaves. */
function change(state: State, nowMs: number): Posting[] {
  const { random } = state;
  const meeting = pick(random, state.meetings);
  scheduleChange(state);
  const size = meeting.people.length;
  const joins = size <= FLEET.least || (size < FLEET.most && random() < 0.5);
  if (joins) {
    join(state, meeting, nowMs);
    return [];
  }
  const caller = pick(
    random,
    meeting.people.filter(({ isHost }) => !isHost),
  );
  meeting.people.splice(meeting.people.indexOf(caller), 1);
  // A lost network, a dead battery: no last beacon, and the session has to time out.
  if (random() < 0.35) return [];
  return [post(state, { meeting, caller, nowMs, leaving: true })];
}

function scheduleChange(state: State): void {
  const { low, high } = FLEET.changeEveryMs;
  state.nextChangeMs += between(state.random, low, high);
}

function scheduleAttempt(state: State): void {
  const { low, high } = FLEET.attemptEveryMs;
  state.nextAttemptMs += between(state.random, low, high);
}

type Post = Next & { readonly nowMs: number; readonly leaving?: boolean };

function post({ startMs, random }: State, { meeting, caller, nowMs, leaving = false }: Post): Posting {
  const others = meeting.people.filter((other) => other !== caller);
  const elapsedMs = nowMs - startMs;
  const beacon = nextBeacon(caller, { nowMs, elapsedMs, others, leaving, random });
  return { region: caller.region, beacon, atMs: nowMs };
}
