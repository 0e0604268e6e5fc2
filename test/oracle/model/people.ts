/** Who lives: sessions that begin, go on, move, begin again, leave and fall silent, by the words of DESIGN and the ADRs. */
import type { Beacon } from '../../../shared/beacon.ts';
import type { Detail } from './detail.ts';
import type { CellKey, Ledger } from './ledger.ts';
import type { Living } from './living.ts';
import { loseAllOpen } from './numbering.ts';
import { type Check, createCheck } from './plausibility.ts';
import type { RegionTime } from './region-time.ts';
import { risesOfPeers } from './rises.ts';
import {
  beginRun,
  isOfKnownRun,
  judge,
  type KnownVerdict,
  type Runs,
  replaceRun,
  resumeRun,
  takeNumber,
  type Verdict,
} from './runs.ts';

/** Sessions expire in steps of so much: the first at or after their time. */
const EXPIRY_STEP_MS = 250;
/** What a closing page still sends in this time after its goodbye belongs to the session that left. */
const AFTER_GOODBYE_MS = 2_000;

type Departed = {
  readonly key: string;
  readonly runs: Runs;
  readonly leftAtMs: number;
  readonly forgetAtMs: number;
};

export type PeopleOptions = {
  readonly servers: readonly string[];
  readonly ttlMs: number;
  readonly maxSessions: number;
  readonly ledger: Ledger;
  /** Of {@link PeopleOptions.living}, which is empty and filled here. */
  readonly detail: Detail;
  readonly living: Map<string, Living>;
  readonly timeOf: (region: string) => RegionTime;
};

/** A beacon on the broker's clock. */
export type Placed = {
  readonly region: string;
  readonly beacon: Beacon;
  /** When the edge received it. */
  readonly atMs: number;
  readonly storedAtMs: number;
  /** What time it is while it is handled. */
  readonly nowMs: number;
};

export type People = {
  take(placed: Placed): void;
  /** Up to when history was read: who was due by then, an earlier process has counted, or none has. */
  readHistory(region: string, nowMs: number): void;
  /** Removes who was silent for a TTL. @param readMs up to when the region was read */
  expire(region: string, readMs: number): void;
  /** Forgets who left. @param readMs up to when every region that can be heard was read */
  forget(readMs: number): void;
};

export function createPeople(options: PeopleOptions): People {
  const { servers, ttlMs, maxSessions, ledger, detail, living, timeOf } = options;
  /** In the order of leaving. */
  let departed: Departed[] = [];
  /** By region, the first step of expiry that was not looked at yet. */
  const nextStep = new Map<string, number>();
  const historyUntilMs = new Map<string, number>();

  function receive(placed: Placed): void {
    const { region, beacon, atMs, storedAtMs, nowMs } = placed;
    const counts = ledger.region(region);
    const key = `${beacon.meeting_id} ${beacon.session_id}`;
    const session = living.get(key);
    const gone = session ? undefined : departed.find((one) => one.key === key);
    const known = session ?? gone;
    const verdict = known && judge(known.runs, beacon, { atMs, storedAtMs, hasLeft: gone !== undefined });
    if (verdict?.kind === 'repeated') {
      counts.duplicate++;
      return;
    }
    const cell = cellOf(region, beacon);
    ledger.cell(cell).rtt.push(...(beacon.rtt ?? []));
    counts.delays.push(Math.max(0, nowMs - atMs) / 1000);
    if (storedAtMs - atMs > ttlMs || isAfterwards(verdict, gone, atMs)) {
      counts.late++;
      if (known && verdict && isOfKnownRun(verdict)) countLate(placed, known.runs, verdict);
      return;
    }
    counts.applied++;
    if (!session) begin({ key, cell, gone, verdict }, placed);
    else if (verdict?.kind === 'begins') beginAgain(session, cell, placed);
    else if (verdict?.kind === 'filling') counts.lost += takeNumber(verdict.run, beacon, atMs, undefined);
    else if (verdict && isOfKnownRun(verdict)) {
      const check = checkOf(session.runs, placed);
      counts.lost += takeNumber(verdict.run, beacon, atMs, check);
      goOn(session, { cell, placed, check, before: session.newest });
    }
  }

  /** It is of a run that was replaced, or of a session that left. */
  function isAfterwards(verdict: Verdict | undefined, gone: Departed | undefined, atMs: number): boolean {
    if (!verdict) return false;
    if (!isOfKnownRun(verdict)) return verdict.kind === 'belated';
    if (verdict.isReplaced) return true;
    return gone !== undefined && (verdict.kind === 'filling' || atMs - gone.leftAtMs < AFTER_GOODBYE_MS);
  }

  /** Its number is taken in all the same. */
  function countLate(placed: Placed, runs: Runs, verdict: KnownVerdict): void {
    const { region, beacon, atMs } = placed;
    const check = verdict.kind === 'fresh' ? checkOf(runs, placed) : undefined;
    ledger.region(region).lost += takeNumber(verdict.run, beacon, atMs, check);
    if (check) runs.accountedUntilMs = check.accountedUntilMs();
  }

  function checkOf({ accountedUntilMs }: Runs, { region, atMs }: Placed): Check {
    const { implausible } = ledger.region(region);
    return createCheck({ accountedUntilMs, atMs, ttlMs, onImplausible: (field) => void implausible[field]++ });
  }

  type Beginning = {
    readonly key: string;
    readonly cell: CellKey;
    readonly gone: Departed | undefined;
    readonly verdict: Verdict | undefined;
  };

  /** A session that is not known, or that left and comes back: with its run, or with another. */
  function begin({ key, cell, gone, verdict }: Beginning, placed: Placed): void {
    const { region, beacon, atMs, storedAtMs, nowMs } = placed;
    if (!beacon.leaving && living.size >= maxSessions) {
      ledger.region(region).refused++;
      return;
    }
    const run = beginRun(beacon, atMs);
    const runs: Runs = gone?.runs ?? { newest: run, replaced: [], accountedUntilMs: atMs - ttlMs };
    if (verdict?.kind === 'begins') replaceRun(runs, run, storedAtMs + ttlMs);
    else if (gone) resumeRun(runs.newest, beacon, atMs);
    runs.accountedUntilMs = checkOf(runs, placed).accountedUntilMs();
    if (beacon.leaving) {
      remember({ key, runs, leftAtMs: atMs, forgetAtMs: nowMs + ttlMs });
      return;
    }
    departed = departed.filter((one) => one.key !== key);
    const heard = { newest: beacon, newestAtMs: atMs, rises: [], elapsedSeconds: undefined };
    const clientDropped = beacon.dropped ?? 0;
    const dueStep = dueStepOf(region, atMs, nowMs);
    const session: Living = { key, region, cell, runs, ...heard, clientDropped, dueStep };
    living.set(key, session);
    detail.update(session, undefined);
  }

  function beginAgain(session: Living, cell: CellKey, placed: Placed): void {
    const { beacon, atMs, storedAtMs } = placed;
    ledger.region(session.region).lost += loseAllOpen(session.runs.newest.numbering);
    replaceRun(session.runs, beginRun(beacon, atMs), storedAtMs + ttlMs);
    session.clientDropped = beacon.dropped ?? 0;
    goOn(session, { cell, placed, check: checkOf(session.runs, placed), before: undefined });
  }

  type Next = {
    readonly cell: CellKey;
    readonly placed: Placed;
    readonly check: Check;
    /** The beacon that differences are taken from. */
    readonly before: Beacon | undefined;
  };

  function goOn(session: Living, { cell, placed, check, before }: Next): void {
    const { region, beacon, atMs, nowMs } = placed;
    const was = { ...session };
    const isHidden = beacon.state?.visible === false;
    const believed = risesOfPeers(beacon, before).map(check.believed);
    const rises = isHidden ? believed.map(({ audio }) => ({ audio, video: {} })) : believed;
    const elapsedSeconds = before && (atMs - was.newestAtMs) / 1000;
    const dueStep = dueStepOf(region, atMs, nowMs);
    Object.assign(session, { cell, region, newest: beacon, newestAtMs: atMs, rises, elapsedSeconds, dueStep });
    detail.update(session, was);
    countMedia(session);
    countDropped(session, check);
    session.runs.accountedUntilMs = check.accountedUntilMs();
    if (!beacon.leaving) return;
    remember({ key: session.key, runs: session.runs, leftAtMs: atMs, forgetAtMs: nowMs + ttlMs });
    remove(session);
    ledger.region(region).left++;
  }

  function countMedia({ cell, rises }: Living): void {
    const counts = ledger.cell(cell);
    for (const { audio, video } of rises) {
      counts.video_freezes += video.freezeCount ?? 0;
      if (audio.totalSamplesReceived === undefined) continue;
      counts.audio_samples += audio.totalSamplesReceived;
      counts.concealed_samples += audio.concealedSamples ?? 0;
      if (audio.concealedSamples !== undefined) counts.silent_concealed_samples += audio.silentConcealedSamples ?? 0;
      counts.accelerated_samples += audio.removedSamplesForAcceleration ?? 0;
      counts.decelerated_samples += audio.insertedSamplesForDeceleration ?? 0;
    }
  }

  function countDropped(session: Living, check: Check): void {
    const { dropped } = session.newest;
    if (dropped === undefined) return;
    const more = dropped < session.clientDropped ? dropped : dropped - session.clientDropped;
    session.clientDropped = dropped;
    if (check.allows('dropped', more)) ledger.region(session.region).clientDropped += more;
  }

  function remember(one: Departed): void {
    departed = [...departed.filter(({ key }) => key !== one.key), one].slice(-maxSessions);
  }

  function remove(session: Living): void {
    ledger.region(session.region).lost += loseAllOpen(session.runs.newest.numbering);
    living.delete(session.key);
    detail.remove(session);
  }

  /** A beacon is never in the future, and no step of the past comes again. */
  function dueStepOf(region: string, atMs: number, nowMs: number): number {
    const seenMs = Math.min(atMs, nowMs) - (nowMs - timeOf(region).reapMs(nowMs));
    return Math.max(Math.ceil((seenMs + ttlMs) / EXPIRY_STEP_MS), nextStep.get(region) ?? 0);
  }

  function cellOf(region: string, { server }: Beacon): CellKey {
    if (!server) return JSON.stringify([region, 'none', 'none']);
    const { protocol, host } = URL.canParse(server.url) ? new URL(server.url) : { protocol: '', host: '' };
    const origin = `${protocol}//${host}`;
    return JSON.stringify([region, servers.includes(origin) ? origin : 'other', server.type]);
  }

  return {
    take: receive,
    readHistory: (region, nowMs) => void historyUntilMs.set(region, nowMs),
    expire(region, readMs) {
      const step = Math.floor(timeOf(region).reapMs(readMs) / EXPIRY_STEP_MS);
      nextStep.set(region, Math.max(nextStep.get(region) ?? 0, step + 1));
      for (const session of [...living.values()]) {
        if (session.region !== region || session.dueStep > step) continue;
        ledger.isHistory = session.newestAtMs + ttlMs <= (historyUntilMs.get(region) ?? 0);
        remove(session);
        ledger.region(region).stale++;
        ledger.isHistory = false;
      }
    },
    forget(readMs) {
      const due = departed.findIndex(({ forgetAtMs }) => forgetAtMs > readMs);
      departed = due < 0 ? [] : departed.slice(due);
    },
  };
}
