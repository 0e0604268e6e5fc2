/**
 * The feed where there is no stream: packets of media servers straight from core NATS, for a NATS without JetStream. Nothing
 * is kept there, so that a restart starts empty, and what is published while nobody listens is gone. Core NATS gives messages
 * no time either: it is this host's, carried on by a clock that never goes back.
 */
import type { NatsConnection, Subscription } from 'nats';
import { mediaSubjects } from '../../../shared/subjects.ts';
import { createRegionClock } from '../clock/region-clock.ts';
import { createConnector } from '../connection.ts';
import type { Feed, FeedOptions } from '../feed.ts';
import { createFeedErrors } from '../feed-errors.ts';
import { pause } from '../pause.ts';
import type { FeedState } from '../source/source-status.ts';
import { NOTHING_KNOWN } from '../stream/stream-watch.ts';
import { createWorkQueue } from '../work-queue.ts';
import { createWaiting } from './waiting.ts';

export type CoreFeedOptions = Pick<
  FeedOptions,
  'access' | 'mediaServerTypes' | 'log' | 'monotonic' | 'onMessage' | 'onPassing' | 'onUp' | 'onDown' | 'onFailure'
> & {
  /** Names of the regions that are consumed. */
  readonly regions: readonly string[];
  /** This host's clock, ms since the epoch: read once. */
  readonly wallClock: () => number;
  /** A message of the region is not handled, because too many wait. */
  onDropped(region: string): void;
};

/** How many messages may wait to be handled. So many wait only when this process has far too little CPU. */
const WAITING_MAX = 50_000;
/** Before it subscribes again, when that failed or ended. */
const RETRY_MS = 500;

export function startCoreFeed(options: CoreFeedOptions): Feed {
  const { access, regions, mediaServerTypes = [], log, monotonic } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const errors = createFeedErrors();
  const queue = createWorkQueue({ onError: options.onFailure });
  const messages = createWaiting(queue, WAITING_MAX);
  const aheadMs = options.wallClock() - monotonic();
  const connector = createConnector({
    access,
    setting: 'NATS_URL',
    errors,
    log,
    signal,
    onDisconnected: () => drop('disconnected'),
  });
  /** Up to when everything that arrived was handled, and since when everything arrives. */
  let position = Number.NaN;
  let readFromMs = Number.NaN;
  let isUp = false;
  let isBehind = false;
  /** Of the connection that is listened on: resolves when that is over. */
  let listening: PromiseWithResolvers<void> | undefined;
  const clock = createRegionClock({ timeAt }, [{ timeAt: () => position }]);

  function timeAt(monotonicMs: number): number {
    return monotonicMs + aheadMs;
  }

  function take(region: string, subject: string, data: Uint8Array): void {
    const timestampMs = timeAt(monotonic());
    const isTaken = messages.offer(() => {
      position = Math.max(position, timestampMs);
      options.onMessage({ subject, data, timestampMs, sequence: 0, isHistory: false });
    });
    if (!isTaken) options.onDropped(region);
  }

  function subscribe(connection: NatsConnection, onDenied: () => void): Subscription[] {
    return regions.flatMap((region) =>
      mediaServerTypes.map((type) =>
        connection.subscribe(mediaSubjects(region, type), {
          callback(error, { subject, data }) {
            // A permission that is missing; the connection logs which.
            if (error) onDenied();
            else take(region, subject, data);
          },
        }),
      ),
    );
  }

  function up(): void {
    isUp = true;
    position = timeAt(monotonic());
    readFromMs = position;
    log.info({ regions }, 'feed up, without a stream: it starts empty, and misses what is published while it is down');
    for (const region of regions) {
      options.onPassing(region, { untilMs: position, handledMs: position });
      options.onUp(region);
    }
  }

  function drop(reason: string, sinceMs = Number.POSITIVE_INFINITY): void {
    listening?.resolve();
    listening = undefined;
    if (!isUp) return;
    isUp = false;
    if (signal.aborted) return;
    log.warn({ regions, reason }, 'feed down');
    for (const region of regions) options.onDown(region, Math.min(position, timeAt(sinceMs)));
  }

  /** Returns when the connection is lost, or does not let us listen. */
  async function listenOn(connection: NatsConnection): Promise<void> {
    if (connection.isClosed()) return;
    const attempt = Promise.withResolvers<void>();
    listening = attempt;
    const subscriptions = subscribe(connection, () => drop('subscription denied'));
    // The server has all of them when it has answered.
    const isAnswered = await connection.flush().then(
      () => true,
      () => false,
    );
    if (isAnswered) {
      // Behind the messages that wait: the region has not been read further than they are.
      queue.offer(() => {
        if (listening === attempt) up();
      });
      await attempt.promise;
    }
    if (connection.isClosed()) return;
    for (const subscription of subscriptions) subscription.unsubscribe();
  }

  async function listen(): Promise<void> {
    for (;;) {
      const connection = await connector.connected();
      if (!connection || signal.aborted) return;
      await listenOn(connection);
      await pause(RETRY_MS, signal);
    }
  }

  function state(): FeedState {
    if (!isUp) return 'down';
    return isBehind ? 'replaying' : 'up';
  }

  const running = Promise.all([connector.keepConnected(), listen()]).catch(options.onFailure);

  return {
    state,
    through: () => undefined,
    sources: () => [],
    stream: () => NOTHING_KNOWN,
    errors: () => errors.counts,
    now: () => timeAt(monotonic()),
    readMs: () => position,
    readFromMs: () => readFromMs,
    lagMs: () => clock.lagMs(monotonic()),
    checkHeartbeats() {
      const askedMs = timeAt(monotonic());
      connector.ping(() => {
        // Behind the messages that arrived before the answer.
        queue.offer(() => {
          if (isUp) position = Math.max(position, askedMs);
        });
      });
      isBehind = clock.isBehind(monotonic());
    },
    resync: (sinceMs) => drop('process paused', sinceMs),
    async stop() {
      stopping.abort();
      drop('stopping');
      await running;
    },
  };
}
