/** Faults of NATS under load: what was accepted is stored, once, and counted once. */
import { DiscardPolicy } from 'nats';
import { afterEach, expect, it } from 'vitest';
import { STREAM, STREAM_SUBJECTS } from '../../shared/subjects.ts';
import { expectBalanced, readAccount, sum } from '../support/edge/account.ts';
import { createEdgeClients, type EdgeClients } from '../support/edge/clients.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import {
  connectTo,
  type NatsRegion,
  type NatsRegions,
  type NatsRegionsOptions,
  startNatsRegions,
} from '../support/processes/nats-regions.ts';
import { startWorker, type WorkerProcess } from '../support/processes/worker.ts';

const RESTARTED_MS = 30_000;
/** A publish whose acknowledgement was lost with a leader is tried again after 30 s, and keeps its lane until then. */
const BALANCED_MS = 60_000;

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

type Path = {
  readonly nats: NatsRegions;
  readonly region: NatsRegion;
  readonly worker: WorkerProcess;
  readonly clients: EdgeClients;
};

/** One region that stands alone, and the worker that publishes to it as the region's Forwarders. */
async function path(options: Omit<NatsRegionsOptions, 'regions'>): Promise<Path> {
  const nats = await startNatsRegions({ regions: ['apac'], hub: false, ...options });
  endings.push(() => nats.stop());
  const region = nats.region('apac');
  const worker = await startWorker({ natsUrl: region.edgeUrl });
  endings.push(() => worker.stop());
  return { nats, region, worker, clients: await createEdgeClients(worker, ['apac']) };
}

async function aggregatorOf(region: NatsRegion): Promise<AggregatorProcess> {
  const env = { REGION: 'apac', SESSION_TTL_SECONDS: '60' };
  const aggregator = await startAggregator({ natsUrl: region.aggregatorUrl, env });
  endings.push(() => aggregator.kill());
  return aggregator;
}

/** As a rolling update waits for a server to be ready before it stops the next one. */
async function untilReplicated({ operatorUrl }: NatsRegion): Promise<void> {
  const operator = await connectTo(operatorUrl);
  try {
    const { streams } = await operator.jetstreamManager({ checkAPI: false, timeout: 1_000 });
    await eventually(
      async () => {
        const { cluster } = await streams.info(STREAM);
        const replicas = cluster?.replicas ?? [];
        return cluster?.leader !== undefined && replicas.length === 2 && replicas.every(({ current }) => current);
      },
      { deadlineMs: RESTARTED_MS, intervalMs: 200 },
    );
  } finally {
    await operator.close();
  }
}

it('loses nothing and counts nothing twice while the three servers of a cluster are restarted, one after another', async () => {
  const { region, clients } = await path({ clusterSize: 3 });
  const aggregator = await aggregatorOf(region);
  clients.startLoad(100);
  await eventually(() => clients.answers().size > 100);
  for (const server of region.servers) {
    await server.stop();
    await server.restart();
    await untilReplicated(region);
  }
  await clients.stopLoad();
  expect(new Set(clients.answers().values())).toStrictEqual(new Set([204]));
  const { beacons } = await expectBalanced(region.operatorUrl, clients, BALANCED_MS);
  await eventually(
    async () => (await aggregator.metrics()).sum('edgepulse_beacons_total', { outcome: 'applied' }) === beacons.length,
    { deadlineMs: RESTARTED_MS },
  );
  const metrics = await aggregator.metrics();
  expect(metrics.sum('edgepulse_beacons_total')).toBe(beacons.length);
  await eventually(
    async () =>
      (await aggregator.metrics()).sum('edgepulse_edge_beacons_total', { outcome: 'accepted' }) === beacons.length,
  );
}, 150_000);

it('spools while JetStream has no space left, names that, and stores all of it once there is', async () => {
  const { region, worker, clients } = await path({ maxFileStore: '1M', streams: false });
  const operator = await connectTo(region.operatorUrl);
  endings.push(() => operator.close());
  const { streams } = await operator.jetstreamManager();
  // What fills the disk is somebody else's.
  await streams.add({ name: 'OTHER', subjects: ['other'], discard: DiscardPolicy.Old });
  await streams.add({ name: STREAM, subjects: [STREAM_SUBJECTS] });
  const js = operator.jetstream();
  await expect(
    (async () => {
      for (;;) await js.publish('other', new Uint8Array(100_000));
    })(),
  ).rejects.toMatchObject({ api_error: { description: 'insufficient resources' } });
  await clients.post(60);
  expect(new Set(clients.answers().values())).toStrictEqual(new Set([204]));
  const line = await eventually(() =>
    worker
      .log()
      .split('\n')
      .find((text) => text.includes('publish to NATS failed')),
  );
  expect(line).toContain('"fault":"storage"');
  expect((await readAccount(region.operatorUrl)).beacons).toHaveLength(0);
  await streams.delete('OTHER');
  await expectBalanced(region.operatorUrl, clients);
  await eventually(
    async () => sum((await readAccount(region.operatorUrl)).forwarders, ({ drained }) => drained) === 60,
  );
}, 60_000);
