/**
 * The Forwarder's one NATS connection: lasts as long as it is used, is dialled again for ever, publishes
 * with JetStream's acknowledgement, and says at once when it is down. With its socket the only module of
 * the worker that knows NATS. What is published, and what becomes of a failure, is the outbox's.
 */
// The client without its transport for Node, which the package's main module brings along; see socket-transport.ts.
import {
  credsAuthenticator,
  ErrorCode,
  Events,
  type NatsConnection,
  NatsConnectionImpl,
  NatsError,
  setTransportFactory,
} from 'nats/lib/nats-base-client/internal_mod.js';
import { delay, within } from '../forward/deadline.ts';
import { log } from '../log.ts';
import { createSocketTransport } from './socket-transport.ts';

const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_WAIT_MS = 500;
/** Two pings without an answer close the connection, so that a dead peer is seen within 9 s. */
const PING_INTERVAL_MS = 3_000;
const MAX_PINGS_OUT = 2;
/** An open socket keeps its Durable Object in memory, which is paid for; a lane without calls needs neither. */
const IDLE_MS = 60_000;

/** `seq` is the message's place in the stream: of its first copy, when this one is a duplicate. */
export type Ack = { readonly ok: true; readonly duplicate: boolean; readonly seq: number };
/** `refused`: the message is surely not in the stream; otherwise it may be. */
export type PublishFailure = { readonly ok: false; readonly error: string; readonly refused: boolean };

export type Publication = { readonly subject: string; readonly id: string; readonly text: string };

export type Link = {
  isUp(): boolean;
  /** Dials, unless that has begun; settles when the first attempt has succeeded, failed, or taken a second. */
  open(): Promise<void>;
  /** Publishes and awaits the acknowledgement; fails at once while down or when the connection is lost. Never rejects. */
  publish(publication: Publication, timeoutMs: number): Promise<Ack | PublishFailure>;
  /** Ends the connection; {@link Link.open} begins anew. */
  close(): Promise<void>;
};

export type LinkOptions = {
  /** `nats://host:port`, any of the region's cluster. */
  readonly servers: readonly string[];
  /** The text of a credentials file. */
  readonly creds?: string | undefined;
  /** Shown by the server's monitoring. */
  readonly name: string;
  /** How long the connection outlives its last use; default a minute. */
  readonly idleMs?: number;
  /** Called whenever the connection has come up. */
  onUp(): void;
};

/** From the first use to the end of use; the client redials within it. */
type Session = { closed: boolean; readonly tried: PromiseWithResolvers<void>; readonly settled: Promise<void> };

type Connected = { readonly nc: NatsConnection; readonly js: ReturnType<NatsConnection['jetstream']> };

export function createLink(options: LinkOptions): Link {
  const { name, onUp, idleMs = IDLE_MS } = options;
  let session: Session | undefined;
  let connected: Connected | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let lastUsedMs = 0;
  let up = false;
  /** Fails the publishes on their way; they don't race a promise of the connection's, which would keep them all. */
  const underWay = new Set<(failure: PublishFailure) => void>();

  function open(): Promise<void> {
    stayAwake();
    if (!session) {
      const tried = Promise.withResolvers<void>();
      session = { closed: false, tried, settled: within(tried.promise, CONNECT_TIMEOUT_MS, undefined) };
      void run(session);
    }
    return session.settled;
  }

  /** The client redials by itself after a first success; this loop is for the first, and for when it gives up. */
  async function run(own: Session): Promise<void> {
    let failure = '';
    while (!own.closed) {
      try {
        await serve(own, await dial(options));
        failure = '';
      } catch (error) {
        const code = codeOf(error);
        if (code !== failure) log.warn('nats connection failed', { name, error: code });
        failure = code;
        own.tried.resolve();
      }
      if (!own.closed) await delay(RECONNECT_WAIT_MS);
    }
  }

  async function serve(own: Session, nc: NatsConnection): Promise<void> {
    if (own.closed) return nc.close();
    connected = { nc, js: nc.jetstream() };
    rise(own);
    for await (const { type } of nc.status()) {
      if (own.closed) break;
      if (type === Events.Disconnect) fall('disconnected');
      else if (type === Events.Reconnect) rise(own);
    }
    await nc.closed();
    if (!own.closed) fall('closed');
  }

  function rise(own: Session): void {
    up = true;
    stayAwake();
    log.info('nats connected', { name });
    own.tried.resolve();
    onUp();
  }

  function fall(error: string): void {
    if (up) log.warn('nats connection lost', { name, error });
    up = false;
    failAll(error);
  }

  function failAll(error: string): void {
    for (const fail of underWay) fail({ ok: false, error, refused: false });
  }

  function publish({ subject, id, text }: Publication, timeoutMs: number): Promise<Ack | PublishFailure> {
    const { js } = connected ?? {};
    if (!js || !up) return Promise.resolve({ ok: false, error: 'not connected', refused: true });
    stayAwake();
    return new Promise((resolve) => {
      underWay.add(resolve);
      js.publish(subject, text, { msgID: id, timeout: timeoutMs })
        .then(
          ({ duplicate, seq }) => resolve({ ok: true, duplicate, seq }),
          (error) => resolve({ ok: false, error: codeOf(error), refused: isRefusal(error) }),
        )
        .finally(() => underWay.delete(resolve));
    });
  }

  /** Every publish is a use: it sets a time, and one timer looks whether there was one meanwhile. */
  function stayAwake(): void {
    lastUsedMs = Date.now();
    idle ??= setTimeout(closeIfIdle, idleMs);
  }

  function closeIfIdle(): void {
    idle = undefined;
    const leftMs = underWay.size > 0 ? idleMs : lastUsedMs + idleMs - Date.now();
    if (leftMs > 0) idle = setTimeout(closeIfIdle, leftMs);
    else void close();
  }

  async function close(): Promise<void> {
    clearTimeout(idle);
    idle = undefined;
    const closing = connected;
    if (session) session.closed = true;
    session = undefined;
    connected = undefined;
    up = false;
    failAll('closed');
    await closing?.nc.close();
  }

  return { isUp: () => up, open, publish, close };
}

function dial({ servers, creds, name }: LinkOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: createSocketTransport });
  return NatsConnectionImpl.connect({
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
    // Only what is configured is dialled: a cluster may tell addresses that only it can reach.
    ignoreClusterUpdates: true,
    // workerd resolves names itself when it connects.
    resolve: false,
    noAsyncTraces: true,
  });
}

/** Nobody was there to store it, JetStream said why not, or the server did not let it pass. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof NatsError)) return false;
  const { code, api_error } = error;
  return api_error !== undefined || code === ErrorCode.NoResponders || code === ErrorCode.PermissionsViolation;
}

/** A word for logs: the client's or the server's error code, never a message that may hold an address. */
function codeOf(error: unknown): string {
  if (error instanceof NatsError) return String(error.api_error?.err_code ?? error.code);
  return error instanceof Error ? error.name : 'unknown';
}
