/**
 * The sessions that are past an objective, by cause, and their bad streams by side. Only which sessions may be impaired is
 * kept: silences and sides change with what others report, so they are judged when they are read. The cost of a reading,
 * in steps, is proportional to what is impaired.
 */
import { NO_SERVER } from '../../shared/servers.ts';
import { isServerAtFault, LEAST_MEETINGS, SIDES, type Side } from '../attribution/side.ts';
import { SILENCE_CAUSES, type SilenceCause } from '../attribution/silence.ts';
import type { Cell } from '../live/population.ts';
import { type Diagnosis, diagnose, IMPAIRMENT_CAUSES, type ImpairmentCause, isRttBad } from './diagnosis.ts';
import type { PeerReadings } from './peers/peer-table.ts';
import type { Meeting } from './roster.ts';
import type { Session } from './session.ts';

/** The union of the causes. */
export const ANY_CAUSE = 'any';

export type Impairment = {
  /** Sessions, each once for a cause. */
  readonly sessions: { readonly [Cause in ImpairmentCause | typeof ANY_CAUSE]: number };
  /** Bad streams that sessions receive. */
  readonly streams: { readonly [S in Side]: number };
  readonly silent: { readonly [Cause in SilenceCause]: number };
};

/**
 * What was found in a cell, before it is said whether its server is at fault, which only all sessions of the server can
 * tell: findings of several shards can be added up.
 */
export type Findings = {
  readonly impairment: Impairment;
  /** Sessions that fare as they do whose server is at fault, and the meetings that they are in, as far as it matters. */
  readonly faringBadly: number;
  readonly meetings: number;
};

/** What was read; it does not change with the store. */
export type ImpairmentReading = {
  of(cell: Cell): Impairment;
  findings(cell: Cell): Findings;
  /** Whether the server of the cell is at fault for whatever its sessions receive badly. */
  isServerAtFault(cell: Cell): boolean;
};

export type Impaired = {
  /** To be called when the session's values were replaced. @param hasSuspects whether it may receive a bad stream */
  note(session: Session, hasSuspects: boolean): void;
  forget(session: Session): void;
  /** Whether the server of the cell was at fault when that was judged last: of quiet sessions alone it is not. */
  wasServerAtFault(cell: Cell): boolean;
  /** Each session counts as it is when the reading comes to it, and once. */
  read(scope?: ImpairmentScope): Generator<void, ImpairmentReading, void>;
};

/** Whom a reading is of; by default, all who live. */
export type ImpairmentScope = {
  /** Without those who have gone quiet. */
  readonly withoutQuiet?: boolean;
  /** Without those of other regions. */
  readonly regions?: ReadonlySet<string>;
};

/** Well under a millisecond of work. */
const STREAMS_AT_ONCE = 1_000;

export const NOT_IMPAIRED: Impairment = createImpairment();
export const NOTHING_FOUND: Findings = { impairment: NOT_IMPAIRED, faringBadly: 0, meetings: 0 };

export function createImpaired(peers: PeerReadings): Impaired {
  const suspects = new Set<Session>();
  /** Cells whose servers were at fault when they were judged last. */
  let lastFailing: ReadonlySet<Cell> = new Set();

  function setSuspect(session: Session, isOne: boolean): void {
    if (session.isSuspect === isOne) return;
    session.isSuspect = isOne;
    if (isOne) suspects.add(session);
    else suspects.delete(session);
  }

  return {
    note: (session, hasSuspects) => setSuspect(session, hasSuspects || isRttBad(session)),
    forget: (session) => setSuspect(session, false),
    wasServerAtFault: (cell) => lastFailing.has(cell),
    *read({ withoutQuiet = false, regions } = {}) {
      const byCell = new Map<Cell, Counts>();
      let steps = 0;
      // A copy: a session that recovers and falls ill again meanwhile would come a second time.
      for (const session of [...suspects]) {
        const isMeant = !(withoutQuiet && session.isQuiet) && (regions?.has(session.cell.region) ?? true);
        if (!session.isSuspect || !isMeant) continue;
        const counts = byCell.get(session.cell) ?? createCounts();
        byCell.set(session.cell, counts);
        add(counts, session, diagnose(session, peers));
        steps += 1 + session.peers.length;
        if (steps < STREAMS_AT_ONCE) continue;
        yield;
        steps = 0;
      }
      const found = new Map<Cell, Findings>();
      const judged = new Map<Cell, Impairment>();
      const failing = new Set<Cell>();
      const sessionsOf = (cell: Cell) => cell.sessions - (withoutQuiet ? cell.quiet.sessions : 0);
      for (const [cell, { impairment, faringBadly, meetings }] of byCell) {
        const server = { serverUrl: cell.serverUrl, sessions: sessionsOf(cell) };
        const findings = { impairment, faringBadly, meetings: meetings.size };
        found.set(cell, findings);
        judged.set(cell, judge(server, findings));
        if (isToBlame(server, findings)) failing.add(cell);
      }
      const isJudged = (cell: Cell) => sessionsOf(cell) > 0 && (regions?.has(cell.region) ?? true);
      lastFailing = new Set([...[...lastFailing].filter((cell) => !isJudged(cell)), ...failing]);
      return {
        of: (cell) => judged.get(cell) ?? NOT_IMPAIRED,
        findings: (cell) => found.get(cell) ?? NOTHING_FOUND,
        isServerAtFault: (cell) => failing.has(cell),
      };
    },
  };
}

/** Both together. */
export function addImpairment(one: Impairment, other: Impairment): Impairment {
  return {
    sessions: sum(one.sessions, other.sessions),
    streams: sum(one.streams, other.streams),
    silent: sum(one.silent, other.silent),
  };
}

export function addFindings(one: Findings, other: Findings): Findings {
  return {
    impairment: addImpairment(one.impairment, other.impairment),
    faringBadly: one.faringBadly + other.faringBadly,
    meetings: one.meetings + other.meetings,
  };
}

function sum<Name extends string>(one: { readonly [N in Name]: number }, other: { readonly [N in Name]: number }) {
  const names = Object.keys(one) as Name[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as { [N in Name]: number };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends number ? number : Writable<T[K]> };

type Counts = {
  readonly impairment: Writable<Impairment>;
  faringBadly: number;
  /** Those of the sessions that fare badly, no more than matter. */
  readonly meetings: Set<Meeting<Session>>;
};

function createCounts(): Counts {
  return { impairment: createImpairment(), faringBadly: 0, meetings: new Set() };
}

function createImpairment(): Writable<Impairment> {
  return {
    sessions: zeros(ANY_CAUSE, ...IMPAIRMENT_CAUSES),
    streams: zeros(...SIDES),
    silent: zeros(...SILENCE_CAUSES),
  };
}

function zeros<Name extends string>(...names: Name[]): { [N in Name]: number } {
  return Object.fromEntries(names.map((name) => [name, 0])) as { [N in Name]: number };
}

function add(counts: Counts, session: Session, diagnosis: Diagnosis): void {
  const { sessions, streams, silent } = counts.impairment;
  const causes = IMPAIRMENT_CAUSES.filter((cause) => diagnosis[cause]);
  for (const cause of causes) sessions[cause]++;
  if (causes.length > 0) sessions[ANY_CAUSE]++;
  for (const { side, silence } of diagnosis.bad) {
    streams[side]++;
    if (silence) silent[silence]++;
  }
  if (!diagnosis.faresBadly) return;
  counts.faringBadly++;
  if (counts.meetings.size < LEAST_MEETINGS) counts.meetings.add(session.presence.meeting);
}

/** The server whose sessions were looked at, all of them together. */
type JudgedServer = { readonly serverUrl: string; readonly sessions: number };

export function isToBlame({ serverUrl, sessions }: JudgedServer, { faringBadly, meetings }: Findings): boolean {
  return serverUrl !== NO_SERVER && isServerAtFault({ sessions, faringBadly, meetings });
}

/** Where the server is at fault, it is for every bad stream of its sessions. */
export function judge(server: JudgedServer, findings: Findings): Impairment {
  const { impairment } = findings;
  if (!isToBlame(server, findings)) return impairment;
  const all = SIDES.reduce((sum, side) => sum + impairment.streams[side], 0);
  return { ...impairment, streams: { ...zeros(...SIDES), server: all } };
}
