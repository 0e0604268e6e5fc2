/**
 * One ordered push consumer over a core subscription: it delivers messages in stream order without
 * gaps, or ends with a reason. It never repairs itself; the reader opens the next one.
 *
 * The client library has an ordered consumer, but it recreates itself silently. We must know for
 * how long nothing was heard, because sessions must not expire in that time.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  createInbox,
  DeliverPolicy,
  isFlowControlMsg,
  isHeartbeatMsg,
  type JetStreamManager,
  JsHeaders,
  type Msg,
  type NatsConnection,
  nanos,
  nuid,
  ReplayPolicy,
} from 'nats';
import { STREAM } from '../../../shared/subjects.ts';
import type { BrokerClock } from '../clock/broker-clock.ts';
import type { ReadPosition } from '../clock/read-position.ts';
import type { History } from '../stream/history.ts';
import type { WorkQueue } from '../work-queue.ts';
import { type AckSubject, parseAckSubject } from './ack-subject.ts';
import type { Start } from './cursor.ts';

/** One message of the stream, as the broker delivered it. */
export type FeedMessage = {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Its number in the stream, from 1. */
  readonly sequence: number;
  /** The broker's clock when it stored the message, in milliseconds since the epoch. */
  readonly timestampMs: number;
  /** It was in the stream when this process started: it rebuilds state and counts nothing. */
  readonly isHistory: boolean;
};

export type ConsumerOptions = {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly inboxPrefix: string;
  readonly filter: string;
  readonly start: Start;
  readonly history: Pick<History, 'includes'>;
  /** How often the server sends a heartbeat when there is no message; at least 100. */
  readonly heartbeatMs: number;
  readonly queue: WorkQueue;
  readonly broker: BrokerClock;
  /**
   * Deliveries wait until the server has answered with its time. Until then what is known of its clock can be
   * the time of a message of long ago, by which none could be placed among the messages of another broker.
   */
  readonly isClockAwaited: boolean;
  readonly position: ReadPosition;
  /** A clock in milliseconds that never goes back. */
  readonly monotonic: () => number;
  onMessage(message: FeedMessage): void;
  /** All that was in the stream when the consumer was created has been handled. */
  onCaughtUp(): void;
};

export type OrderedConsumer = {
  /** Rejects with a NatsError when the server doesn't create the consumer, or doesn't answer. */
  readonly opened: Promise<void>;
  /** Resolves with the reason when it has ended; nothing is delivered after that. */
  readonly ended: Promise<string>;
  /** When a message, a heartbeat or a flow control request last arrived, by `monotonic`. */
  readonly lastHeardMs: number;
  close(reason: string): void;
};

export function openConsumer(options: ConsumerOptions): OrderedConsumer {
  const { connection, queue, broker, position, monotonic, history } = options;
  const inbox = createInbox(options.inboxPrefix);
  const ended = Promise.withResolvers<string>();
  let lastHeardMs = monotonic();
  let closed = false;
  let caughtUp = false;
  let delivered = 0;
  /** Arrived, and not handled yet. */
  let waiting = 0;
  /** How many deliveries there were to make when the consumer was created; unknown until the server answers. */
  let backlog = Number.POSITIVE_INFINITY;
  /** JetStream's flow control bounds them. */
  let held: (() => void)[] | undefined = options.isClockAwaited ? [] : undefined;

  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      lastHeardMs = monotonic();
      if (error) {
        close(error.code);
        return;
      }
      const ack = parseAckSubject(message.reply ?? '');
      // Here, since a timestamp that waited in the queue would say nothing of now.
      if (ack) broker.observe(ack.timestampMs, lastHeardMs, ack.pending === 0 && waiting === 0);
      position.waiting(++waiting);
      const job = () => handle(message, ack);
      if (held) held.push(job);
      else queue.offer(job);
    },
  });

  function close(reason: string): void {
    if (closed) return;
    closed = true;
    subscription.unsubscribe();
    ended.resolve(reason);
  }

  function reportCaughtUp(): void {
    if (caughtUp || closed) return;
    caughtUp = true;
    options.onCaughtUp();
  }

  function handle(message: Msg, ack: AckSubject | undefined): void {
    if (closed || connection.isClosed()) return;
    position.waiting(--waiting);
    if (isHeartbeatMsg(message)) handleHeartbeat(message);
    else if (isFlowControlMsg(message)) message.respond();
    else handleDelivery(message, ack);
  }

  function handleDelivery(message: Msg, ack: AckSubject | undefined): void {
    if (ack?.consumerSequence !== delivered + 1) {
      close(ack ? 'sequence gap' : 'ended by the server');
      return;
    }
    delivered++;
    const { streamSequence: sequence, timestampMs, pending } = ack;
    const { subject, data } = message;
    options.onMessage({ subject, data, sequence, timestampMs, isHistory: history.includes(sequence) });
    position.handled(timestampMs, pending, monotonic());
    if (pending === 0 || delivered >= backlog) reportCaughtUp();
  }

  function handleHeartbeat(message: Msg): void {
    const stalled = message.headers?.get(JsHeaders.ConsumerStalledHdr);
    if (stalled) connection.publish(stalled);
    if (Number(message.headers?.get(JsHeaders.LastConsumerSeqHdr)) > delivered) close('sequence gap');
    // A heartbeat means that there is nothing to deliver, unless delivery waits for flow control.
    else if (!stalled) {
      position.idle();
      reportCaughtUp();
    }
  }

  async function open(): Promise<void> {
    const info = await options.jsm.consumers.add(STREAM, consumerConfig(options, inbox));
    broker.observe(Date.parse(info.created), monotonic(), false);
    backlog = info.num_pending + info.delivered.consumer_seq;
    for (const job of held ?? []) queue.offer(job);
    held = undefined;
    // Through the queue, behind the deliveries that wait there already.
    queue.offer(() => {
      if (delivered < backlog) return;
      if (backlog === 0 && !closed) position.idle();
      reportCaughtUp();
    });
  }

  position.reopened();
  return {
    opened: open(),
    ended: ended.promise,
    get lastHeardMs() {
      return lastHeardMs;
    },
    close,
  };
}

function consumerConfig({ filter, heartbeatMs, start }: ConsumerOptions, inbox: string): Partial<ConsumerConfig> {
  return {
    name: `aggregator-${nuid.next()}`,
    deliver_subject: inbox,
    filter_subject: filter,
    ack_policy: AckPolicy.None,
    max_deliver: 1,
    replay_policy: ReplayPolicy.Instant,
    flow_control: true,
    idle_heartbeat: nanos(heartbeatMs),
    mem_storage: true,
    num_replicas: 1,
    ...startConfig(start),
  };
}

function startConfig(start: Start): Partial<ConsumerConfig> {
  switch (start.from) {
    case 'beginning':
      return { deliver_policy: DeliverPolicy.All };
    case 'time':
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(Math.max(0, start.ms)).toISOString() };
    case 'sequence':
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence };
  }
}
