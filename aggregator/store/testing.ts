/** What tests of anything above the store need: a store with its feeds up, and beacons in it. */
import type { Entry } from '../../shared/batch.ts';
import type { ImpairmentReading, ImpairmentScope } from './impaired.ts';
import { createReports } from './report/report.ts';
import { createSessions, type Sessions, type SessionsOptions } from './sessions.ts';

/** A time to begin at, ms since the epoch. */
export const NOW = 1_800_000_000_000;

const OPTIONS: SessionsOptions = {
  regions: ['apac', 'eu-west'],
  servers: [],
  ttlSeconds: 30,
  maxSessions: 10_000,
  maxSessionSeries: 1_000,
};

/** A store in which every region's feed has been up since {@link NOW}, and every clock agrees. */
export function createTestSessions(options: Partial<SessionsOptions> = {}): Sessions {
  const sessions = createSessions({ ...OPTIONS, ...options });
  for (const region of sessions.regions) {
    sessions.feedUp(region, NOW);
    noteRightClocks(sessions, region);
  }
  return sessions;
}

/** What is known of a feed that is up: without it, these families are absent. */
export function noteRightClocks(sessions: Sessions, region: string): void {
  const sources = [
    { name: region, isHome: true, isUp: true, messages: 0 },
    { name: 'elsewhere', isHome: false, isUp: true, messages: 0 },
  ];
  sessions.noteFeed(region, { isBehind: false, lagSeconds: 0, hostSkewSeconds: 0, sources });
  sessions.totals(region).edge.skewSeconds = 0;
}

/** A canary came just now. */
export function noteCanary(sessions: Sessions, region: string, nowMs: number): void {
  sessions.noteFeed(region, { ...sessions.feedOf(region), readMs: nowMs });
  sessions.totals(region).edge.canarySentAtMs = nowMs;
}

const reports = createReports();

/** Applies one beacon in the way of ingest, as a message of its own. @param nowMs default: the moment the edge had it */
export function applyEntry(sessions: Sessions, region: string, entry: Entry, nowMs = entry.receivedAtMs): void {
  reports.clear();
  reports.addBeacon(entry.receivedAtMs, entry.beacon);
  reports.place(nowMs, nowMs);
  sessions.apply(region, reports, nowMs);
}

/** The impairment of every cell, read in one go. */
export function readImpairment(sessions: Sessions, scope?: ImpairmentScope): ImpairmentReading {
  const reading = sessions.readImpairment(scope);
  let step = reading.next();
  while (!step.done) step = reading.next();
  return step.value;
}
