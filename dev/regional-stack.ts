/**
 * Several regions on this machine: a nats-server and an aggregator for each, their hub, and one worker, which publishes
 * through the NATS of the region that a beacon is from.
 */
import type { Region } from '../shared/regions.ts';
import { joinRegions } from './joined-regions.ts';
import { withoutLogin } from './nats-probe.ts';
import { startRegionalNats } from './regional-nats.ts';
import { type Addresses, programEnv, type StackOptions, startAggregator, startWorker } from './stack.ts';

/** Starts everything and resolves when beacons can be posted and metrics read. @throws when a part does not come up */
export async function startRegionalStack(options: StackOptions, rows: readonly Region[]): Promise<Addresses> {
  const { settings, children, folder, env, report } = options;
  const { ttlSeconds } = settings;
  const regions = rows.map(({ name }) => name);
  const nats = await startRegionalNats({ regions, ttlSeconds, children, folder, env: programEnv(env), report });
  const REGIONS = JSON.stringify(joinRegions(rows, (region) => nats.urlOf(region, `edge-${region}`)));
  // Whichever board somebody opens shows all regions.
  const portOf = (region: string) => settings.aggregatorPort + regions.indexOf(region);
  const peersOf = (region: string) => regions.filter((other) => other !== region).map(portOf);
  report('starting an aggregator for each, and the worker');
  const [worker, ...aggregators] = await Promise.all([
    startWorker(options, { REGIONS }),
    ...regions.map((region) => {
      const own = {
        REGIONS,
        REGION: region,
        NATS_URL: nats.urlOf(region, `aggregator-${region}`),
        NATS_FALLBACK_URL: nats.hubUrlOf(`aggregator-${region}`),
        PORT: `${portOf(region)}`,
        BOARD_PEERS: peersOf(region)
          .map((port) => `http://127.0.0.1:${port}`)
          .join(','),
      };
      return startAggregator(options, own, `aggregator ${region}`);
    }),
  ]);
  const addresses = regions.map((region, i) => ({
    region,
    aggregator: aggregators[i] as string,
    nats: withoutLogin(nats.urlOf(region, 'operator')),
    natsOperator: nats.urlOf(region, 'operator'),
    natsPid: nats.pidOf(region),
  }));
  const [first] = addresses;
  return { worker, aggregator: first?.aggregator ?? '', nats: first?.nats ?? '', regions: addresses };
}
