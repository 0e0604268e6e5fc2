/** A cluster of three in each region, joined by a hub, with TLS everywhere, from the files of deploy/nats. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../deploy/nats/source/authority.ts';
import { STREAM } from '../../shared/subjects.ts';
import { eventually } from '../support/poll.ts';
import { connectTo, type NatsRegions, startNatsRegions } from '../support/processes/nats-regions.ts';

let nats: NatsRegions;

beforeAll(async () => {
  nats = await startNatsRegions({ regions: ['apac', 'eu-west'], clusterSize: 3, tls: true });
}, 90_000);
afterAll(() => nats?.stop());

it('keeps the stream in three replicas', async () => {
  const operator = await connectTo(nats.region('apac').operatorUrl, nats.authority);
  const manager = await operator.jetstreamManager();
  const { config, cluster } = await manager.streams.info(STREAM);
  expect(config.num_replicas).toBe(3);
  expect(cluster?.replicas).toHaveLength(2);
  await operator.close();
});

it("reads a region's stream from another region", async () => {
  const urls = nats.region('eu-west').urlOf('aggregator-apac');
  const aggregator = await connectTo(urls, nats.authority, { inboxPrefix: '_INBOX.aggregator' });
  const manager = await aggregator.jetstreamManager({ checkAPI: false, apiPrefix: '$JS.apac.API' });
  expect((await eventually(() => manager.streams.info(STREAM))).config.name).toBe(STREAM);
  await aggregator.close();
});

describe('lets nobody in', () => {
  it('without TLS', async () => {
    const urls = nats.region('apac').operatorUrl.replaceAll('tls://', 'nats://');
    await expect(connectTo(urls, createAuthority('somebody else'), { maxReconnectAttempts: 0 })).rejects.toThrow();
  });
});
