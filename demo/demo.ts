/** Plays the fleet against the worker in real time, and reports what happens to it and when. */

import { mintToken } from '../dev/token.ts';
import type { Beacon } from '../shared/beacon.ts';
import { createOnsets } from './alerts/due.ts';
import { startMonitoring } from './alerts/prometheus.ts';
import { createAlertWatch } from './alerts/watch.ts';
import { createFleet, FLEET } from './fleet.ts';
import { createPoster } from './poster.ts';
import { describeEpisode, describeTimetable, episodesIn, isUnderWay } from './timetable.ts';

const SEED = 20_261_123;
const POST_EVERY_MS = 50;
const TOKEN_TTL_MS = 24 * 60 * 60 * 1000;

export type DemoOptions = {
  /** Base addresses. */
  readonly worker: string;
  readonly aggregators: readonly string[];
  /** Where the people are; default all of FLEET's. */
  readonly regions?: readonly string[];
  readonly secret: string;
  /** A Prometheus beside it that prints its alerts; absent: none. */
  readonly prometheus?: { readonly metricsToken: string | undefined; readonly port: number | undefined };
  readonly report: (line: string) => void;
};

export function startDemo(options: DemoOptions): { stop(): Promise<void> } {
  const { worker, aggregators, regions = FLEET.regions, secret, prometheus, report } = options;
  const startMs = Date.now();
  const fleet = createFleet({ seed: SEED, startMs, regions });
  const poster = createPoster({ url: worker, tokenFor: tokens(secret), report });
  report(`simulating ${fleet.size()} people in ${FLEET.meetings} meetings in ${regions.join(', ')}`);
  for (const line of describeTimetable(startMs, regions)) report(line);
  report(`one meeting in detail: ${aggregators[0]}/api/v1/sessions?meeting_id=demo-02`);
  const onsets = createOnsets(startMs);
  const watch = createAlertWatch(onsets.of);
  const monitoring = prometheus && startMonitoring({ aggregators, ...prometheus, watch, report });
  let elapsedMs = -1;
  const timer = setInterval(() => {
    const nowMs = Date.now();
    const beforeMs = elapsedMs;
    elapsedMs = nowMs - startMs;
    for (const episode of episodesIn(regions)) {
      const isNow = isUnderWay(episode, elapsedMs);
      if (isNow !== isUnderWay(episode, beforeMs)) report(describeEpisode(episode, isNow, nowMs));
    }
    for (const posting of fleet.advance(nowMs)) {
      onsets.note(posting, nowMs);
      poster.post(posting);
    }
  }, POST_EVERY_MS);
  return {
    async stop() {
      clearInterval(timer);
      poster.stop();
      await monitoring?.stop();
    },
  };
}

/** One token for each session, minted at its first beacon and forgotten with its last. */
function tokens(secret: string): (beacon: Beacon) => Promise<string> {
  const minted = new Map<string, Promise<string>>();
  return ({ meeting_id, session_id, leaving, join }) => {
    const token =
      minted.get(session_id) ??
      mintToken({ meetingId: meeting_id, sessionId: session_id, secret, expiresAtMs: Date.now() + TOKEN_TTL_MS });
    if (leaving || (join && join.result !== 'ok')) minted.delete(session_id);
    else minted.set(session_id, token);
    return token;
  };
}
