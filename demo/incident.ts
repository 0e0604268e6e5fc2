/** The incident that the demo acts out, on a rhythm. Pure. */

export const INCIDENT = {
  region: 'apac',
  firstAfterMs: 30_000,
  lastsMs: 60_000,
  everyMs: 150_000,
  rttSeconds: { low: 0.28, high: 0.32 },
  expandPerSecond: { low: 15, high: 25 },
} as const;

export function isIncident(elapsedMs: number): boolean {
  const sinceFirst = elapsedMs - INCIDENT.firstAfterMs;
  return sinceFirst >= 0 && sinceFirst % INCIDENT.everyMs < INCIDENT.lastsMs;
}
