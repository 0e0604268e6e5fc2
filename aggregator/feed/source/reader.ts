/**
 * Reads one cursor for as long as the process lives. When a consumer ends, for whatever reason, the
 * next one starts after the last message handled.
 */
import { ErrorCode, type JetStreamManager, type NatsConnection, NatsError } from 'nats';
import type { Logger } from 'pino';
import type { NatsFault } from '../../../shared/nats-faults.ts';
import type { Broker } from '../broker.ts';
import type { ChangeFilter } from '../change-filter.ts';
import type { ReadPosition } from '../clock/read-position.ts';
import { INBOX_PREFIX } from '../connection.ts';
import type { FeedErrors } from '../feed-errors.ts';
import { pause } from '../pause.ts';
import { type FoundStream, isStreamMissing } from '../stream/stream.ts';
import type { WorkQueue } from '../work-queue.ts';
import type { Cursor, Start } from './cursor.ts';
import { type FeedMessage, type OrderedConsumer, openConsumer } from './ordered-consumer.ts';
import type { SourceStatus } from './source-status.ts';

export type ReaderOptions = {
  /** Of whom it reads, for the log. */
  readonly names: SourceNames;
  readonly broker: Broker;
  readonly cursor: Cursor;
  readonly status: SourceStatus;
  readonly errors: FeedErrors;
  readonly queue: WorkQueue;
  readonly position: ReadPosition;
  /** The region has other sources, so that deliveries have to wait until the broker's clock is known. */
  readonly isOneOfSeveral: boolean;
  /** How far before the broker's now a stream that was not read before is read from. */
  readonly reachMs: number;
  readonly heartbeatMs: number;
  /** By source, the failures that were logged. */
  readonly failures: ChangeFilter;
  readonly log: Logger;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  /** Ends {@link Reader.run}. */
  readonly signal: AbortSignal;
  onMessage(message: FeedMessage): void;
};

/** `source` is the region whose NATS it is, where a region is read from several. */
export type SourceNames = { readonly region: string; readonly source?: string };

export type Reader = {
  /** Reads until the signal aborts. Rejects only with a bug. */
  run(): Promise<void>;
  /**
   * Closes the consumer, if there is one; another follows.
   * @param sinceMs since when its silence means nothing; by default, when it was last heard
   */
  drop(reason: string, sinceMs?: number): void;
  /** Drops a consumer that has missed its heartbeats. @param sinceMs (monotonic) silence before it is not the consumer's */
  checkHeartbeat(sinceMs: number): void;
  /** From when on it has read every message, by the broker's clock; NaN while that is not known. */
  readonly readFromMs: number;
  /** The broker answered what was asked at `askedMs` (monotonic): all that it had sent before has arrived. */
  answered(askedMs: number): void;
};

const RETRY_MS = 500;
/** Two heartbeats in a row, and half an interval for their way through the network. */
const MISSED_HEARTBEATS = 2.5;
/** A consumer that was silent for longer has missed one, so that its silence proves nothing. */
const IDLE_HEARTBEATS = 1.5;

export function createReader(options: ReaderOptions): Reader {
  const { names, cursor, status, heartbeatMs, log, monotonic, signal, broker, position } = options;
  const { connector, stream, history, clock } = broker;
  let consumer: OrderedConsumer | undefined;
  /** The consumer reads the stream that the cursor counts in. */
  let isConfirmed = false;
  let isCaughtUp = false;
  let readFromMs = Number.NaN;

  function report(): void {
    if (isConfirmed) status.reading(cursor.filter, isCaughtUp);
  }

  function drop(reason: string, sinceMs = consumer?.lastHeardMs ?? monotonic()): void {
    if (!consumer) return;
    consumer.close(reason);
    consumer = undefined;
    isConfirmed = false;
    isCaughtUp = false;
    status.lost({ filter: cursor.filter, reason, sinceMs });
  }

  /** What the stream removed before it could be read was missed. */
  function noteReach(start: Start, { keptFromMs }: FoundStream): void {
    if (start.from === 'time') readFromMs = Math.max(start.ms, keptFromMs);
    else if (Number.isNaN(readFromMs) || keptFromMs > position.timeAt(monotonic())) readFromMs = keptFromMs;
  }

  function open(connection: NatsConnection, jsm: JetStreamManager, start: Start): OrderedConsumer {
    return openConsumer({
      connection,
      jsm,
      inboxPrefix: INBOX_PREFIX,
      filter: cursor.filter,
      start,
      history,
      heartbeatMs,
      queue: options.queue,
      broker: clock,
      isClockAwaited: options.isOneOfSeveral && !broker.isClockSet,
      position,
      monotonic,
      onMessage(message) {
        options.onMessage(message);
        cursor.advance(message.sequence);
      },
      onCaughtUp() {
        isCaughtUp = true;
        report();
      },
    });
  }

  /** Opens a consumer and returns when it has ended. */
  async function readOnce(connection: NatsConnection): Promise<void> {
    const jsm = await broker.manager(connection);
    const found = await look(() => stream.inspect(jsm));
    if (Number.isNaN(clock.timeAt(0))) clock.observe(found.askedAtMs, monotonic(), false);
    // A stream that was replaced meanwhile is read from its beginning.
    cursor.confirm(found);
    const start = cursor.next(clock.timeAt(monotonic()) - options.reachMs);
    noteReach(start, found);
    const opened = open(connection, jsm, start);
    consumer = opened;
    await Promise.race([opened.opened.then(() => confirm(opened, jsm)), opened.ended]);
    drop(await opened.ended);
  }

  /** @param ask for the stream: whether it is there, or is created now, what it holds first is history */
  async function look(ask: () => Promise<FoundStream>): Promise<FoundStream> {
    const takeIn = history.look();
    const found = await ask();
    takeIn(found);
    return found;
  }

  /**
   * Makes sure that the consumer reads the stream that the cursor counts in. Asked again after the consumer
   * was created: a stream replaced in between would be read from the old one's position.
   */
  async function confirm(opened: OrderedConsumer, jsm: JetStreamManager): Promise<void> {
    // Messages that were stored after the answer was given can be handled before it is.
    broker.clockIsSet();
    const readBefore = cursor.lastSequence;
    const found = await look(() => stream.inspect(jsm));
    if (consumer !== opened) return;
    if (!cursor.confirm(found, readBefore)) {
      opened.close('stream replaced');
      return;
    }
    isConfirmed = true;
    report();
  }

  async function recover(connection: NatsConnection, error: NatsError): Promise<void> {
    if (signal.aborted) return;
    let failure: unknown = error;
    if (isStreamMissing(error) && broker.mayCreateStream) {
      try {
        const jsm = await broker.manager(connection);
        await look(() => stream.create(jsm));
        return;
      } catch (createError) {
        failure = createError;
      }
    }
    if (!(failure instanceof NatsError)) throw failure;
    const { fault } = options.errors.request(failure);
    const reason = failure.api_error?.description ?? failure.message;
    if (options.failures.isNew(failureTopic(names), reason)) {
      log.warn({ ...names, fault, reason, hint: hintFor(failure, fault, broker) }, 'cannot read the feed; retrying');
    }
    await pause(RETRY_MS, signal);
  }

  return {
    drop,
    get readFromMs() {
      return readFromMs;
    },
    async run() {
      while (!signal.aborted) {
        const connection = await connector.connected();
        if (!connection) return;
        const openedMs = monotonic();
        try {
          await readOnce(connection);
          // A consumer that ended at once would do so again and again, without a pause.
          if (monotonic() - openedMs < RETRY_MS) await pause(RETRY_MS, signal);
        } catch (error) {
          if (!(error instanceof NatsError)) throw error;
          drop(error.code);
          await recover(connection, error);
        }
      }
    },
    checkHeartbeat(sinceMs) {
      if (consumer && monotonic() - Math.max(sinceMs, consumer.lastHeardMs) > MISSED_HEARTBEATS * heartbeatMs)
        drop('no heartbeat');
    },
    answered(askedMs) {
      // The connection may live while the consumer does not.
      if (!consumer || askedMs - consumer.lastHeardMs > IDLE_HEARTBEATS * heartbeatMs) return;
      position.arrivedUntil(clock.timeAt(askedMs), monotonic());
    },
  };
}

/** The topic of {@link ReaderOptions.failures}. */
export function failureTopic({ region, source }: SourceNames): string {
  return source === undefined ? region : `${region} ${source}`;
}

function hintFor(failure: NatsError, fault: NatsFault, { domain }: Broker): string {
  if (isStreamMissing(failure) || fault === 'permission') {
    return 'create the stream HEALTH, and grant what deploy/nats/accounts.conf lists to the NATS user of the aggregator';
  }
  if (fault === 'storage') return 'make room for JetStream, or raise max_file_store in nats-server';
  if (failure.code !== ErrorCode.NoResponders) return 'check the log of nats-server';
  if (domain === undefined) return 'enable JetStream in nats-server';
  return `check that the NATS cluster of the JetStream domain ${domain} is up, and that its leaf connection is`;
}
