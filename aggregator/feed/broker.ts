/**
 * A broker: the JetStream of one domain, as it is reached over one connection. Its stream HEALTH holds messages of
 * whatever regions publish into it, and its clock stores them; each region that is read from it has a source there.
 */
import type { JetStreamManager, NatsConnection } from 'nats';
import type { Logger } from 'pino';
import { type BrokerClock, createBrokerClock } from './clock/broker-clock.ts';
import type { Connector } from './connection.ts';
import { createHistory, type History } from './stream/history.ts';
import { createHealthStream, type HealthStream } from './stream/stream.ts';
import { createStreamWatch, type StreamWatch } from './stream/stream-watch.ts';

export type Broker = {
  /** The JetStream domain; undefined for that of the server which is connected to. */
  readonly domain: string | undefined;
  readonly connector: Connector;
  readonly clock: BrokerClock;
  /** Whether the broker said its time since the start, and not only when a message was stored. */
  readonly isClockSet: boolean;
  /** Resolves when it is. */
  readonly clockSet: Promise<void>;
  clockIsSet(): void;
  /** What was in its stream when the process started. */
  readonly history: History;
  readonly stream: HealthStream;
  /** A missing stream is created where regions are at home; elsewhere it is for others to configure. */
  readonly mayCreateStream: boolean;
  readonly watch: StreamWatch;
  /** Requests to its JetStream over the connection. */
  manager(connection: NatsConnection): Promise<JetStreamManager>;
};

export type BrokerOptions = {
  readonly domain: string | undefined;
  readonly connector: Connector;
  readonly isHome: boolean;
  /** The regions that are read from it. */
  readonly regions: readonly string[];
  /** All REGIONS of the topology. */
  readonly topologyRegions: readonly string[];
  readonly lanes: number;
  readonly ttlSeconds: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

const REQUEST_TIMEOUT_MS = 3_000;

export function createBroker(options: BrokerOptions): Broker {
  const { domain, connector, isHome } = options;
  const log = domain === undefined ? options.log : options.log.child({ domain });
  const clockSet = Promise.withResolvers<void>();
  let isClockSet = false;

  return {
    domain,
    connector,
    clock: createBrokerClock(),
    get isClockSet() {
      return isClockSet;
    },
    clockSet: clockSet.promise,
    clockIsSet() {
      isClockSet = true;
      clockSet.resolve();
    },
    history: createHistory(),
    stream: createHealthStream(options, log),
    mayCreateStream: isHome,
    watch: createStreamWatch({ ...options, log }),
    manager: (connection) =>
      connection.jetstreamManager({
        checkAPI: false,
        timeout: REQUEST_TIMEOUT_MS,
        ...(domain !== undefined && { domain }),
      }),
  };
}
