/**
 * The aggregator without its process and its network: bytes go through the real ingest, store, clocks of the feed and
 * exposition, wired as aggregator/main.ts and aggregator/feed/ wire them, with time as an argument.
 */
import { createReadPosition } from '../../aggregator/feed/clock/read-position.ts';
import { createRegionClock } from '../../aggregator/feed/clock/region-clock.ts';
import { createForwarders } from '../../aggregator/ingest/forwarders.ts';
import { createIngest } from '../../aggregator/ingest/ingest.ts';
import { createExposition } from '../../aggregator/metrics/exposition.ts';
import { createSessions } from '../../aggregator/store/sessions.ts';
import type { Shard } from '../../shared/subjects.ts';
import { edgeSubject, forwarderSubject } from '../../shared/subjects.ts';
import { STREAM_READING } from '../support/metrics/expose.ts';
import type { Surroundings } from './model/expected.ts';
import type { ModelOptions, Reading } from './model/model.ts';
import type { Moment } from './model/region-time.ts';

export type SystemOptions = ModelOptions & { readonly shard: Shard; readonly topology: string };

export type System = {
  /** The consumer of the region was opened. @param backlog what it has to deliver */
  opened(region: string, backlog: number): void;
  /** A message arrived and waits behind others. */
  waits(region: string, waiting: number): void;
  handle(message: Delivery, reading: Reading, at: Moment): void;
  /** A message on a Forwarder's subject, which has a consumer of its own. */
  handleCounters(message: CountersDelivery, isHistory: boolean, at: Moment): void;
  /** @param heardMs when the region was last heard, by the broker's clock */
  down(region: string, heardMs: number, at: Moment): void;
  up(region: string, at: Moment): void;
  /** What runs every 250 ms. @param isIdle regions for which the broker reported that nothing waits */
  tick(at: Moment, isIdle: (region: string) => boolean): void;
  /** All groups of /metrics. */
  text(at: Moment): string;
};

export type Delivery = {
  readonly region: string;
  readonly lane: string;
  readonly bytes: Uint8Array;
  readonly storedAtMs: number;
};

export type CountersDelivery = {
  readonly region: string;
  readonly slot: number;
  readonly bytes: Uint8Array;
  readonly storedAtMs: number;
};

export const SURROUNDINGS: Omit<Surroundings, 'shard'> = {
  version: '1.2.3',
  seriesBound: 12_345,
  reachSeconds: STREAM_READING.reachSeconds,
  lanes: 5,
};

export function createSystem(options: SystemOptions): System {
  const { regions, shard, topology } = options;
  const sessions = createSessions(options);
  const forwarders = createForwarders({
    regions,
    shard,
    topology,
    totalsOf: (region) => sessions.totals(region).edge,
    onTopology() {},
  });
  const ingest = createIngest(sessions, forwarders);
  const exposition = createExposition({ sessions, stream: () => STREAM_READING, shard, ...SURROUNDINGS });
  let now: Moment = { brokerMs: Number.NaN, monotonicMs: 0, hostMs: 0 };
  const broker = { timeAt: () => now.brokerMs, observe() {} };
  const feeds = new Map(
    regions.map((region) => {
      const position = createReadPosition();
      return [region, { position, clock: createRegionClock(broker, [position]), isUp: false }];
    }),
  );

  function feedOf(region: string) {
    const feed = feeds.get(region);
    if (!feed) throw new RangeError(`no such region: ${region}`);
    return feed;
  }

  return {
    opened(region, backlog) {
      const { position } = feedOf(region);
      position.reopened();
      if (backlog === 0) position.idle();
    },
    waits: (region, waiting) => feedOf(region).position.waiting(waiting),
    handle({ region, lane, bytes, storedAtMs }, { left, isHistory }, at) {
      now = at;
      const { position } = feedOf(region);
      position.waiting(left);
      ingest(edgeSubject(region, lane), bytes, { storedAtMs, nowMs: at.brokerMs, isHistory });
      position.handled(storedAtMs, left, at.monotonicMs);
    },
    handleCounters({ region, slot, bytes, storedAtMs }, isHistory, { brokerMs }) {
      ingest(forwarderSubject(region, slot), bytes, { storedAtMs, nowMs: brokerMs, isHistory });
    },
    down(region, heardMs, at) {
      const feed = feedOf(region);
      if (!feed.isUp) return;
      feed.isUp = false;
      const readMs = feed.clock.readMs(at.monotonicMs);
      sessions.feedDown(region, Number.isNaN(readMs) ? heardMs : Math.min(heardMs, readMs));
    },
    up(region, at) {
      feedOf(region).isUp = true;
      sessions.feedUp(region, at.brokerMs);
    },
    tick(at, isIdle) {
      now = at;
      for (const [region, { position }] of feeds)
        if (isIdle(region)) position.arrivedUntil(at.brokerMs, at.monotonicMs);
      while (sessions.expire((region) => feedOf(region).clock.readMs(at.monotonicMs)));
      forwarders.refresh(at.brokerMs);
      const hostSkewSeconds = (at.hostMs - at.brokerMs) / 1000;
      for (const [region, { clock, isUp }] of feeds) {
        const isBehind = clock.isBehind(at.monotonicMs) && isUp;
        sessions.noteFeed(region, { isBehind, lagSeconds: clock.lagMs(at.monotonicMs) / 1000, hostSkewSeconds });
      }
    },
    text(at) {
      const collect = new Set(['population', 'sessions', 'process'] as const);
      return [...exposition.text({ nowMs: at.brokerMs, collect, openMetrics: false })].join('');
    },
  };
}
