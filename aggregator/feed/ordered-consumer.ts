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
import { STREAM } from '../../shared/subjects.ts';
import { parseAckSubject } from './ack-subject.ts';
import type { Start } from './cursor.ts';
import type { WorkQueue } from './work-queue.ts';

/** One message of the stream, as the broker delivered it. */
export type FeedMessage = {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Its number in the stream, from 1. */
  readonly sequence: number;
  /** The broker's clock when it stored the message, in milliseconds since the epoch. */
  readonly timestampMs: number;
};

export type ConsumerOptions = {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly inboxPrefix: string;
  readonly filter: string;
  readonly start: Start;
  /** How often the server sends a heartbeat when there is no message; at least 100. */
  readonly heartbeatMs: number;
  readonly queue: WorkQueue;
  readonly now: () => number;
  onMessage(message: FeedMessage): void;
  /** All that was in the stream when the consumer was created has been handled. */
  onCaughtUp(): void;
};

export type OrderedConsumer = {
  /** Rejects with a NatsError when the server doesn't create the consumer, or doesn't answer. */
  readonly opened: Promise<void>;
  /** Resolves with the reason when it has ended; nothing is delivered after that. */
  readonly ended: Promise<string>;
  /** When a message, a heartbeat or a flow control request last arrived, in ms since the epoch. */
  readonly lastHeardMs: number;
  close(reason: string): void;
};

export function openConsumer(options: ConsumerOptions): OrderedConsumer {
  const { connection, queue, now } = options;
  const inbox = createInbox(options.inboxPrefix);
  const ended = Promise.withResolvers<string>();
  let lastHeardMs = now();
  let closed = false;
  let caughtUp = false;
  let delivered = 0;
  /** How many deliveries there were to make when the consumer was created; unknown until the server answers. */
  let backlog = Number.POSITIVE_INFINITY;

  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      lastHeardMs = now();
      if (error) close(error.code);
      else queue.offer(() => handle(message));
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

  function handle(message: Msg): void {
    if (closed || connection.isClosed()) return;
    if (isHeartbeatMsg(message)) handleHeartbeat(message);
    else if (isFlowControlMsg(message)) message.respond();
    else handleDelivery(message);
  }

  function handleDelivery(message: Msg): void {
    const ack = parseAckSubject(message.reply ?? '');
    if (ack?.consumerSequence !== delivered + 1) {
      close(ack ? 'sequence gap' : 'ended by the server');
      return;
    }
    delivered++;
    const { streamSequence: sequence, timestampMs, pending } = ack;
    options.onMessage({ subject: message.subject, data: message.data, sequence, timestampMs });
    if (pending === 0 || delivered >= backlog) reportCaughtUp();
  }

  function handleHeartbeat(message: Msg): void {
    const stalled = message.headers?.get(JsHeaders.ConsumerStalledHdr);
    if (stalled) connection.publish(stalled);
    if (Number(message.headers?.get(JsHeaders.LastConsumerSeqHdr)) > delivered) close('sequence gap');
    // A heartbeat means that there is nothing to deliver, unless delivery waits for flow control.
    else if (!stalled) reportCaughtUp();
  }

  async function open(): Promise<void> {
    const info = await options.jsm.consumers.add(STREAM, consumerConfig(options, inbox));
    backlog = info.num_pending + info.delivered.consumer_seq;
    // Through the queue, behind the deliveries that wait there already.
    queue.offer(() => {
      if (delivered >= backlog) reportCaughtUp();
    });
  }

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
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.ms).toISOString() };
    case 'sequence':
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence };
  }
}
