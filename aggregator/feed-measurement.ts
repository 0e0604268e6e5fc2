/** What is measured of the feeds, several times a second: how far each is behind, and how far clocks are off. */
import type { Logger } from 'pino';
import type { Feed } from './feed/feed.ts';
import type { Sessions } from './store/sessions.ts';

type Context = { readonly log: Logger; readonly wallClock: () => number };

/** Notes for the metrics how far each feed is behind and how far clocks are off, and logs each change of a clock. */
export function createFeedMeasurement(sessions: Sessions, feed: Feed, { log, wallClock }: Context): () => void {
  const logged = new Map<string, number>();

  function logSkew(clock: string, skewSeconds: number, region?: string): void {
    const key = `${clock} ${region}`;
    if (Number.isNaN(skewSeconds) || Math.abs(skewSeconds - (logged.get(key) ?? 0)) < SKEW_CHANGE_SECONDS) return;
    logged.set(key, skewSeconds);
    const fields = { clock, ...(region && { region }), skewSeconds };
    if (Math.abs(skewSeconds) < SKEW_CHANGE_SECONDS) log.info(fields, 'clock agrees with NATS again');
    else
      log.warn({ ...fields, hint: 'synchronize it with NTP; sessions do not depend on it' }, 'clock differs from NATS');
  }

  return () => {
    const hostSkewSeconds = (wallClock() - feed.now()) / 1000;
    logSkew('host', hostSkewSeconds);
    for (const region of sessions.regions) {
      const isBehind = feed.state(region) === 'replaying';
      const lagSeconds = feed.lagMs(region) / 1000;
      const [through, sources] = [feed.through(region), feed.sources(region)];
      sessions.noteFeed(region, {
        isBehind,
        lagSeconds,
        hostSkewSeconds,
        readMs: feed.readMs(region),
        through,
        sources,
      });
      logSkew('edge', sessions.totals(region).edge.skewSeconds, region);
    }
  };
}

/** Networks and slow processes make the measurement differ by less. */
const SKEW_CHANGE_SECONDS = 1;
