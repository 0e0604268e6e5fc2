/**
 * Concurrent beacons of an isolate share calls: beacons of a region, of any lane, gather in one call until pace.ts
 * lets it go. The request that opens a call is its leader: it waits for the call's turn and sends it. The others are
 * followers and wait for the answer on their own timers (deadline.ts says why). workerd can kill a leader like any
 * request; when an open call's leader stops moving, a follower takes over.
 *
 * Bounds: {@link CALLS_MAX} calls of a region in flight and {@link WAITING_MAX} behind them; beyond that a beacon is
 * rejected at once. A slow region does not affect the others.
 */
import { CALL_LIMITS, CALLS_MAX, type ForwardAnswer, type ForwardRejectReason } from './call.ts';
import type { Gathered } from './client.ts';
import { delay, type RequestTimer, type WaitUntil, within } from './deadline.ts';
import { isGatheringDone, msBeforeCall, PACE_MAX_MS, type Pace } from './pace.ts';

/** Calls of a region that may wait for their turn. */
export const WAITING_MAX = 16;
/** A call that has had no turn by then is given up. */
export const TURN_MAX_MS = 4_000;
/** A leader that has not moved for this long is gone; a live one moves every {@link LEADER_STEP_MS}. */
export const LEADER_LOST_MS = 500;
const LEADER_STEP_MS = 200;
/** Longer than a Forwarder takes to give up on NATS and to spool. */
export const ANSWER_WAIT_MS = 5_000;
/** A call that was sent longer ago is over: its leader has given up by then, or was ended by the runtime. */
export const CALL_LOST_MS = 6_000;

/** A beacon on its way to a Forwarder. */
export type OutgoingBeacon = {
  readonly region: string;
  /** The lane's number. */
  readonly lane: number;
  /** `{meeting_id}/{session_id}`. */
  readonly session: string;
  /** From `encodeEntry`. */
  readonly entry: Uint8Array;
};

/** What a waiting request brings along. */
export type WaitingRequest = { readonly waitUntil: WaitUntil; readonly timer: RequestTimer };

/** See `ForwarderClient.send`. */
export type SendGathered = (region: string, gathered: Gathered, isLast: boolean) => Promise<ForwardAnswer>;

/** Why the beacon was rejected, or undefined once it is safe. Never rejects its promise. */
export type Coalesce = (beacon: OutgoingBeacon, request: WaitingRequest) => Promise<ForwardRejectReason | undefined>;

export type CoalescerOptions = {
  readonly send: SendGathered;
  /** Ms, for differences. */
  readonly now: () => number;
};

type Reason = ForwardRejectReason | undefined;

/**
 * workerd settles a promise only in the request that created it, and never after that request has ended. So each
 * request waits on its own promise, and whoever gets the answer calls its resolver.
 */
type Call = {
  readonly entries: Uint8Array[];
  readonly lanes: number[];
  readonly sessions: string[];
  bytes: number;
  readonly openedAtMs: number;
  leaderMovedAtMs: number;
  sentAtMs: number;
  isSent: boolean;
  /** Resolvers of those who wait, by their beacon's place in the call. */
  readonly resolvers: ((reason: Reason) => void)[];
};

type RegionCalls = {
  readonly region: string;
  /** Calls that have not been sent, oldest first; only the newest may still be open. */
  readonly waiting: Call[];
  /** Calls that were sent and not answered; see {@link countUnderWay}. */
  readonly sent: Set<Call>;
  startedAtMs: number;
  addedAtMs: number;
  /** Leaders that wait for a call to be sent or answered. */
  waitingLeaders: (() => void)[];
};

export function createCoalescer({ send, now }: CoalescerOptions): Coalesce {
  /** Bounded by the number of regions. */
  const regions = new Map<string, RegionCalls>();

  function callsOf(region: string): RegionCalls {
    const known = regions.get(region);
    if (known) return known;
    const calls: RegionCalls = {
      region,
      waiting: [],
      sent: new Set(),
      startedAtMs: Number.NEGATIVE_INFINITY,
      addedAtMs: 0,
      waitingLeaders: [],
    };
    regions.set(region, calls);
    return calls;
  }

  async function lead(calls: RegionCalls, call: Call, timer: RequestTimer): Promise<void> {
    let pacedMs = 0;
    while (!call.isSent) {
      const nowMs = now();
      call.leaderMovedAtMs = nowMs;
      if (Math.abs(nowMs - call.openedAtMs) > TURN_MAX_MS) return giveUp(calls, call);
      const isFirst = calls.waiting[0] === call;
      const hasTurn = isFirst && countUnderWay(calls, nowMs) < CALLS_MAX;
      const pace = paceOf(calls, nowMs);
      const waitMs = hasTurn ? msBeforeCall(pace) : LEADER_STEP_MS;
      // Time on the timer counts too, so a clock that stands still blocks nobody.
      if (waitMs <= 0 || pacedMs >= PACE_MAX_MS) return dispatch(calls, call, { timer, isLast: isGatheringDone(pace) });
      if (hasTurn) {
        await delay(waitMs);
        pacedMs += waitMs;
      } else {
        await within(nextMove(calls), waitMs, undefined);
      }
    }
  }

  function paceOf(calls: RegionCalls, nowMs: number): Pace {
    return {
      sinceStartMs: nowMs - calls.startedAtMs,
      sinceBeaconMs: nowMs - calls.addedAtMs,
      beacons: calls.waiting[0]?.entries.length ?? 0,
      underWay: calls.sent.size,
      isFull: calls.waiting.length > 1,
    };
  }

  async function dispatch(
    calls: RegionCalls,
    call: Call,
    { timer, isLast }: { timer: RequestTimer; isLast: boolean },
  ): Promise<void> {
    call.isSent = true;
    calls.waiting.shift();
    calls.sent.add(call);
    call.sentAtMs = now();
    calls.startedAtMs = call.sentAtMs;
    announce(calls);
    const sending = send(calls.region, call, isLast || calls.sent.size >= CALLS_MAX).catch(() => undefined);
    const answer = await timer.within(sending, ANSWER_WAIT_MS, undefined);
    calls.sent.delete(call);
    announce(calls);
    answerAll(call, answer);
  }

  function giveUp(calls: RegionCalls, call: Call): void {
    call.isSent = true;
    calls.waiting.splice(calls.waiting.indexOf(call), 1);
    announce(calls);
    answerAll(call, undefined);
  }

  /** A follower's watch: gives up on an answer that does not come, and replaces a leader that is gone. */
  function check(
    calls: RegionCalls,
    call: Call,
    follower: WaitingRequest & { resolve: (reason: Reason) => void },
  ): void {
    const nowMs = now();
    if (call.isSent) {
      if (Math.abs(nowMs - call.sentAtMs) > ANSWER_WAIT_MS) follower.resolve('unavailable');
    } else if (Math.abs(nowMs - call.leaderMovedAtMs) >= LEADER_LOST_MS) {
      call.leaderMovedAtMs = nowMs;
      follower.waitUntil(lead(calls, call, follower.timer));
    }
  }

  function openCall(calls: RegionCalls, nowMs: number): Call | undefined {
    if (calls.waiting.length >= WAITING_MAX) return undefined;
    const call = newCall(nowMs);
    calls.waiting.push(call);
    return call;
  }

  // One promise a beacon and no more: this runs for each of them.
  return ({ region, lane, session, entry }, { waitUntil, timer }) =>
    new Promise((resolve) => {
      const calls = callsOf(region);
      const nowMs = now();
      calls.addedAtMs = nowMs;
      const newest = calls.waiting.at(-1);
      const isJoining = newest !== undefined && hasRoom(newest, entry);
      const call = isJoining ? newest : openCall(calls, nowMs);
      if (!call) return resolve('unavailable');
      call.entries.push(entry);
      call.lanes.push(lane);
      call.sessions.push(session);
      call.resolvers.push(resolve);
      call.bytes += entry.length;
      if (isJoining) timer.watch(() => check(calls, call, { waitUntil, timer, resolve }));
      // Other requests' beacons are in the call, so it must go on if the leader's client hangs up.
      else waitUntil(lead(calls, call, timer));
    });
}

function newCall(openedAtMs: number): Call {
  const lists = { entries: [], lanes: [], sessions: [], resolvers: [], bytes: 0 };
  return { ...lists, openedAtMs, leaderMovedAtMs: openedAtMs, sentAtMs: 0, isSent: false };
}

/** @param answer undefined for a call that failed */
function answerAll({ resolvers }: Call, answer: ForwardAnswer | undefined): void {
  const reasons = new Map(answer?.rejected.map(({ index, reason }) => [index, reason]));
  for (const [index, resolve] of resolvers.entries()) resolve(answer ? reasons.get(index) : 'unavailable');
}

function hasRoom({ entries, bytes }: Call, entry: Uint8Array): boolean {
  return entries.length < CALL_LIMITS.beacons && bytes + entry.length <= CALL_LIMITS.bytes;
}

/** A leader that the runtime ended never says that its call is over: three of those would stop their region for good. */
function countUnderWay({ sent }: RegionCalls, nowMs: number): number {
  for (const call of sent) if (Math.abs(nowMs - call.sentAtMs) > CALL_LOST_MS) sent.delete(call);
  return sent.size;
}

function nextMove(calls: RegionCalls): Promise<void> {
  return new Promise((resolve) => calls.waitingLeaders.push(resolve));
}

function announce(calls: RegionCalls): void {
  const leaders = calls.waitingLeaders;
  calls.waitingLeaders = [];
  for (const wake of leaders) wake();
}
