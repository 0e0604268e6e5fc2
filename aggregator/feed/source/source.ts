/**
 * A source: what one broker holds of one region, read for as long as the process lives. A region has one at home, and
 * one more at each of its fallbacks. Times are on the line that all brokers are placed on, in ms.
 */
import type { Logger } from 'pino';
import type { ServerType } from '../../../shared/beacon.ts';
import type { Shard } from '../../../shared/subjects.ts';
import type { Broker } from '../broker.ts';
import type { ChangeFilter } from '../change-filter.ts';
import { createReadPosition, type ReadPosition } from '../clock/read-position.ts';
import { createRegionClock } from '../clock/region-clock.ts';
import type { FeedErrors } from '../feed-errors.ts';
import type { WorkQueue } from '../work-queue.ts';
import { type Cursor, createCursors, createForwardersCursor } from './cursor.ts';
import type { FeedMessage } from './ordered-consumer.ts';
import { createReader, failureTopic, type Reader, type SourceNames } from './reader.ts';
import { createSourceStatus, type FeedState, type Loss, type SourceStatus } from './source-status.ts';

export type Source = {
  /** The region whose NATS it is: at home, the region itself. */
  readonly name: string;
  readonly broker: Broker;
  /** Whether its beacons can be heard; its Forwarders may have nothing to report. */
  readonly state: FeedState;
  /** Where on the line a time of its broker is. */
  place(brokerMs: number): number;
  /** Up to when it has been read; NaN while one of its lanes has not been read at all. */
  readMs(): number;
  /** @param lane the one that is read up to `timeMs` instead of how far it was read */
  readMsBut(lane: Lane, timeMs: number): number;
  /** When the newest of its beacons was stored that has been handled. */
  handledMs(): number;
  /** From when on all of it was read. */
  readFromMs(): number;
  run(): Promise<void>;
  /** Closes the consumers; others follow. @param sinceMs (monotonic) since when their silence means nothing */
  drop(reason: string, sinceMs?: number): void;
  checkHeartbeats(sinceMs: number): void;
  /** The broker answered what was asked at `askedMs` (monotonic). */
  answered(askedMs: number): void;
};

/** What is read of one of a region's lanes, or of all of them. */
export type Lane = { readonly cursor: Cursor; readonly position: ReadPosition; readonly reader: Reader };

/** What all sources share. */
export type SourceSurroundings = {
  readonly shard: Shard;
  readonly lanes: number;
  /** Types of media servers whose packets are read as well. */
  readonly mediaServerTypes?: readonly ServerType[] | undefined;
  readonly queue: WorkQueue;
  readonly heartbeatMs: number;
  readonly reachMs: number;
  readonly errors: FeedErrors;
  readonly failures: ChangeFilter;
  readonly log: Logger;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
};

export type SourceOptions = SourceSurroundings & {
  readonly region: string;
  readonly name: string;
  readonly broker: Broker;
  readonly place: (brokerMs: number) => number;
  readonly isOneOfSeveral: boolean;
  /** Resolves when it may begin to read. */
  readonly begin: () => Promise<void>;
  /** @param lane undefined for what Forwarders say about themselves */
  onMessage(message: FeedMessage, lane: Lane | undefined): void;
  /** All that it missed has been read. Alternates with `onLost`. */
  onUp(): void;
  onLost(loss: Loss): void;
};

export function createSource(options: SourceOptions): Source {
  const { region, name, broker, place, monotonic, isOneOfSeveral } = options;
  const names: SourceNames = { region, ...(isOneOfSeveral && { source: name }) };
  const cursors = createCursors({ ...options, region }).map((cursor) => ({ cursor, position: createReadPosition() }));
  const clock = createRegionClock(
    broker.clock,
    cursors.map(({ position }) => position),
  );
  const status = createSourceStatus({
    filters: cursors.map(({ cursor }) => cursor.filter),
    onUp() {
      options.failures.forget(failureTopic(names));
      options.onUp();
    },
    onDown: options.onLost,
  });
  const lanes = cursors.map(({ cursor, position }): Lane => {
    const onMessage = (message: FeedMessage) => options.onMessage(message, lane);
    const reader = createReader({ ...options, names, cursor, position, status, onMessage });
    const lane = { cursor, position, reader };
    return lane;
  });
  const readers = [...lanes.map(({ reader }) => reader), createForwardersReader()];

  /** Only a region's beacons decide whether it is up: its Forwarders may have nothing to report. */
  function createForwardersReader(): Reader {
    const cursor = createForwardersCursor(region);
    const itsOwn: SourceStatus = createSourceStatus({ filters: [cursor.filter], onUp() {}, onDown() {} });
    const onMessage = (message: FeedMessage) => options.onMessage(message, undefined);
    return createReader({ ...options, names, cursor, position: createReadPosition(), status: itsOwn, onMessage });
  }

  return {
    name,
    broker,
    get state() {
      return status.state;
    },
    place,
    readMs: () => place(clock.readMs(monotonic())),
    readMsBut(but, timeMs) {
      let earliestMs = timeMs;
      for (const lane of lanes) {
        if (lane !== but) earliestMs = Math.min(earliestMs, place(lane.position.timeAt(monotonic())));
      }
      return earliestMs;
    },
    handledMs: () => place(Math.max(...lanes.map(({ position }) => position.handledMs))),
    // Math.max gives NaN when one of them is NaN.
    readFromMs: () => place(Math.max(...lanes.map(({ reader }) => reader.readFromMs))),
    async run() {
      await options.begin();
      await Promise.all(readers.map((reader) => reader.run()));
    },
    drop(reason, sinceMs) {
      for (const reader of readers) reader.drop(reason, sinceMs);
    },
    checkHeartbeats(sinceMs) {
      for (const reader of readers) reader.checkHeartbeat(sinceMs);
    },
    answered(askedMs) {
      for (const reader of readers) reader.answered(askedMs);
    },
  };
}
