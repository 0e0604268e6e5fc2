/**
 * The NATS users of deploy/nats/accounts.conf, in real nats-servers: each can do what its job needs, and is tried on what
 * it must not do.
 */
import { readFile } from 'node:fs/promises';
import { AckPolicy, DeliverPolicy, Events, isFlowControlMsg, type NatsConnection, nanos, nuid } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountsConfig } from '../../deploy/nats/source/accounts.ts';
import { STREAM } from '../../shared/subjects.ts';
import { eventually } from '../support/poll.ts';
import { connectTo, type NatsRegion, type NatsRegions, startNatsRegions } from '../support/processes/nats-regions.ts';

type User = 'edge-apac' | 'edge-eu-west' | 'aggregator-apac' | 'operator' | 'rooms';
/** `violations` holds `publish SUBJECT` and `subscription SUBJECT` for all that the server did not allow. */
type Client = { readonly nats: NatsConnection; readonly violations: string[] };

const INBOXES: { readonly [Name in User]?: string } = {
  'edge-apac': '_INBOX.edge.apac',
  'edge-eu-west': '_INBOX.edge.eu-west',
  'aggregator-apac': '_INBOX.aggregator',
};

let nats: NatsRegions;
let region: NatsRegion;
const clients = new Map<User, Client>();

async function connectAs(user: User): Promise<Client> {
  const inboxPrefix = INBOXES[user];
  const nats = await connectTo(region.urlOf(user), undefined, inboxPrefix ? { inboxPrefix } : {});
  const violations: string[] = [];
  void (async () => {
    for await (const { type, permissionContext } of nats.status()) {
      if (type === Events.Error && permissionContext) {
        violations.push(`${permissionContext.operation} ${permissionContext.subject}`);
      }
    }
  })();
  return { nats, violations };
}

function clientOf(user: User): Client {
  const client = clients.get(user);
  if (!client) throw new Error(`${user} is not connected`);
  return client;
}

const operator = () => clientOf('operator').nats.jetstreamManager();
const streamState = async () => (await (await operator()).streams.info(STREAM)).state;

beforeAll(async () => {
  nats = await startNatsRegions({ regions: ['apac', 'eu-west'], hub: false });
  region = nats.region('apac');
  for (const user of ['operator', 'edge-apac', 'edge-eu-west', 'aggregator-apac', 'rooms'] as const) {
    clients.set(user, await connectAs(user));
  }
});

afterAll(async () => {
  for (const { nats } of clients.values()) await nats.close();
  await nats?.stop();
});

async function expectPublishDenied(user: User, subject: string): Promise<void> {
  const { nats, violations } = clientOf(user);
  nats.publish(subject, '{}', { reply: `${INBOXES[user] ?? '_INBOX'}.${nuid.next()}` });
  await nats.flush();
  await eventually(() => violations.includes(`publish ${subject}`));
}

async function expectSubscribeDenied(user: User, subject: string): Promise<void> {
  const { nats, violations } = clientOf(user);
  nats.subscribe(subject, { callback: () => undefined });
  await nats.flush();
  await eventually(() => violations.includes(`subscription ${subject}`));
}

/** All that would change a stream, read one in another way than by an ordered consumer, or list what is there. */
const MANAGEMENT = [
  '$JS.API.STREAM.CREATE.HEALTH',
  '$JS.API.STREAM.CREATE.OTHER',
  '$JS.API.STREAM.UPDATE.HEALTH',
  '$JS.API.STREAM.DELETE.HEALTH',
  '$JS.API.STREAM.PURGE.HEALTH',
  '$JS.API.STREAM.MSG.GET.HEALTH',
  '$JS.API.STREAM.MSG.DELETE.HEALTH',
  '$JS.API.STREAM.SNAPSHOT.HEALTH',
  '$JS.API.STREAM.RESTORE.HEALTH',
  '$JS.API.STREAM.LIST',
  '$JS.API.STREAM.NAMES',
  '$JS.API.STREAM.TEMPLATE.CREATE.T',
  '$JS.API.DIRECT.GET.HEALTH',
  '$JS.API.INFO',
  '$JS.API.CONSUMER.CREATE.HEALTH',
  '$JS.API.CONSUMER.DURABLE.CREATE.HEALTH.c',
  '$JS.API.CONSUMER.DELETE.HEALTH.c',
  '$JS.API.CONSUMER.LIST.HEALTH',
  '$JS.API.CONSUMER.NAMES.HEALTH',
  '$JS.API.CONSUMER.INFO.HEALTH.c',
  '$JS.API.CONSUMER.MSG.NEXT.HEALTH.c',
  '$JS.API.CONSUMER.CREATE.HEALTH.c.health.diagnostics.eu-west.>',
  '$JS.API.CONSUMER.CREATE.HEALTH.c.health.>',
  '$SYS.REQ.SERVER.PING',
  'room.1',
];

describe("a region's Forwarders", () => {
  it.each(['edge.f00', 'forwarder.0'])('publish %s of their region, acknowledged', async (place) => {
    const js = clientOf('edge-apac').nats.jetstream();
    const ack = await js.publish(`health.diagnostics.apac.${place}`, '{}', { msgID: nuid.next() });
    expect(ack).toMatchObject({ stream: STREAM, duplicate: false });
    expect(clientOf('edge-apac').violations).toStrictEqual([]);
  });

  it.each([
    'health.diagnostics.eu-west.edge.f00',
    'health.diagnostics.eu-west.forwarder.0',
    'health.diagnostics.apac.other.f00',
    'health.diagnostics.apac.edge.f00.more',
    'health.diagnostics.apac',
    '_INBOX.edge.eu-west.x',
    '_INBOX.aggregator.x',
    '$JS.API.STREAM.INFO.HEALTH',
    '$JS.API.CONSUMER.CREATE.HEALTH.c.health.diagnostics.apac.>',
    '$JS.FC.HEALTH.c.1',
    '$JS.ACK.HEALTH.c.1.1.1.1.1',
    ...MANAGEMENT,
  ])('may not publish %s', async (subject) => {
    const before = await streamState();
    await expectPublishDenied('edge-apac', subject);
    expect(await streamState()).toStrictEqual(before);
  });

  it.each([
    '>',
    '_INBOX.>',
    '_INBOX.edge.>',
    '_INBOX.edge.eu-west.>',
    'health.>',
    'health.diagnostics.apac.edge.f00',
    '$JS.>',
    '$SYS.>',
  ])('may not subscribe to %s', (subject) => expectSubscribeDenied('edge-apac', subject));

  it("hear nothing of another region's acknowledgements", async () => {
    const heard: string[] = [];
    const { nats } = clientOf('edge-apac');
    nats.subscribe('_INBOX.edge.apac.>', { callback: (_, { subject }) => heard.push(subject) });
    await nats.flush();
    await clientOf('edge-eu-west').nats.jetstream().publish('health.diagnostics.eu-west.edge.f00', '{}');
    await nats.flush();
    expect(heard).toStrictEqual([]);
  });
});

describe('an aggregator', () => {
  it('reads its region in order, with flow control', async () => {
    const messages = 3_000;
    const js = clientOf('edge-apac').nats.jetstream();
    const text = 'x'.repeat(2_000);
    for (let i = 0; i < messages; i += 100) {
      await Promise.all(Array.from({ length: 100 }, () => js.publish('health.diagnostics.apac.edge.f01', text)));
    }
    const { nats, violations } = clientOf('aggregator-apac');
    const jsm = await nats.jetstreamManager({ checkAPI: false });
    const deliver_subject = `_INBOX.aggregator.${nuid.next()}`;
    let delivered = 0;
    let flowControls = 0;
    nats.subscribe(deliver_subject, {
      callback: (_, message) => {
        if (isFlowControlMsg(message)) {
          flowControls += 1;
          message.respond();
        } else if (message.data.length > 0) delivered += 1;
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
    await eventually(() => delivered === messages);
    expect(flowControls).toBeGreaterThan(0);
    expect(violations).toStrictEqual([]);
    expect(await jsm.streams.info(STREAM)).toMatchObject({ config: { name: STREAM } });
  });

  it.each([
    'health.diagnostics.apac.edge.f00',
    'health.diagnostics.apac.forwarder.0',
    '_INBOX.edge.apac.x',
    '$JS.FC.OTHER.c.1',
    '$JS.API.STREAM.INFO.OTHER',
    ...MANAGEMENT,
  ])('may not publish %s', async (subject) => {
    const before = await streamState();
    await expectPublishDenied('aggregator-apac', subject);
    expect((await streamState()).last_seq).toBe(before.last_seq);
  });

  it.each(['>', '_INBOX.>', '_INBOX.edge.apac.>', 'health.>', 'health.diagnostics.apac.edge.*', '$JS.>', 'room.>'])(
    'may not subscribe to %s',
    (subject) => expectSubscribeDenied('aggregator-apac', subject),
  );
});

describe("the rooms' account", () => {
  it.each(['health.diagnostics.apac.edge.f00', '$JS.API.STREAM.INFO.HEALTH', ...MANAGEMENT.slice(0, 5)])(
    'may not publish %s',
    (subject) => expectPublishDenied('rooms', subject),
  );

  it('is another world: what its users say is heard by nobody outside, not even with every permission', async () => {
    const heard: string[] = [];
    const { nats } = clientOf('operator');
    nats.subscribe('room.>', { callback: (_, { subject }) => heard.push(subject) });
    await nats.flush();
    clientOf('rooms').nats.publish('room.1', 'hello');
    await clientOf('rooms').nats.flush();
    await nats.flush();
    expect(heard).toStrictEqual([]);
  });
});

it.each(['edge-apac', 'aggregator-apac'] as const)('%s does not get in without its password', async (user) => {
  const url = region.urlOf(user).replace(/secret-of-[^@]*/, 'x');
  await expect(connectTo(url, undefined, { maxReconnectAttempts: 0 })).rejects.toThrow(/Authorization/);
});

describe('the reply subject of a message, which no permission covers', () => {
  it.each(['health.diagnostics.eu-west.edge.f00', '$JS.API.STREAM.PURGE.HEALTH', '$JS.API.STREAM.DELETE.HEALTH'])(
    "leads a Forwarder's acknowledgement out of its account to nobody: %s",
    async (reply) => {
      const { nats } = clientOf('edge-apac');
      const before = await streamState();
      nats.publish('health.diagnostics.apac.edge.f00', '{}', { reply });
      await nats.flush();
      // An acknowledged message comes after: whatever the first acknowledgement could do, it has done.
      await nats.jetstream().publish('health.diagnostics.apac.edge.f00', '{}');
      const after = await streamState();
      expect([after.messages, after.last_seq]).toStrictEqual([before.messages + 2, before.last_seq + 2]);
    },
  );
});

it('is documented as it is', async () => {
  const quoted = [...(await readFile('docs/security.md', 'utf8')).matchAll(/```nats\n(.*?)```/gs)].map(
    ([, text]) => text,
  );
  expect(quoted).toHaveLength(2);
  for (const text of quoted) expect(accountsConfig(['apac'])).toContain(text);
});
