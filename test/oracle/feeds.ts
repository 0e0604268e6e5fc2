/** The feeds of one aggregator: each region's messages reach it, and its model, promptly, slowly, late or not at all. */
import type { Broker } from './broker.ts';
import type { Clocks } from './clocks.ts';
import type { CountersLog } from './counters.ts';
import type { Model } from './model/model.ts';
import { REGIONS } from './steps.ts';
import type { System } from './system.ts';

export type Feeds = {
  /** Opens a consumer if there is none, and delivers what waits. */
  connect(region: string): void;
  /** Delivers what was stored, as far as possible. */
  arrive(region: string): void;
  /** Nothing arrives any more, without an error. */
  hang(region: string): void;
  drop(region: string): void;
  /** Messages wait until they are handled by {@link handle}. */
  setSlow(region: string, isSlow: boolean): void;
  handle(region: string, count: number): void;
  /** What runs every 250 ms. */
  tick(): void;
  /** The process was stopped for this long, and continues reading from where it was. */
  resume(): void;
};

export type FeedsOptions = {
  readonly broker: Broker;
  /** The messages of Forwarders, which have consumers of their own. */
  readonly counters: CountersLog;
  readonly clocks: Clocks;
  readonly system: System;
  readonly model: Model;
  /** Messages stored before it are not read. */
  readonly sinceMs: number;
  readonly isSlow: boolean;
};

type Link = {
  state: 'connected' | 'hung' | 'down';
  isSlow: boolean;
  /** The feed was reported up. */
  isUp: boolean;
  /** Index of the next message to handle. */
  next: number;
  /** Messages before it were there when the process started. */
  readonly firstNew: number;
  /** The same for the messages of Forwarders. */
  nextCounters: number;
  readonly firstNewCounters: number;
  /** When something was last heard, by the monotonic clock. */
  heardMs: number;
};

/** A consumer without a heartbeat for this long is replaced. */
const SILENT_MS = 5_000;

export function createFeeds({ broker, counters, clocks, system, model, sinceMs, isSlow }: FeedsOptions): Feeds {
  const { now } = clocks;
  const links = new Map(
    REGIONS.map((region): [string, Link] => {
      const found = broker.log(region).findIndex(({ storedAtMs }) => storedAtMs >= sinceMs);
      const next = found < 0 ? broker.log(region).length : found;
      const firstNew = broker.log(region).length;
      const ofCounters = counters.log(region);
      const firstCounters = ofCounters.findIndex(({ storedAtMs }) => storedAtMs >= sinceMs);
      const firstNewCounters = ofCounters.length;
      const nextCounters = firstCounters < 0 ? firstNewCounters : firstCounters;
      const positions = { next, firstNew, nextCounters, firstNewCounters };
      return [region, { state: 'down', isSlow, isUp: false, ...positions, heardMs: now().monotonicMs }];
    }),
  );
  const linkOf = (region: string) => links.get(region) as Link;
  const backlogOf = (region: string) => broker.log(region).length - linkOf(region).next;
  const isIdle = (region: string) => linkOf(region).state === 'connected' && backlogOf(region) === 0;

  function connect(region: string): void {
    const link = linkOf(region);
    if (link.state === 'connected') return;
    if (link.state === 'down') {
      system.opened(region, backlogOf(region));
      model.timeOf(region).opened(backlogOf(region));
    }
    link.state = 'connected';
    arrive(region);
    riseIfCaughtUp(region);
  }

  function arrive(region: string): void {
    const link = linkOf(region);
    if (link.state !== 'connected') return;
    link.heardMs = now().monotonicMs;
    arriveCounters(region, link);
    const backlog = backlogOf(region);
    if (backlog === 0) return;
    system.waits(region, backlog);
    model.timeOf(region).waits();
    if (!link.isSlow) handle(region, backlog);
  }

  function arriveCounters(region: string, link: Link): void {
    for (const message of counters.log(region).slice(link.nextCounters)) {
      const isHistory = link.nextCounters++ < link.firstNewCounters;
      system.handleCounters(message, isHistory, now());
      model.forwarders.take(message, isHistory, now().brokerMs);
    }
  }

  function handle(region: string, count: number): void {
    const link = linkOf(region);
    if (link.state !== 'connected') return;
    for (const message of broker.log(region).slice(link.next, link.next + count)) {
      const isHistory = link.next++ < link.firstNew;
      const reading = { left: backlogOf(region), isHistory };
      system.handle(message, reading, now());
      model.handle(message, reading, now());
    }
    riseIfCaughtUp(region);
  }

  function riseIfCaughtUp(region: string): void {
    const link = linkOf(region);
    if (link.isUp || backlogOf(region) > 0) return;
    link.isUp = true;
    system.up(region, now());
    model.timeOf(region).up(now());
  }

  function drop(region: string): void {
    const link = linkOf(region);
    if (link.state === 'down') return;
    link.state = 'down';
    if (!link.isUp) return;
    link.isUp = false;
    const { brokerMs, monotonicMs } = now();
    const heardMs = brokerMs - (monotonicMs - link.heardMs);
    system.down(region, heardMs, now());
    model.timeOf(region).down(heardMs, now());
  }

  function tick(): void {
    for (const [region, link] of links) {
      if (link.state === 'connected') link.heardMs = now().monotonicMs;
      if (link.state === 'hung' && now().monotonicMs - link.heardMs > SILENT_MS) drop(region);
    }
    system.tick(now(), isIdle);
    model.tick(now(), isIdle);
  }

  for (const region of REGIONS) connect(region);
  return {
    connect,
    arrive,
    hang(region) {
      if (linkOf(region).state === 'connected') linkOf(region).state = 'hung';
    },
    drop,
    setSlow(region, slow) {
      linkOf(region).isSlow = slow;
      arrive(region);
    },
    handle,
    tick,
    resume() {
      const connected = REGIONS.filter((region) => linkOf(region).state === 'connected');
      for (const region of connected) drop(region);
      tick();
      for (const region of connected) connect(region);
    },
  };
}
