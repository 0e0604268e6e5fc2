/**
 * The connection to NATS: retries until it is established, and reconnects whatever ends it. The
 * readers decide what to read over it.
 *
 * docs/security.md lists what the aggregator's NATS user must be allowed to do.
 */
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  DebugEvents,
  type ErrorCode,
  Events,
  type NatsConnection,
  NatsError,
  type Status,
} from 'nats';
import type { Logger } from 'pino';
import type { NatsFault } from '../../shared/nats-faults.ts';
import { createChangeFilter } from './change-filter.ts';
import type { FeedErrors } from './feed-errors.ts';
import { pause } from './pause.ts';

export type NatsAccess = {
  /** `host:port` each. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  readonly login: { readonly user: string; readonly pass: string } | undefined;
  /** Reads the credentials at each connection, so that they can be replaced while the process runs. */
  readonly creds: (() => Uint8Array) | undefined;
  /** Reads the PEM of the only CAs that are trusted, at each connection; by default those that Node trusts. */
  readonly ca?: (() => string) | undefined;
};

export type ConnectorOptions = {
  readonly access: NatsAccess;
  /** The setting that says where the servers are, for the log. */
  readonly setting: string;
  readonly errors: FeedErrors;
  readonly log: Logger;
  /** Closes the connection, and ends {@link Connector.keepConnected}. */
  readonly signal: AbortSignal;
  onDisconnected(): void;
};

export type Connector = {
  /** Connects and reconnects until the signal aborts; returns only then. */
  keepConnected(): Promise<void>;
  /** Resolves with a connection as soon as one works; with undefined when the signal aborts first. */
  connected(): Promise<NatsConnection | undefined>;
  /**
   * Sends a ping unless one is under way. `onAnswer` is called when it was answered, and so after all that
   * the server had sent before; never when the connection ends instead.
   */
  ping(onAnswer: () => void): void;
};

/** Replies to requests and deliveries arrive here; the NATS user may subscribe to nothing else. */
export const INBOX_PREFIX = '_INBOX.aggregator';

const RETRY_MS = 500;
const RECONNECT_ATTEMPTS = 10;
const CONNECT_TIMEOUT_MS = 3_000;
/**
 * A connection is closed at the third unanswered ping, after 9 s at most. The
 * library's defaults would take 4 minutes, far beyond a session's TTL.
 */
const PING_INTERVAL_MS = 3_000;
const MAX_PINGS_OUT = 2;

export function createConnector(options: ConnectorOptions): Connector {
  const { log, signal } = options;
  let current = Promise.withResolvers<NatsConnection | undefined>();
  let isUp = false;
  let usable: NatsConnection | undefined;
  let pinged: NatsConnection | undefined;
  signal.addEventListener('abort', () => current.resolve(undefined));

  function up(connection: NatsConnection): void {
    isUp = true;
    usable = connection;
    pinged = undefined;
    current.resolve(connection);
  }

  function down(): void {
    // A disconnect is reported twice when the connection then closes. Replacing the promise a second
    // time would leave whoever waits for the first replacement waiting forever.
    if (isUp && !signal.aborted) current = Promise.withResolvers();
    isUp = false;
    usable = undefined;
    options.onDisconnected();
  }

  /** Returns when the connection is closed: because the signal aborted, or by the library for good. */
  async function useUntilClosed(connection: NatsConnection): Promise<void> {
    const close = () => void connection.close();
    signal.addEventListener('abort', close);
    log.info({ server: connection.getServer() }, 'connected to NATS');
    up(connection);
    // Not awaited: the library leaves this iterator open when the connection is closed.
    void followStatus(connection);
    if (signal.aborted) close();
    const reason = await connection.closed();
    signal.removeEventListener('abort', close);
    down();
    if (!signal.aborted) log.warn({ err: reason }, 'connection to NATS closed; reconnecting');
  }

  async function followStatus(connection: NatsConnection): Promise<void> {
    const logError = createErrorLog(options);
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) {
        log.warn({ server: status.data }, 'disconnected from NATS; reconnecting');
        down();
      } else if (status.type === Events.Reconnect) {
        log.info({ server: connection.getServer() }, 'reconnected to NATS');
        up(connection);
      } else if (status.type === Events.Error) {
        logError(status);
      } else if (status.type === DebugEvents.StaleConnection) {
        log.warn({ server: connection.getServer() }, 'NATS does not answer pings; reconnecting');
      }
    }
  }

  return {
    connected: () => current.promise,
    ping(onAnswer) {
      const connection = usable;
      if (!connection || connection.isClosed() || pinged === connection) return;
      pinged = connection;
      connection.flush().then(
        () => {
          if (pinged === connection) pinged = undefined;
          if (usable === connection) onAnswer();
        },
        () => {
          if (pinged === connection) pinged = undefined;
        },
      );
    },
    async keepConnected() {
      while (!signal.aborted) {
        const connection = await connectUntilAborted(options);
        if (connection) await useUntilClosed(connection);
      }
    },
  };
}

/** Retries until it succeeds, and logs each new reason for a failure. */
async function connectUntilAborted(options: ConnectorOptions): Promise<NatsConnection | undefined> {
  const { access, setting, errors, log, signal } = options;
  const reasons = createChangeFilter();
  while (!signal.aborted) {
    try {
      return await connect(connectionOptions(access));
    } catch (error) {
      const found = errors.connection(error, access.creds?.());
      if (reasons.isNew('connect', `${found.fault} ${found.code} ${found.detail}`)) {
        log.warn(
          { servers: access.servers, ...found, hint: hintFor(found.fault, setting) },
          'cannot connect to NATS; retrying',
        );
      }
    }
    await pause(RETRY_MS, signal);
  }
  return undefined;
}

const PERMISSION_HINT =
  'grant it to the NATS user of the aggregator; deploy/nats/accounts.conf lists every permission it needs';

/** It asks for this only where it found no stream, and in production its user may not make one. */
const STREAM_HINT = 'there is no stream HEALTH: create it as the user operator, see deploy/nats/README.md';

/** @param setting NATS_URL, or another that says where servers are */
function hintFor(fault: NatsFault, setting: string): string {
  switch (fault) {
    case 'certificate':
      return `check that ${setting} says tls:// if and only if the server does, that its certificate is of that name and has not expired, and that NATS_CA is the CA that signed it`;
    case 'login':
      return `check the user and password in ${setting}, or the file NATS_CREDS`;
    case 'expired_credentials':
      return 'replace the file NATS_CREDS by credentials that are still valid; it is read at each attempt';
    case 'permission':
      return PERMISSION_HINT;
    case 'no_answer':
    case 'stream':
    case 'storage':
      return 'check the log of nats-server';
    case 'unreachable':
    case 'other':
      return `check ${setting}, and that nats-server runs and can be reached from here`;
  }
}

/** The same request is denied at each retry, twice a second; each kind of error is logged once. */
function createErrorLog({ access, setting, errors, log }: ConnectorOptions): (status: Status) => void {
  const logged = createChangeFilter();
  return ({ data, permissionContext }) => {
    const { fault, code } = errors.connection(new NatsError('', String(data) as ErrorCode), access.creds?.());
    const { operation = '', subject = '' } = permissionContext ?? {};
    // Subjects of inboxes and consumers end with a new name each time.
    const api = operation === 'publish' ? subject.split('.').slice(0, 4).join('.') : '';
    if (!logged.isNew(`${code} ${operation} ${api}`, '')) return;
    if (permissionContext) {
      const hint = subject.includes('.STREAM.CREATE.') ? STREAM_HINT : PERMISSION_HINT;
      log.error({ code, fault, operation, subject, hint }, 'NATS denied a permission');
    } else {
      log.error({ code, fault, hint: hintFor(fault, setting) }, 'NATS reported an error');
    }
  };
}

function connectionOptions({ servers, tls, login, creds, ca }: NatsAccess): ConnectionOptions {
  return {
    servers: [...servers],
    name: 'edgepulse-aggregator',
    inboxPrefix: INBOX_PREFIX,
    // It does not say why an attempt failed. After some it gives up, and the next connection's failure is logged.
    maxReconnectAttempts: RECONNECT_ATTEMPTS,
    reconnectTimeWait: RETRY_MS,
    reconnectJitter: RETRY_MS / 5,
    // By default two rejected logins stop reconnecting, but the password may be in the middle of a rotation.
    ignoreAuthErrorAbort: true,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
    noAsyncTraces: true,
    ...(tls || ca ? { tls: ca ? { ca: ca() } : {} } : {}),
    ...(login ?? {}),
    ...(creds ? { authenticator: credsAuthenticator(creds) } : {}),
  };
}
