/**
 * Laws of a restart: processes that follow each other, each of which reads the last TTL again, count together what one
 * process counts that reads it all, and nothing twice.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Peer } from '../../shared/beacon.ts';
import { validEntry } from '../../test/support/edge/beacon.ts';
import { createReports } from './report/report.ts';
import { createSessions, type Sessions } from './sessions.ts';

const START = 1_800_000_000_000;
const TTL_MS = 30_000;
const REGIONS = ['apac', 'eu-west'];

type Message = Readonly<{
  region: string;
  session: string;
  storedAtMs: number;
  waitedMs: number;
  seq: number;
  samples: number;
  leaving: boolean;
  dropped: number;
  failures: number;
  joins: boolean;
}>;

/** What a client does next. Its sequence numbers and counters rise, and a beacon may be sent twice or be lost. */
const move = fc.record({
  region: fc.constantFrom(...REGIONS),
  session: fc.constantFrom('s-1', 's-2', 's-3'),
  afterMs: fc.oneof({ weight: 4, arbitrary: fc.nat(3_000) }, { weight: 1, arbitrary: fc.nat(40_000) }),
  waitedMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(45_000) }),
  skipped: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.nat(3) }),
  leaving: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  samples: fc.nat(48_000),
  failures: fc.nat(1),
  joins: fc.boolean(),
});
const moves = fc.array(move, { maxLength: 60, size: 'max' });

function messagesOf(made: readonly (typeof move extends fc.Arbitrary<infer M> ? M : never)[]): Message[] {
  const seqs = new Map<string, number>();
  let storedAtMs = START;
  let samples = 0;
  let failures = 0;
  return made.map(({ region, session, afterMs, waitedMs, skipped, leaving, samples: more, ...one }, dropped) => {
    storedAtMs += afterMs;
    samples += more;
    failures += one.failures;
    const seq = (seqs.get(session) ?? 0) + skipped;
    seqs.set(session, seq);
    return { region, session, storedAtMs, waitedMs, seq, samples, leaving, dropped, failures, joins: one.joins };
  });
}

const OPTIONS = { regions: REGIONS, servers: [], ttlSeconds: TTL_MS / 1000, maxSessions: 2, maxSessionSeries: 4 };
const reports = createReports();

/** Without what comes after a session's end: how long that is remembered depends on when it was read. */
function untilLeaving(messages: readonly Message[]): Message[] {
  const left = new Set<string>();
  return messages.filter(({ session, leaving }) => {
    if (left.has(session)) return false;
    if (leaving) left.add(session);
    return true;
  });
}

type Reading = Readonly<{ nowMs: number; isHistory: boolean }>;

function read(sessions: Sessions, message: Message, { nowMs, isHistory }: Reading): void {
  const { region, session, storedAtMs, waitedMs, seq, samples, leaving, dropped, failures, joins } = message;
  const audio = { totalSamplesReceived: samples, concealedSamples: samples >> 1, silentConcealedSamples: samples >> 2 };
  const peers: Peer[] = [{ peer_id: 'a', audio }];
  const { beacon } = validEntry({
    session_id: session,
    seq,
    peers,
    dropped,
    connection: { failures, ice_restarts: failures },
    ...(joins && { join: { result: 'ok', seconds: 1 } }),
    ...(leaving && { leaving }),
  });
  reports.clear();
  reports.isHistory = isHistory;
  reports.addBeacon(storedAtMs - waitedMs, beacon);
  reports.place(storedAtMs, storedAtMs);
  while (sessions.expire(storedAtMs));
  sessions.apply(region, reports, nowMs);
}

type Run = Readonly<{
  messages: readonly Message[];
  /** Where a process is replaced by the next one: shares of the messages. */
  at: readonly number[];
  /** Messages that come after one process and before the next. */
  missed?: number;
  /** What is read again by a process that starts then. */
  reads(message: Message, startedAtMs: number): boolean;
}>;

/** Runs processes that follow each other, each of which has read history before it reads on. */
function runAll({ messages, at, missed = 0, reads }: Run): Sessions[] {
  const ends = [...at.map((share) => Math.floor(share * messages.length)).sort((a, b) => a - b), messages.length];
  return ends.map((end, i) => {
    const begin = i === 0 ? 0 : Math.min(end, (ends[i - 1] ?? 0) + missed);
    const startedAtMs = messages[begin - 1]?.storedAtMs ?? START;
    const sessions = createSessions(OPTIONS);
    for (const message of messages.slice(0, begin)) {
      if (!reads(message, startedAtMs)) continue;
      read(sessions, message, { nowMs: startedAtMs, isHistory: true });
    }
    for (const region of REGIONS) sessions.feedUp(region, startedAtMs);
    for (const message of messages.slice(begin, end)) {
      read(sessions, message, { nowMs: message.storedAtMs, isHistory: false });
    }
    return sessions;
  });
}

/** Everything that the processes count, by its name. */
function countsOf(processes: readonly Sessions[]): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'number') counts.set(name, (counts.get(name) ?? 0) + value);
    else if (ArrayBuffer.isView(value)) add(name, Array.from(value as Float64Array));
    else if (typeof value !== 'object' || value === null || value instanceof Map || name.endsWith('bounds')) return;
    else for (const [key, inner] of Object.entries(value)) add(`${name} ${key}`, inner);
  };
  for (const sessions of processes) {
    add('seriesDropped', sessions.budget.dropped);
    for (const region of REGIONS) add('totals', { ...sessions.totals(region), edge: {} });
    for (const { cumulative } of sessions.cells()) add('cumulative', cumulative);
  }
  return counts;
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 });

it('that read everything again, restarts count what one process counts', () => {
  fc.assert(
    fc.property(moves, cuts, (made, at) => {
      const run = { messages: untilLeaving(messagesOf(made)), reads: () => true };
      const whole = countsOf(runAll({ ...run, at: [] }));
      for (const [name, count] of countsOf(runAll({ ...run, at }))) {
        expect(count, name).toBeLessThanOrEqual((whole.get(name) ?? 0) + 1e-6);
        // Who was due just then is counted by neither process.
        if (!/stale|lost/.test(name)) expect(count, name).toBeCloseTo(whole.get(name) ?? 0, 6);
      }
    }),
  );
});

it('that read the last TTL again, restarts count each message once, and no more than the clients sent', () => {
  fc.assert(
    fc.property(moves, cuts, fc.nat(3), (made, at, missed) => {
      const messages = messagesOf(made);
      const processes = runAll({
        messages,
        at,
        missed,
        reads: ({ storedAtMs }, startedAtMs) => storedAtMs >= startedAtMs - TTL_MS,
      });
      const counts = countsOf(processes);
      const outcomes = ['applied', 'duplicate', 'late'].map((name) => counts.get(`totals ${name}`) ?? 0);
      const counted = outcomes.reduce((sum, count) => sum + count, 0);
      expect(counted).toBeLessThanOrEqual(messages.length);
      expect(counted).toBeGreaterThanOrEqual(messages.length - missed * at.length);
      for (const [name, sent] of [
        ['cumulative audioSamples', risenBy(messages, ({ samples }) => samples)],
        ['totals clientDropped', risenBy(messages, ({ dropped }) => dropped)],
        ['cumulative connectionFailures', risenBy(messages, ({ failures }) => failures)],
      ] as const) {
        expect(counts.get(name) ?? 0, name).toBeLessThanOrEqual(sent);
      }
    }),
  );
});

/** What a counter of the clients rose by, over all of them. */
function risenBy(messages: readonly Message[], counter: (message: Message) => number): number {
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  for (const message of messages) {
    if (!first.has(message.session)) first.set(message.session, counter(message));
    last.set(message.session, counter(message));
  }
  return [...last].reduce((sum, [session, value]) => sum + value - (first.get(session) ?? 0), 0);
}

describe('after a restart', () => {
  const HISTORY_MS = START + 20_000;
  const message = (overrides: Partial<Message>): Message => ({
    region: 'apac',
    session: 's-1',
    storedAtMs: START,
    waitedMs: 0,
    seq: 1,
    samples: 0,
    leaving: false,
    dropped: 0,
    failures: 0,
    joins: false,
    ...overrides,
  });

  function restartedWith(...history: readonly Partial<Message>[]): Sessions {
    const sessions = createSessions(OPTIONS);
    for (const one of history) read(sessions, message(one), { nowMs: HISTORY_MS, isHistory: true });
    for (const region of REGIONS) sessions.feedUp(region, HISTORY_MS);
    return sessions;
  }

  const readNew = (sessions: Sessions, storedAtMs: number, overrides: Partial<Message>): void =>
    read(sessions, message({ storedAtMs, ...overrides }), { nowMs: storedAtMs, isHistory: false });

  const reapAt = (sessions: Sessions, nowMs: number): void => {
    while (sessions.expire(nowMs));
  };

  it('history is there and counts nothing', () => {
    const sessions = restartedWith({ seq: 1 }, { seq: 4, samples: 480 }, { seq: 4 }, { session: 's-2', leaving: true });
    expect(sessions.living()).toBe(1);
    expect([...countsOf([sessions])].filter(([, count]) => count !== 0)).toEqual([]);
  });

  it('what rose since the last beacon of history counts with the first new one', () => {
    const sessions = restartedWith({ samples: 100, dropped: 1 }, { seq: 2, samples: 200, dropped: 2 });
    readNew(sessions, HISTORY_MS, { seq: 3, samples: 500, dropped: 4 });
    expect(countsOf([sessions]).get('cumulative audioSamples')).toBe(300);
    expect(sessions.totals('apac')).toMatchObject({ applied: 1, clientDropped: 2 });
  });

  it('a session that is due later is reaped and counted, with its losses', () => {
    const sessions = restartedWith({ seq: 1 }, { seq: 3 });
    reapAt(sessions, START + TTL_MS + 250);
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac')).toMatchObject({ stale: 1, lost: 1 });
  });

  it('a session that was due before is removed and not counted: the process before has done so', () => {
    // Its beacon waited at the edge for so long that it came shortly before the end.
    const sessions = restartedWith({ waitedMs: 15_000 }, { seq: 3, waitedMs: 15_000 });
    reapAt(sessions, HISTORY_MS + 250);
    expect(sessions.living()).toBe(0);
    expect(sessions.totals('apac')).toMatchObject({ stale: 0, lost: 0 });
  });

  it('a session is due by its newest beacon that was not late', () => {
    const sessions = restartedWith({ seq: 1 }, { seq: 2, waitedMs: TTL_MS + 1_000 });
    reapAt(sessions, START + TTL_MS + 250);
    expect(sessions.totals('apac')).toMatchObject({ stale: 1 });
  });

  it('a repeat of history counts as a duplicate, and what comes late of a session that left as late', () => {
    const sessions = restartedWith({ seq: 1 }, { session: 's-2', seq: 5, leaving: true });
    readNew(sessions, HISTORY_MS, { seq: 1 });
    readNew(sessions, HISTORY_MS, { session: 's-2', seq: 4, storedAtMs: HISTORY_MS });
    expect(sessions.totals('apac')).toMatchObject({ applied: 0, duplicate: 1, late: 1, left: 0 });
  });

  it('a session that is new starts from its first beacon', () => {
    const sessions = restartedWith();
    readNew(sessions, HISTORY_MS, { seq: 700, samples: 48_000, dropped: 9 });
    expect(countsOf([sessions]).get('cumulative audioSamples')).toBe(0);
    expect(sessions.totals('apac')).toMatchObject({ applied: 1, lost: 0, clientDropped: 0 });
  });
});
