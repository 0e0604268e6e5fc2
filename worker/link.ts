/**
 * The Forwarder's one lasting NATS connection: dialled again for ever, publishes with JetStream's
 * acknowledgement, and says at once when it is down. The only module of the worker that knows NATS.
 * What is published, and what becomes of a failure, is the outbox's.
 */
import { connect, credsAuthenticator, Events, type JetStreamClient, type NatsConnection, NatsError } from 'nats';
import { delay, within } from './deadline.ts';
import { log } from './log.ts';

const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_WAIT_MS = 500;
/** Two pings without an answer close the connection, so that a dead peer is seen within 9 s. */
const PING_INTERVAL_MS = 3_000;
const MAX_PINGS_OUT = 2;

/** `seq` is the message's place in the stream: of its first copy, when this one is a duplicate. */
export type Ack = { readonly ok: true; readonly duplicate: boolean; readonly seq: number };
export type PublishFailure = { readonly ok: false; readonly error: string };

export type Publication = { readonly subject: string; readonly id: string; readonly text: string };

export type Link = {
  isUp(): boolean;
  /** Begins to dial, the first time; settles when that first attempt has succeeded, failed, or taken a second. */
  open(): Promise<void>;
  /** Publishes and awaits the acknowledgement; fails at once while down or when the connection is lost. Never rejects. */
  publish(publication: Publication, timeoutMs: number): Promise<Ack | PublishFailure>;
  close(): Promise<void>;
};

export type LinkOptions = {
  /** `nats://host:port`, any of the region's cluster. */
  readonly servers: readonly string[];
  /** The text of a credentials file. */
  readonly creds?: string | undefined;
  /** Shown by the server's monitoring. */
  readonly name: string;
  /** Called whenever the connection has come up. */
  onUp(): void;
};

type Connected = {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  lost: PromiseWithResolvers<PublishFailure>;
};

export function createLink(options: LinkOptions): Link {
  const { name, onUp } = options;
  const tried = Promise.withResolvers<void>();
  let connected: Connected | undefined;
  let up = false;
  let opened: Promise<void> | undefined;
  let closed = false;

  function rise(): void {
    up = true;
    log.info('nats connected', { name });
    tried.resolve();
    onUp();
  }

  function fall(error: string): void {
    if (up) log.warn('nats connection lost', { name, error });
    up = false;
    connected?.lost.resolve({ ok: false, error });
    if (connected) connected.lost = Promise.withResolvers();
  }

  /** The client redials by itself after a first success; this loop is for the first, and for when it gives up. */
  async function run(): Promise<void> {
    let failure = '';
    while (!closed) {
      try {
        const nc = await dial(options);
        connected = { nc, js: nc.jetstream(), lost: Promise.withResolvers() };
        failure = '';
        rise();
        await watch(nc);
        fall('closed');
      } catch (error) {
        if (codeOf(error) !== failure) log.warn('nats connection failed', { name, error: codeOf(error) });
        failure = codeOf(error);
        tried.resolve();
      }
      if (!closed) await delay(RECONNECT_WAIT_MS);
    }
  }

  async function watch(nc: NatsConnection): Promise<void> {
    if (closed) await nc.close();
    for await (const status of nc.status()) {
      if (status.type === Events.Disconnect) fall('disconnected');
      else if (status.type === Events.Reconnect) rise();
    }
    await nc.closed();
  }

  async function publish({ subject, id, text }: Publication, timeoutMs: number): Promise<Ack | PublishFailure> {
    if (!connected || !up) return { ok: false, error: 'not connected' };
    const ack = connected.js.publish(subject, text, { msgID: id, timeout: timeoutMs }).then(
      ({ duplicate, seq }): Ack => ({ ok: true, duplicate, seq }),
      (error): PublishFailure => ({ ok: false, error: codeOf(error) }),
    );
    return Promise.race([ack, connected.lost.promise]);
  }

  function open(): Promise<void> {
    if (!opened) {
      opened = within(tried.promise, CONNECT_TIMEOUT_MS, undefined);
      void run();
    }
    return opened;
  }

  return {
    isUp: () => up,
    open,
    publish,
    async close() {
      closed = true;
      await connected?.nc.close();
    },
  };
}

function dial({ servers, creds, name }: LinkOptions): Promise<NatsConnection> {
  return connect({
    name,
    servers: [...servers],
    ...(creds === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(creds)) }),
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
    // A broker that refuses us now may have been told of us later.
    ignoreAuthErrorAbort: true,
    // workerd resolves names itself when it connects.
    resolve: false,
    noAsyncTraces: true,
  });
}

/** A word for logs: the client's or the server's error code, never a message that may hold an address. */
function codeOf(error: unknown): string {
  if (error instanceof NatsError) return String(error.api_error?.err_code ?? error.code);
  return error instanceof Error ? error.name : 'unknown';
}
