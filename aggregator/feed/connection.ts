/**
 * The connection to NATS: made however long it takes, and made again whatever ends it. What is
 * done over it is the feed's.
 *
 * The aggregator's NATS user needs to publish to `$JS.API.STREAM.INFO.HEALTH`,
 * `$JS.API.CONSUMER.CREATE.HEALTH.>` and `$JS.FC.HEALTH.>`, to subscribe to
 * `_INBOX.aggregator.>`, and, only to make a missing stream, to publish to
 * `$JS.API.STREAM.CREATE.HEALTH`.
 */
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  DebugEvents,
  Events,
  type NatsConnection,
  NatsError,
} from 'nats';
import type { Logger } from 'pino';

export type NatsAccess = {
  readonly servers: readonly string[];
  readonly tls: boolean;
  readonly login: { readonly user: string; readonly pass: string } | undefined;
  /** Reads the credentials anew at each connection, so that they can be replaced while we run. */
  readonly creds: (() => Uint8Array) | undefined;
};

export type LinkOptions = {
  readonly access: NatsAccess;
  readonly log: Logger;
  onUp(connection: NatsConnection): void;
  onDown(): void;
};

export const INBOX_PREFIX = '_INBOX.aggregator';

const RETRY_MS = 500;
const DIAL_TIMEOUT_MS = 3_000;
/** A dead link is given up at the third ping that nothing answers: 9 s at the latest. */
const PING_MS = 3_000;
const MAX_PINGS_OUT = 2;

/** Keeps a connection until the signal aborts; returns only then. */
export async function keepLink(options: LinkOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const connection = await dial(options, signal);
    if (connection) await use(connection, options, signal);
  }
}

/** Tries until it succeeds, and says why it can't once for each reason. */
async function dial({ access, log }: LinkOptions, signal: AbortSignal): Promise<NatsConnection | undefined> {
  let lastCode: string | undefined;
  while (!signal.aborted) {
    try {
      return await connect(connectionOptions(access));
    } catch (error) {
      const code = error instanceof NatsError ? error.code : String(error);
      if (code !== lastCode) log.warn({ servers: access.servers, code }, 'nats not reachable, trying on');
      lastCode = code;
    }
    await pause(RETRY_MS, signal);
  }
  return undefined;
}

/** Returns when the connection is closed: by the signal, or by the client library for good. */
async function use(connection: NatsConnection, options: LinkOptions, signal: AbortSignal): Promise<void> {
  const { log, onUp, onDown } = options;
  const close = () => void connection.close();
  signal.addEventListener('abort', close);
  log.info({ server: connection.getServer() }, 'nats connected');
  onUp(connection);
  // Not awaited: the library leaves this iterator open when the connection is closed.
  void followStatus(connection, options);
  if (signal.aborted) close();
  const reason = await connection.closed();
  signal.removeEventListener('abort', close);
  onDown();
  if (!signal.aborted) log.error({ err: reason }, 'nats connection closed, dialling anew');
}

async function followStatus(connection: NatsConnection, { log, onUp, onDown }: LinkOptions): Promise<void> {
  const refused = new Set<string>();
  for await (const status of connection.status()) {
    if (status.type === Events.Disconnect) {
      log.warn('nats disconnected');
      onDown();
    } else if (status.type === Events.Reconnect) {
      log.info({ server: connection.getServer() }, 'nats reconnected');
      onUp(connection);
    } else if (status.type === Events.Error) {
      // What is refused is tried again and again; it is said once. Inboxes have a new name each time.
      const { operation, subject } = status.permissionContext ?? { operation: '', subject: '' };
      const place = operation === 'publish' ? subject.split('.').slice(0, 4).join('.') : '';
      const what = `${status.data} ${operation} ${place}`;
      if (refused.has(what)) continue;
      refused.add(what);
      log.error({ code: status.data, operation, subject }, 'nats refused something');
    } else if (status.type === DebugEvents.StaleConnection) {
      log.warn('nats does not answer pings');
    }
  }
}

function connectionOptions({ servers, tls, login, creds }: NatsAccess): ConnectionOptions {
  return {
    servers: [...servers],
    name: 'edgepulse-aggregator',
    inboxPrefix: INBOX_PREFIX,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_MS,
    reconnectJitter: RETRY_MS / 5,
    // A refused login may be one that is being replaced.
    ignoreAuthErrorAbort: true,
    timeout: DIAL_TIMEOUT_MS,
    pingInterval: PING_MS,
    maxPingOut: MAX_PINGS_OUT,
    noAsyncTraces: true,
    ...(tls ? { tls: {} } : {}),
    ...(login ?? {}),
    ...(creds ? { authenticator: credsAuthenticator(creds) } : {}),
  };
}

/** Ends early, and without a rejection, when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
