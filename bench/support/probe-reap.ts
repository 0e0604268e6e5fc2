/**
 * How long the reaper blocks the event loop when a given number of sessions expire in the same second, and what those take
 * that are remembered after their end.
 */

import { createReaper, REAP_INTERVAL_MS } from '../../aggregator/expiry/reaper.ts';
import { ENDED_FOR_MS } from '../../aggregator/store/ended/ended.ts';
import { createSessions } from '../../aggregator/store/sessions.ts';
import { createBenchIngest } from './bench-ingest.ts';
import { type Hold, watchLoop } from './loop-watch.ts';
import { answer } from './probe.ts';
import { BENCH_SERVER, batchesOf } from './traffic.ts';

export type ReapResult = {
  readonly longestHold: Hold;
  readonly reaped: number;
  readonly milliseconds: number;
  /** How many are remembered, and what each takes with its peers. */
  readonly ended: number;
  readonly bytesPerEnded: number;
};

const TTL_SECONDS = 3600;
/** At the default, MAX_SESSIONS is twice the 100,000 that end here: they are remembered as far as their peers allow. */
const MAX_PER_SESSION = 2;
const sessionCount = Number(process.argv[2]);
const sessions = createSessions({
  regions: ['apac'],
  servers: [BENCH_SERVER],
  ttlSeconds: TTL_SECONDS,
  maxSessions: sessionCount * MAX_PER_SESSION,
  maxSessionSeries: 50_000,
});
const ingest = createBenchIngest(sessions);
const now = Date.now();
sessions.feedUp('apac', now);
for (const round of [0, 1]) {
  // Spread over the second before `now`, so that all of them are due within one second.
  let i = 0;
  for (const batch of batchesOf({ sessions: sessionCount }, round, () => now)) {
    ingest('health.diagnostics.apac.edge.f00', batch, now - ((i++ * 7) % 1000));
  }
}
// The reaper runs on a clock that is a TTL ahead: in the next real second everybody is due.
const ahead = TTL_SECONDS * 1000 - 1_000;
const loop = watchLoop();
const started = performance.now();
const tick = createReaper({
  expire: (nowMs) => sessions.expire(nowMs + ahead),
  checkHeartbeats: () => {},
  onPaused: () => {},
  now: Date.now,
  defer: setImmediate,
});
loop.longest();
const timer = setInterval(() => {
  tick();
  if (sessions.living() > 0) return;
  clearInterval(timer);
  loop.stop();
  const longestHold = loop.longest();
  const milliseconds = performance.now() - started;
  answer({
    longestHold,
    reaped: sessions.totals('apac').stale,
    milliseconds,
    ended: sessions.ended.count,
    bytesPerEnded: bytesPerEnded(),
  } satisfies ReapResult);
  process.disconnect?.();
}, REAP_INTERVAL_MS);

function bytesPerEnded(): number {
  const { count } = sessions.ended;
  const before = usedBytes();
  while (sessions.ended.count > 0) sessions.forgetEnded(Date.now() + ahead + ENDED_FOR_MS);
  return (before - usedBytes()) / count;
}

function usedBytes(): number {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
