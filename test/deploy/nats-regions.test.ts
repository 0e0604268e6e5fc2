/** Regions joined by a hub (deploy/nats): what crosses between them is what an aggregator needs, and nothing else. */
import { AckPolicy, DeliverPolicy, isFlowControlMsg, type NatsConnection, nanos, nuid } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STREAM } from '../../shared/subjects.ts';
import { eventually } from '../support/poll.ts';
import { connectTo, type NatsRegions, startNatsRegions } from '../support/processes/nats-regions.ts';

const MESSAGES = 2_000;

let nats: NatsRegions;
const connections: NatsConnection[] = [];

beforeAll(async () => {
  nats = await startNatsRegions({ regions: ['apac', 'eu-west', 'us-east'] });
  // apac's Forwarders publish through eu-west, whose HEALTH takes any region's subjects.
  const js = (await open(nats.region('eu-west').urlOf('edge-apac'), '_INBOX.edge.apac')).jetstream();
  const text = 'x'.repeat(2_000);
  for (let i = 0; i < MESSAGES; i += 100) {
    await Promise.all(Array.from({ length: 100 }, () => js.publish('health.diagnostics.apac.edge.f01', text)));
  }
});

afterAll(async () => {
  for (const connection of connections) await connection.close();
  await nats?.stop();
});

async function open(url: string, inboxPrefix = '_INBOX'): Promise<NatsConnection> {
  const connection = await connectTo(url, undefined, { inboxPrefix });
  connections.push(connection);
  return connection;
}

const places = (): { readonly [where: string]: string } => ({
  'its own region': nats.region('apac').aggregatorUrl,
  'a third region': nats.region('us-east').urlOf('aggregator-apac'),
  'the hub': nats.hub.urlOf('aggregator-apac'),
  'that region itself': nats.region('eu-west').urlOf('aggregator-apac'),
});

describe("an aggregator reads its region's beacons out of another region's stream", () => {
  it.each(['its own region', 'a third region', 'the hub', 'that region itself'])('connected to %s', async (where) => {
    const connection = await open(places()[where] ?? '', '_INBOX.aggregator');
    const jsm = await connection.jetstreamManager({ checkAPI: false, apiPrefix: '$JS.eu-west.API' });
    expect(await jsm.streams.info(STREAM)).toMatchObject({ state: { messages: MESSAGES } });
    const deliver_subject = `_INBOX.aggregator.${nuid.next()}`;
    const counts = { delivered: 0, flowControls: 0 };
    connection.subscribe(deliver_subject, {
      callback: (_, message) => {
        if (isFlowControlMsg(message)) {
          counts.flowControls += 1;
          message.respond();
        } else if (message.data.length > 0) counts.delivered += 1;
      },
    });
    await jsm.consumers.add(STREAM, {
      name: `aggregator-${nuid.next()}`,
      deliver_subject,
      filter_subject: 'health.diagnostics.apac.edge.f01',
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      flow_control: true,
      idle_heartbeat: nanos(1_000),
      max_deliver: 1,
      mem_storage: true,
    });
    await eventually(() => counts.delivered === MESSAGES);
    expect(counts.flowControls).toBeGreaterThan(0);
  });
});

it("stores a region's beacons in one stream alone, and carries them nowhere else", async () => {
  const heard: string[] = [];
  const listeners = [nats.region('apac').operatorUrl, nats.region('us-east').operatorUrl, nats.hub.urlOf('operator')];
  for (const url of listeners) {
    const connection = await open(url);
    connection.subscribe('health.>', { callback: (_, { subject }) => heard.push(subject) });
    await connection.flush();
  }
  const js = (await open(nats.region('eu-west').urlOf('edge-eu-west'), '_INBOX.edge.eu-west')).jetstream();
  expect(await js.publish('health.diagnostics.eu-west.edge.f00', '{}')).toMatchObject({ domain: 'eu-west' });
  const far = await (await open(nats.region('apac').operatorUrl)).jetstreamManager();
  expect((await far.streams.info(STREAM)).state.messages).toBe(0);
  expect(heard).toStrictEqual([]);
});

describe('over the leaf, not even the operator', () => {
  it.each([
    'STREAM.PURGE.HEALTH',
    'STREAM.DELETE.HEALTH',
    'STREAM.UPDATE.HEALTH',
    'STREAM.CREATE.OTHER',
    'STREAM.NAMES',
  ])('has %s answered by another domain', async (request) => {
    const operator = await open(nats.region('apac').operatorUrl);
    const subject = `$JS.eu-west.API.${request}`;
    await expect(operator.request(subject, '{}', { timeout: 1_000 })).rejects.toMatchObject({ code: '503' });
    const own = await (await open(nats.region('eu-west').operatorUrl)).jetstreamManager();
    expect((await own.streams.info(STREAM)).state.messages).toBeGreaterThanOrEqual(MESSAGES);
  });
});

it('loses the other regions while the leaf is cut, keeps its own, and has them back', async () => {
  const { cutLeaf, healLeaf, aggregatorUrl } = nats.region('apac');
  const connection = await open(aggregatorUrl, '_INBOX.aggregator');
  const look = async (apiPrefix: string) => {
    const jsm = await connection.jetstreamManager({ checkAPI: false, apiPrefix, timeout: 500 });
    return (await jsm.streams.info(STREAM)).config.name;
  };
  cutLeaf();
  await expect(eventually(() => look('$JS.eu-west.API'), { deadlineMs: 300 })).rejects.toThrow();
  expect(await look('$JS.API')).toBe(STREAM);
  await healLeaf();
  expect(await eventually(() => look('$JS.eu-west.API'))).toBe(STREAM);
});
