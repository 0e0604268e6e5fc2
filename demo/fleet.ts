/**
 * The demo's people: twelve meetings over three regions, who join, leave and vanish. Pure: the clock is an argument and
 * the seed decides everything else, however often the fleet is asked; demo.ts posts.
 */
import type { Beacon } from '../shared/beacon.ts';
import { BEACON_EVERY_MS, type Caller, joinCall } from './caller.ts';
import { between, createRandom, pick, type Random } from './random.ts';
import { nextBeacon } from './report.ts';

export const FLEET = {
  regions: ['us-east', 'eu-west', 'apac'],
  meetings: 12,
  /** People in a meeting: never fewer, never more; so there are always at least 60. */
  least: 5,
  most: 9,
  first: 6,
  /** Someone comes or goes about this often. */
  changeEveryMs: { low: 2_000, high: 6_000 },
} as const;

export type Posting = { readonly region: string; readonly beacon: Beacon };

export type Fleet = {
  /** Everything that is to be posted up to `nowMs`, oldest first. */
  advance(nowMs: number): Posting[];
  /** How many people are in calls now. */
  size(): number;
};

type Meeting = { readonly id: string; readonly region: string; readonly people: Caller[] };

type State = {
  readonly startMs: number;
  readonly random: Random;
  readonly meetings: readonly Meeting[];
  joined: number;
  nextChangeMs: number;
};

export function createFleet({ seed, startMs }: { seed: number; startMs: number }): Fleet {
  const random = createRandom(seed);
  const meetings = Array.from({ length: FLEET.meetings }, (_, i): Meeting => {
    const region = FLEET.regions[i % FLEET.regions.length] as string;
    return { id: `demo-${String(i + 1).padStart(2, '0')}`, region, people: [] };
  });
  const state: State = { startMs, random, meetings, joined: 0, nextChangeMs: startMs };
  for (const meeting of meetings) for (let i = 0; i < FLEET.first; i++) join(state, meeting, startMs);
  scheduleChange(state);
  return {
    size: () => meetings.reduce((sum, meeting) => sum + meeting.people.length, 0),
    advance(nowMs) {
      skipPause(state, nowMs);
      const postings: Posting[] = [];
      for (;;) {
        const next = nextPost(state);
        const atMs = Math.min(next.caller.nextAtMs, state.nextChangeMs);
        if (atMs > nowMs) return postings;
        if (atMs < state.nextChangeMs) postings.push(post(state, { ...next, nowMs: atMs }));
        else postings.push(...change(state, atMs));
      }
    },
  };
}

/** After a pause of the machine, everybody posts one beacon and not a burst of the missed ones. */
function skipPause(state: State, nowMs: number): void {
  const resumeMs = nowMs - BEACON_EVERY_MS;
  state.nextChangeMs = Math.max(state.nextChangeMs, resumeMs);
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
  const { random } = state;
  const isHost = meeting.people.length === 0;
  // Most people of a meeting live in its region; the others call in from afar, to a server near them.
  const region = isHost || random() < 0.7 ? meeting.region : pick(random, FLEET.regions);
  state.joined += 1;
  const name = isHost ? 'host' : String(state.joined).padStart(3, '0');
  const sessionId = `${meeting.id}-${name}`;
  meeting.people.push(joinCall({ meetingId: meeting.id, sessionId, region, isHost, nowMs, random }));
}

/** Someone joins, leaves or vanishes. Returns the farewell of one who leaves. */
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
  // A lost network, a dead battery: no farewell, and the session has to time out.
  if (random() < 0.35) return [];
  return [post(state, { meeting, caller, nowMs, leaving: true })];
}

function scheduleChange(state: State): void {
  const { low, high } = FLEET.changeEveryMs;
  state.nextChangeMs += between(state.random, low, high);
}

type Post = Next & { readonly nowMs: number; readonly leaving?: boolean };

function post({ startMs, random }: State, { meeting, caller, nowMs, leaving = false }: Post): Posting {
  const others = meeting.people.filter((other) => other !== caller);
  const elapsedMs = nowMs - startMs;
  return { region: caller.region, beacon: nextBeacon(caller, { nowMs, elapsedMs, others, leaving, random }) };
}
