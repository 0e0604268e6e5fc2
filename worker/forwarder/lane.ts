/**
 * Publishes one lane, in order: one publish is in flight at a time, and while the spool holds beacons of the lane,
 * new ones queue behind them. Beacons therefore enter the stream in the order in which they were accepted.
 *
 * Group commit: what arrives while a publish is under way forms the next batch. A quiet lane publishes at once; a
 * busy one lingers for more beacons, at most {@link LINGER_MS} after its last publish began (like Kafka's `linger.ms`).
 *
 * A publish that is not acknowledged within {@link ACK_MS} of its oldest beacon's arrival is spooled and answered, and
 * stays in flight. A late acknowledgement removes the batch from the spool; only when none can come any more is the
 * batch retried, under the same id. A slow broker therefore costs latency, not throughput.
 */
import { within } from '../forward/deadline.ts';
import type { Log } from '../log.ts';
import type { Callers } from './callers.ts';
import type { Connection } from './connection/connection.ts';
import type { Counters } from './counters.ts';
import type { Entries } from './entries.ts';
import type { Published, Publisher } from './publisher.ts';
import { type Arrival, createLaneQueue, joinArrivals, type QueueLimits } from './queue.ts';
import type { Spool, SpooledBatch } from './spool.ts';
import type { Try } from './tries.ts';

/** From a beacon's arrival to its acknowledgement; after that it is spooled. */
export const ACK_MS = 2_000;
/** Publishes of a busy lane begin at least this far apart. */
export const LINGER_MS = 100;
/** A lane whose callers can't send more publishes early once this many beacons wait. */
export const LINGER_BEACONS = 8;
/** The largest batch: below nats-server's default max_payload and SQLite's 2 MB per row. */
export const BATCH_BYTES_MAX = 900_000;
/** Reserved in each message for the NATS headers and the batch header. */
const HEADER_BYTES = 512;

export type LaneParts = {
  readonly region: string;
  /** `f00`, ... */
  readonly lane: string;
  readonly spool: Spool;
  readonly counters: Pick<Counters, 'publishFailed'>;
  readonly callers: Pick<Callers, 'canBringNoMore'>;
  readonly connection: Pick<Connection, 'isUp' | 'open' | 'maxPayload'>;
  readonly publisher: Publisher;
  readonly log: Log;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
  /** Schedules a {@link Lane.pump} in about a second, even if this object is evicted before. */
  readonly retrySoon: () => void;
  readonly queueLimits?: QueueLimits;
};

export type Lane = {
  /** Takes beacons of a call; its ticket is settled when they are safe or rejected, in about 2 s at most. */
  add(arrival: Arrival): void;
  /** Call when the callers have changed: the lane may have nothing left to linger for. */
  recheck(): void;
  /** Publishes until nothing is left, or the connection or broker fails. Never rejects. */
  pump(): Promise<void>;
};

type TriedBatch = { readonly entries: Entries; readonly tried: Try | undefined };

export function createLane(parts: LaneParts): Lane {
  const { region, lane, spool, counters, callers, connection, publisher, log, now, retrySoon } = parts;
  const queue = createLaneQueue(parts.queueLimits);
  let running: Promise<void> | undefined;
  let startedAtMs = Number.NEGATIVE_INFINITY;
  /** A publish is under way whose beacons have been answered already. */
  let isLate = false;
  /** Lowered when the broker rejects a batch that its INFO allows; reset when the connection is lost. */
  let bytesMax = Number.POSITIVE_INFINITY;
  /** The spool filled the last batch: the next one does not linger. */
  let isSpoolAhead = false;
  let stopWaiting: () => void = () => undefined;

  function add(arrival: Arrival): void {
    if (isLate || spool.has(lane)) spoolArrivals([arrival]);
    else if (!queue.add(arrival)) arrival.ticket.settle(arrival.indexes, 'unavailable');
    void pump();
  }

  function pump(): Promise<void> {
    running ??= run();
    return running;
  }

  async function run(): Promise<void> {
    // A microtask later, so that `running` is set whatever happens here.
    await undefined;
    try {
      let goesOn = true;
      while (goesOn && (queue.beacons() > 0 || spool.has(lane))) {
        if (!connection.isUp()) {
          bytesMax = Number.POSITIVE_INFINITY;
          await connection.open();
        }
        goesOn = connection.isUp();
        if (goesOn) await linger();
        if (goesOn) goesOn = await (spool.has(lane) ? publishSpooled() : publishQueued());
      }
    } catch (error) {
      log.error('unexpected error while publishing; queued beacons go to the spool', { region, lane, error });
    } finally {
      running = undefined;
      isLate = false;
      // Nothing reads the queue until the next pump, so its beacons must be answered now.
      spoolArrivals(queue.take(Number.POSITIVE_INFINITY));
      if (spool.has(lane)) retrySoon();
    }
  }

  async function linger(): Promise<void> {
    for (;;) {
      const waitMs = startedAtMs + LINGER_MS - now();
      // Longer than the longest wait: the clock was set back.
      if (waitMs <= 0 || waitMs > LINGER_MS) break;
      // More does not fit into a full batch: a broker of small messages would get ten of them a second, and no more.
      if (spool.has(lane) ? isSpoolAhead : queue.bytes() >= batchBytes()) break;
      if (!spool.has(lane) && queue.beacons() >= LINGER_BEACONS && callers.canBringNoMore()) break;
      const { promise, resolve } = Promise.withResolvers<void>();
      stopWaiting = resolve;
      await within(promise, waitMs, undefined);
    }
    startedAtMs = now();
  }

  async function publishQueued(): Promise<boolean> {
    const arrivals = queue.take(batchBytes());
    const entries = joinArrivals(arrivals);
    const leftMs = (arrivals[0]?.receivedAtMs ?? 0) + ACK_MS - now();
    let made: Try | undefined;
    let spooled: SpooledBatch | undefined;
    const publishing = publisher.publish(entries, {
      onTry(newest) {
        made = newest;
        if (spooled) spool.markTried(spooled, newest);
      },
    });
    const published = await within(publishing, Math.min(Math.max(0, leftMs), ACK_MS), undefined);
    if (published) return finishQueued(arrivals, { entries, tried: made }, published);
    counters.publishFailed();
    isLate = true;
    spooled = spoolTried(arrivals, { entries, tried: made });
    spoolArrivals(queue.take(Number.POSITIVE_INFINITY));
    try {
      const publishedLate = await publishing;
      return spooled ? finishSpooled(spooled, publishedLate, false) : connection.isUp();
    } finally {
      isLate = false;
      spool.release(lane);
    }
  }

  function finishQueued(arrivals: Arrival[], batch: TriedBatch, published: Published): boolean {
    switch (published) {
      case 'stored':
        for (const { ticket } of arrivals) ticket.settle();
        return true;
      case 'too_large':
        if (canSplit(batch.entries)) queue.putBack(arrivals);
        else for (const { ticket, indexes } of arrivals) ticket.settle(indexes, 'body_too_large');
        return true;
      case 'refused':
        spoolArrivals(arrivals);
        return false;
      case 'lost':
        if (spoolTried(arrivals, batch)) spool.release(lane);
        return connection.isUp();
    }
  }

  async function publishSpooled(): Promise<boolean> {
    const bytesMaxNow = batchBytes();
    const batch = spool.take(lane, bytesMaxNow);
    isSpoolAhead = false;
    if (!batch) return false;
    const { entries, tried } = batch;
    try {
      const published = await publisher.publish(entries, { tried, onTry: (made) => spool.markTried(batch, made) });
      isSpoolAhead = published === 'stored' && entries.bytes.length > bytesMaxNow / 2;
      return finishSpooled(batch, published, tried !== undefined);
    } finally {
      spool.release(lane);
    }
  }

  /** @param mayBeStored an earlier try of the same batch may be in the stream */
  function finishSpooled(batch: SpooledBatch, published: Published, mayBeStored: boolean): boolean {
    switch (published) {
      case 'stored':
        spool.remove(batch, 'drained');
        return true;
      case 'too_large':
        if (canSplit(batch.entries)) spool.markTried(batch, undefined);
        else spool.remove(batch, 'unpublishable');
        return true;
      case 'refused':
        if (!mayBeStored) spool.markTried(batch, undefined);
        return false;
      case 'lost':
        return connection.isUp();
    }
  }

  /** The broker rejected this size: halves the next batch, unless it is a single beacon. */
  function canSplit({ lengths, bytes }: Entries): boolean {
    if (lengths.length > 1) bytesMax = Math.min(bytesMax, bytes.length / 2);
    else
      log.error('beacon is larger than NATS accepts; check max_payload and the max_msg_size of stream HEALTH', {
        region,
        lane,
        bytes: bytes.length,
      });
    return lengths.length > 1;
  }

  function batchBytes(): number {
    return Math.min(BATCH_BYTES_MAX, connection.maxPayload() - HEADER_BYTES, bytesMax);
  }

  /** Spools beacons that are certainly not in the stream. A beacon over its session's share does not affect the others. */
  function spoolArrivals(arrivals: readonly Arrival[]): void {
    for (const { entries, indexes, ticket, receivedAtMs } of arrivals) {
      try {
        const leftOut = spool.put({ lane, entries, receivedAtMs });
        ticket.settle(
          leftOut.flatMap((place) => indexes[place] ?? []),
          'spool_full',
        );
      } catch (error) {
        storageFailed(error, [{ ticket, indexes }]);
      }
    }
    if (arrivals.length > 0) retrySoon();
  }

  /** Spools a batch that may already be in a stream. */
  function spoolTried(arrivals: readonly Arrival[], { entries, tried }: TriedBatch): SpooledBatch | undefined {
    try {
      const receivedAtMs = arrivals[0]?.receivedAtMs ?? now();
      spool.put({ lane, entries, receivedAtMs, ...(tried ? { tried } : {}) });
    } catch (error) {
      storageFailed(error, arrivals);
      return undefined;
    }
    for (const { ticket } of arrivals) ticket.settle();
    retrySoon();
    return { lane, entries, tried };
  }

  function storageFailed(error: unknown, arrivals: readonly Pick<Arrival, 'ticket' | 'indexes'>[]): void {
    log.error('cannot write to the spool; rejecting beacons', { region, lane, error });
    for (const { ticket, indexes } of arrivals) ticket.settle(indexes, 'storage_failed');
  }

  return { add, recheck: () => stopWaiting(), pump };
}
