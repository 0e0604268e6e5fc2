/** The whole path with real parts, each on a free port: nats-server, the worker in workerd, an aggregator. */
import type { Beacon } from '../../../shared/beacon.ts';
import { testToken } from '../edge/tokens.ts';
import { type AggregatorProcess, startAggregator } from './aggregator.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import { startWorker, type WorkerProcess, type WorkerVars } from './worker.ts';

export type SystemOptions = {
  readonly ttlSeconds?: number;
  readonly workerVars?: WorkerVars;
  readonly aggregatorEnv?: Readonly<Record<string, string>>;
  /** More of nats-server's configuration. */
  readonly natsConfig?: string;
};

export type System = {
  readonly nats: NatsServer;
  readonly worker: WorkerProcess;
  readonly aggregator: AggregatorProcess;
  stop(): Promise<void>;
};

export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { ttlSeconds = 30, workerVars = {}, aggregatorEnv = {}, natsConfig = '' } = options;
  const nats = await startNatsServer({ config: natsConfig });
  const env = { SESSION_TTL_SECONDS: `${ttlSeconds}`, ...aggregatorEnv };
  const [aggregating, working] = await Promise.allSettled([
    startAggregator({ natsUrl: nats.url, env }),
    startWorker({ natsUrl: nats.url, vars: { SESSION_TTL_SECONDS: `${ttlSeconds}`, ...workerVars } }),
  ]);
  if (aggregating.status === 'rejected' || working.status === 'rejected') {
    // Whatever did start must not outlive the test.
    if (aggregating.status === 'fulfilled') await aggregating.value.stop();
    if (working.status === 'fulfilled') await working.value.stop();
    await nats.stop();
    throw aggregating.status === 'rejected' ? aggregating.reason : (working as PromiseRejectedResult).reason;
  }
  const aggregator = aggregating.value;
  const worker = working.value;
  return {
    nats,
    worker,
    aggregator,
    async stop() {
      await Promise.all([worker.stop(), aggregator.stop()]);
      await nats.stop();
    },
  };
}

export type PostOptions = {
  /** The development header's; default `apac`. */
  readonly region?: string;
  /** Default: a valid one for the beacon's session. */
  readonly token?: string;
};

/** Posts a beacon as a page's fetch would. */
export async function postBeacon(
  worker: Pick<WorkerProcess, 'url'>,
  beacon: Beacon,
  { region = 'apac', token }: PostOptions = {},
): Promise<Response> {
  const bearer = token ?? (await testToken({ meeting: beacon.meeting_id, session: beacon.session_id }));
  return fetch(`${worker.url}/v1/beacons`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain', 'x-dev-region': region, authorization: `Bearer ${bearer}` },
    body: JSON.stringify(beacon),
  });
}
