/**
 * The Forwarder's one NATS connection: open while it is used, reconnects indefinitely, publishes with JetStream's
 * acknowledgement, and reports at once when it is down. Together with socket-transport.ts and nats-failure.ts
 * the only module of the worker that imports the NATS client. Lanes decide what to publish and how to handle a failure.
 */
// The client without its transport for Node, which the package's main module brings along; see socket-transport.ts.
import {
  type Authenticator,
  credsAuthenticator,
  ErrorCode,
  Events,
  type NatsConnection,
  NatsConnectionImpl,
  NatsError,
  type Status,
  setTransportFactory,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from 'nats/lib/nats-base-client/internal_mod.js';
import type { NatsFault } from '../../../shared/nats-faults.ts';
import { delay, within } from '../../forward/deadline.ts';
import { log } from '../../log.ts';
import type { Credentials } from '../../nats-access.ts';
import { describeFailure, describePublishFailure } from './nats-failure.ts';
import { createSocketTransport } from './socket-transport.ts';

const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_WAIT_MS = 500;
const RECONNECT_ATTEMPTS = 10;
/** Two unanswered pings close the connection, so a dead peer is detected within 9 s. */
const PING_INTERVAL_MS = 3_000;
const MAX_PINGS_OUT = 2;
/** An open socket keeps its Durable Object in memory, which is billed. */
export const IDLE_MS = 60_000;

/**
 * An acknowledgement that has not come by then never will: the server would have answered or disconnected. It bounds
 * how long a lost message blocks its lane.
 */
const ACK_LOST_MS = 30_000;
/** nats-server's default `max_payload`, used until INFO has arrived. */
const MAX_PAYLOAD = 1_048_576;

/**
 * Why a message was not acknowledged. `refused`: NATS did not store it. `too_large`: NATS did not store it and never
 * will. `lost`: it may be in the stream, and there is no way to find out.
 */
export type Failure = {
  readonly kind: 'refused' | 'too_large' | 'lost';
  readonly error: string;
  /** For the log: which fault it is, and what to do about it. */
  readonly fault?: NatsFault;
  readonly hint?: string;
};

/** `isDuplicate`: a message of that id was in the stream already. */
export type Outcome = { readonly kind: 'stored'; readonly isDuplicate: boolean } | Failure;

export type Publication = {
  readonly subject: string;
  /** The `Nats-Msg-Id`. */
  readonly id: string;
  readonly payload: Uint8Array;
  /** Whether the connection counts as used; default true. */
  readonly isUse?: boolean;
};

export type Connection = {
  isUp(): boolean;
  /** Connects unless connecting; resolves when the first attempt has succeeded, failed, or taken a second. */
  open(): Promise<void>;
  /** Resolves with the acknowledgement, however late, or when none can come any more. Never rejects. */
  publish(publication: Publication): Promise<Outcome>;
  /** Bytes of headers and payload that the server takes in one message, by its INFO. */
  maxPayload(): number;
  /** Closes the connection; {@link Connection.open} opens a new one. */
  close(): Promise<void>;
};

export type ConnectionOptions = {
  /** `nats://host:port`, any of the region's cluster; without user or password. */
  readonly servers: readonly string[];
  readonly credentials?: Credentials | undefined;
  /** Shown by the server's monitoring. */
  readonly name: string;
  /** Prefix of the subjects on which acknowledgements arrive. */
  readonly inboxPrefix: string;
  /** How long the connection outlives its last use; default a minute. */
  readonly idleMs?: number;
  /** Default {@link ACK_LOST_MS}. */
  readonly ackLostMs?: number;
  /** Called whenever the connection has come up. */
  onUp(): void;
};

/** From `open` to `close`; the client reconnects within it. */
type Lifetime = { closed: boolean; readonly tried: PromiseWithResolvers<void>; readonly firstAttempt: Promise<void> };

type Connected = { readonly nc: NatsConnection; readonly js: ReturnType<NatsConnection['jetstream']> };

export function createConnection(options: ConnectionOptions): Connection {
  const { name, onUp, idleMs = IDLE_MS, ackLostMs = ACK_LOST_MS } = options;
  let lifetime: Lifetime | undefined;
  let connected: Connected | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let lastUsedMs = 0;
  let up = false;
  /** Fails the publishes in flight. They don't race a promise of the connection: it would retain all of them. */
  const underWay = new Set<(failure: Failure) => void>();

  function open(): Promise<void> {
    // With no servers the client would try localhost.
    if (options.servers.length === 0) return Promise.resolve();
    stayAwake();
    if (!lifetime) {
      const tried = Promise.withResolvers<void>();
      lifetime = { closed: false, tried, firstAttempt: within(tried.promise, CONNECT_TIMEOUT_MS, undefined) };
      void run(lifetime);
    }
    return lifetime.firstAttempt;
  }

  /** The client reconnects after a first success; this loop makes the first connection, and retries if the client gives up. */
  async function run(own: Lifetime): Promise<void> {
    let failure = '';
    while (!own.closed) {
      try {
        await serve(own, await connectClient(options));
        failure = '';
      } catch (error) {
        const found = describeFailure(error, options.credentials);
        if (found.error !== failure) log.warn('cannot connect to NATS; retrying', { name, ...found });
        failure = found.error;
        own.tried.resolve();
      }
      if (!own.closed) await delay(RECONNECT_WAIT_MS);
    }
  }

  async function serve(own: Lifetime, nc: NatsConnection): Promise<void> {
    if (own.closed) return nc.close();
    connected = { nc, js: nc.jetstream() };
    markUp(own);
    // Not waited for: it goes on waiting for the next one when the client gives up.
    void follow(own, nc);
    await nc.closed();
    if (!own.closed) markDown('closed');
  }

  async function follow(own: Lifetime, nc: NatsConnection): Promise<void> {
    const logged = new Set<string>();
    for await (const status of nc.status()) {
      if (own.closed) return;
      if (status.type === Events.Disconnect) markDown('disconnected');
      else if (status.type === Events.Reconnect) markUp(own);
      else if (status.type === Events.Error) logError(status, logged);
    }
  }

  /** What the server says of the connection itself. Each kind of error once a connection: it comes again with every retry. */
  function logError({ data, permissionContext }: Status, logged: Set<string>): void {
    const { operation, subject } = permissionContext ?? {};
    const { error, fault, hint } = describeFailure(new NatsError('', String(data) as ErrorCode), options.credentials);
    // The last part of an inbox is a new one each time.
    const key = `${error} ${operation} ${operation === 'publish' ? subject : ''}`;
    if (logged.has(key)) return;
    logged.add(key);
    const what = permissionContext ? 'NATS denied a permission' : 'NATS reported an error';
    log.error(what, { name, error, fault, ...(permissionContext ? { operation, subject } : {}), hint });
  }

  function markUp(own: Lifetime): void {
    up = true;
    stayAwake();
    log.info('connected to NATS', { name });
    own.tried.resolve();
    onUp();
  }

  function markDown(error: string): void {
    if (up) log.warn('disconnected from NATS; reconnecting', { name, error });
    up = false;
    failAll(error);
  }

  function failAll(error: string): void {
    for (const fail of underWay) fail({ kind: 'lost', error });
  }

  function publish({ subject, id, payload, isUse = true }: Publication): Promise<Outcome> {
    const { js } = connected ?? {};
    if (!js || !up) return Promise.resolve({ kind: 'refused', error: 'not connected' });
    if (isUse) stayAwake();
    return new Promise((resolve) => {
      underWay.add(resolve);
      js.publish(subject, payload, { msgID: id, timeout: ackLostMs })
        .then(
          ({ duplicate }) => resolve({ kind: 'stored', isDuplicate: duplicate }),
          (error) => resolve(failureOf(error)),
        )
        .finally(() => underWay.delete(resolve));
    });
  }

  /** A publish only records the time; one timer checks it, since a timer per publish would cost more. */
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
    if (lifetime) lifetime.closed = true;
    lifetime = undefined;
    connected = undefined;
    up = false;
    failAll('closed');
    await closing?.nc.close();
  }

  const maxPayload = (): number => connected?.nc.info?.max_payload ?? MAX_PAYLOAD;

  return { isUp: () => up, open, publish, maxPayload, close };
}

function connectClient({ servers, credentials, name, inboxPrefix }: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: createSocketTransport });
  return NatsConnectionImpl.connect({
    name,
    servers: [...servers],
    inboxPrefix,
    ...(credentials ? { authenticator: authenticatorOf(credentials) } : {}),
    timeout: CONNECT_TIMEOUT_MS,
    // It does not say why an attempt failed. After some it gives up, and the next connection's failure is logged.
    maxReconnectAttempts: RECONNECT_ATTEMPTS,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
    // The user may be added to the broker later.
    ignoreAuthErrorAbort: true,
    // Connect to configured servers only: a cluster may advertise addresses that are reachable only from inside.
    ignoreClusterUpdates: true,
    // workerd resolves names itself when it connects.
    resolve: false,
    noAsyncTraces: true,
  });
}

function authenticatorOf(credentials: Credentials): Authenticator {
  switch (credentials.kind) {
    case 'creds':
      return credsAuthenticator(new TextEncoder().encode(credentials.text));
    case 'user':
      return usernamePasswordAuthenticator(credentials.user, credentials.password);
    case 'token':
      return tokenAuthenticator(credentials.token);
  }
}

/** JetStream's own answer for a message over the stream's `max_msg_size`. */
const MESSAGE_SIZE_EXCEEDS_MAXIMUM = 10_054;

function failureOf(error: unknown): Failure {
  return { kind: failureKindOf(error), ...describePublishFailure(error) };
}

/** No responders, a JetStream error or a permissions violation: the message is certainly not stored. */
function failureKindOf(error: unknown): Failure['kind'] {
  if (!(error instanceof NatsError)) return 'lost';
  const { code, api_error } = error;
  if (code === ErrorCode.MaxPayloadExceeded || api_error?.err_code === MESSAGE_SIZE_EXCEEDS_MAXIMUM) return 'too_large';
  const isRefused =
    api_error !== undefined || code === ErrorCode.NoResponders || code === ErrorCode.PermissionsViolation;
  return isRefused ? 'refused' : 'lost';
}
