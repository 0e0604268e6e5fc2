/** Values that can't be right: each gets a line that says which one, and what is wrong with it. */
import { expect, it } from 'vitest';
import { exampleValues, refusal, type Values } from '../support/kubernetes/helm.ts';
import { describeWith, tool } from '../support/needs.ts';

const TOPOLOGY = { regions: ['eu-west', 'apac'], servers: ['https://media.example.com'], lanes: 4 };
const GOOD: Values = { topology: TOPOLOGY, connection: { url: 'nats://nats:4222' } };

/** Values over {@link GOOD}, and the line that Helm answers. */
const BETWEEN_VALUES: [Values, string][] = [
  [{ topology: {} }, 'topology.regions: is empty; list the REGIONS of the worker'],
  [{ topology: { ...TOPOLOGY, regions: ['apac', 'apac'] } }, 'topology.regions: lists a region twice'],
  [{ connection: {} }, 'connection: region eu-west has neither url nor urlSecret.name'],
  [{ connection: { url: 'nats://a', urlSecret: { name: 'b' } } }, 'region apac has url and urlSecret.name'],
  [
    { connection: { url: 'nats://a', fallbackUrl: 'nats://b', fallbackUrlSecret: { name: 'c' } } },
    'region apac has fallbackUrl and fallbackUrlSecret.name',
  ],
  [
    { connection: { url: 'tls://a', ca: { secret: 'b', configMap: 'c' } } },
    'connection.ca: region apac has secret and configMap; set one of them',
  ],
  [{ shards: 8 }, 'shards: region eu-west has 8, and topology.lanes is 4; a lane belongs to one shard'],
  [{ previousShards: 8 }, 'previousShards: region eu-west has 8, and topology.lanes is 4'],
  [{ shards: 2, previousShards: 2 }, 'previousShards: region apac has 2, which shards is too'],
  [{ regions: [{ name: 'mars' }] }, 'regions: mars is not in topology.regions (eu-west, apac)'],
  [{ regions: [{ name: 'apac' }, { name: 'all', consumes: ['eu-west', 'apac'] }] }, 'regions: apac is consumed twice'],
  [{ regions: [{ name: 'apac', shards: 2 }, { name: 'eu-west' }] }, 'board.peers: all needs equally many shards'],
  [{ board: { peers: 'none' } }, 'board.peers: none shows one process of the 2 that have the figures'],
  [
    { topology: { ...TOPOLOGY, lanes: 64 }, shards: 64, replicas: 2 },
    'board.peers: 256 processes, and a board asks at',
  ],
  [{ board: { ingress: { enabled: true } } }, 'board.ingress.host: is required with board.ingress.enabled'],
  [
    { board: { ingress: { enabled: true, host: 'a.example.com' } } },
    'board.ingress: would show everybody who is in which meeting; set metricsToken.existingSecret',
  ],
  [
    { board: { peers: 'region', ingress: { enabled: true, host: 'a', authenticatedElsewhere: true } } },
    'board.ingress: with board.peers region there is a board for each region',
  ],
  [{ fullnameOverride: 'f'.repeat(46) }, 'would have more than 52 characters; set a shorter one'],
  [
    { serviceMonitor: { metricRelabelings: [{ targetLabel: 'shard', replacement: 'x' }] } },
    'serviceMonitor.metricRelabelings: must not set the label shard',
  ],
  [
    { serviceMonitor: { metricRelabelings: [{ action: 'labeldrop', regex: 'sh.*' }] } },
    'serviceMonitor.metricRelabelings: must not drop the label shard',
  ],
  [
    { serviceMonitor: { relabelings: [{ action: 'labelmap', regex: '__meta_kubernetes_pod_label_(.+)' }] } },
    'serviceMonitor.relabelings: labelmap may change the label shard',
  ],
];

/** What the schema alone decides. */
const SINGLE_VALUES: [Values, string][] = [
  [{ shrads: 2 }, "at '': additional properties 'shrads' not allowed"],
  [{ shards: 0 }, "at '/shards': minimum: got 0, want 1"],
  [{ replicas: 'two' }, "at '/replicas': got string, want integer"],
  [{ logLevel: 'loud' }, "at '/logLevel': value must be one of 'fatal', 'error', 'warn'"],
  [{ connection: { url: 'https://nats' } }, "at '/connection/url': 'https://nats' does not match pattern"],
  [{ topology: { ...TOPOLOGY, regions: ['EU'] } }, "at '/topology/regions/0': 'EU' does not match pattern"],
  [{ topology: { ...TOPOLOGY, regions: [{ name: 'eu' }] } }, "missing properties 'latitude', 'longitude'"],
  [{ topology: { ...TOPOLOGY, sessionTtlSeconds: 0 } }, "at '/topology/sessionTtlSeconds': minimum: got 0, want 1"],
  [{ topology: { ...TOPOLOGY, lanes: 257 } }, "at '/topology/lanes': maximum: got 257, want 256"],
  [{ limits: { maxSessions: 1e8 } }, "at '/limits/maxSessions': maximum:"],
  [{ image: { digest: 'latest' } }, "at '/image/digest': 'latest' does not match pattern"],
  [{ extraEnv: [{ name: 'SHARD', value: '0/1' }] }, "at '/extraEnv/0/name': 'not' failed"],
  [{ board: { extraPeers: ['http://user:password@a'] } }, "at '/board/extraPeers/0'"],
  [{ networkPolicy: { scrapeFrom: [{}] } }, "at '/networkPolicy/scrapeFrom/0': minProperties: got 0, want 1"],
  [{ resources: { limit: {} } }, "at '/resources': additional properties 'limit' not allowed"],
];

await describeWith([tool('helm')], 'wrong values', () => {
  it('are none of those that the others are put over', async () => {
    expect(await refusal(GOOD)).toEqual([]);
  });

  it.each([...BETWEEN_VALUES, ...SINGLE_VALUES])('%j', async (values, message) => {
    const lines = await refusal({ ...GOOD, ...values });
    expect(lines.filter((line) => line.includes(message))).not.toEqual([]);
  });

  it('are all named at once', async () => {
    const lines = await refusal({ ...GOOD, shards: 8, connection: {}, regions: [{ name: 'mars' }] });
    expect(lines.map((line) => line.split(':')[0])).toEqual(['regions', 'shards', 'connection']);
  });

  it('are not to be found in an example', async () => {
    expect(await refusal({ ...exampleValues('production'), board: { peers: 'region' } })).toEqual([]);
  });
});
