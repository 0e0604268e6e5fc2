/** The incident of the demo: it hits everybody in one region, and repeats with the timetable. */

export const INCIDENT = {
  region: 'apac',
  firstAfterMs: 30_000,
  lastsMs: 60_000,
  rttSeconds: { low: 0.28, high: 0.32 },
  expandPerSecond: { low: 15, high: 25 },
} as const;
