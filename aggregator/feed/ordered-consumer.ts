/**
 * One ordered push consumer over a core subscription: messages in the stream's order with none
 * left out, or an end with its reason. It never repairs itself: building the next one, from the
 * right place, is the feed's.
 *
 * Ours rather than the client library's, because that one hides when it is rebuilt and for how
 * long it has been deaf, and both decide here what may be believed.
 */
import {
  AckPolicy,
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
import type { Intake } from './work-queue.ts';

/** Where in the stream to begin. */
export type Start =
  | { readonly from: 'beginning' }
  | { readonly from: 'time'; readonly ms: number }
  | { readonly from: 'sequence'; readonly sequence: number };

export type ConsumerOptions = {
  readonly connection: NatsConnection;
  readonly jsm: JetStreamManager;
  readonly inboxPrefix: string;
  readonly filter: string;
  readonly start: Start;
  /** How often the server speaks when it has nothing to say; at least 100. */
  readonly heartbeatMs: number;
  readonly intake: Intake;
  readonly now: () => number;
  onMessage(subject: string, data: Uint8Array, sequence: number): void;
  /** All that was in the stream when the consumer was made has been delivered. */
  onCaughtUp(): void;
};

export type OrderedConsumer = {
  /** Rejects with a NatsError when the server doesn't make the consumer, or doesn't answer. */
  readonly opened: Promise<void>;
  /** Resolves with the reason when it has ended; nothing is delivered after that. */
  readonly ended: Promise<string>;
  /** When anything at all was last heard: a message, a heartbeat or a flow control request. */
  readonly heardMs: number;
  close(reason: string): void;
};

type Delivery = { readonly sequence: number; readonly delivered: number; readonly pending: number };

export function openConsumer(options: ConsumerOptions): OrderedConsumer {
  const { connection, filter, start, intake, now } = options;
  const inbox = createInbox(options.inboxPrefix);
  const ended = Promise.withResolvers<string>();
  let heardMs = now();
  let closed = false;
  let caughtUp = false;
  let delivered = 0;
  /** How many deliveries make up what was there at the beginning; unknown until the server has answered. */
  let backlog = Number.POSITIVE_INFINITY;

  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      heardMs = now();
      if (error) close(error.code);
      else intake.offer(() => handle(message));
    },
  });

  function close(reason: string): void {
    if (closed) return;
    closed = true;
    subscription.unsubscribe();
    ended.resolve(reason);
  }

  function noteCaughtUp(): void {
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
    const delivery = parseDelivery(message.reply ?? '');
    if (delivery?.delivered !== delivered + 1) {
      close(delivery ? 'gap' : 'ended by the server');
      return;
    }
    delivered++;
    options.onMessage(message.subject, message.data, delivery.sequence);
    if (delivery.pending === 0 || delivered >= backlog) noteCaughtUp();
  }

  function handleHeartbeat(message: Msg): void {
    const stalled = message.headers?.get(JsHeaders.ConsumerStalledHdr);
    if (stalled) connection.publish(stalled);
    if (Number(message.headers?.get(JsHeaders.LastConsumerSeqHdr)) > delivered) close('gap');
    // A heartbeat means that there is nothing to deliver, unless delivery waits for flow control.
    else if (!stalled) noteCaughtUp();
  }

  async function open(): Promise<void> {
    const info = await options.jsm.consumers.add(STREAM, {
      name: `aggregator-${nuid.next()}`,
      deliver_subject: inbox,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      replay_policy: ReplayPolicy.Instant,
      flow_control: true,
      idle_heartbeat: nanos(options.heartbeatMs),
      mem_storage: true,
      num_replicas: 1,
      ...startConfig(start),
    });
    backlog = info.num_pending + info.delivered.consumer_seq;
    // In the queue, so that it comes after what has been delivered already.
    intake.offer(() => {
      if (delivered >= backlog) noteCaughtUp();
    });
  }

  return {
    opened: open(),
    ended: ended.promise,
    get heardMs() {
      return heardMs;
    },
    close,
  };
}

function startConfig(start: Start) {
  switch (start.from) {
    case 'beginning':
      return { deliver_policy: DeliverPolicy.All };
    case 'time':
      return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(start.ms).toISOString() };
    case 'sequence':
      return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence };
  }
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<tries>.<sequence>.<delivered>.<time>.<pending>`, or the
 * longer form with domain and account in front; undefined when it isn't a delivery (ADR-15 of NATS).
 */
function parseDelivery(reply: string): Delivery | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const first = tokens.length === 9 ? 5 : 7;
  const [sequence, delivered, , pending] = tokens.slice(first, first + 4).map(Number);
  if (sequence === undefined || delivered === undefined || pending === undefined) return undefined;
  return { sequence, delivered, pending };
}
