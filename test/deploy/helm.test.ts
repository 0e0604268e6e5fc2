/** What the chart renders for each of its examples: objects that Kubernetes takes, and aggregators that start and are reached. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Config, readConfig } from '../../aggregator/config.ts';
import { ENVIRONMENTS } from '../../aggregator/topology.ts';
import { findKubernetesSchemas } from '../../dev/tools/kubernetes-schemas.ts';
import { KUBERNETES_SCHEMAS } from '../../dev/tools/sources.ts';
import { lanesOf } from '../../shared/subjects.ts';
import {
  CHART,
  EXAMPLES,
  type Example,
  exampleValues,
  helm,
  type KubernetesObject,
  ofKind,
  type Rendered,
  render,
  theOne,
} from '../support/kubernetes/helm.ts';
import { type Kubeconform, startKubeconform } from '../support/kubernetes/kubeconform.ts';
import { matches, type Pod, podsOf } from '../support/kubernetes/pods.ts';
import { describeWith, type Need, tool } from '../support/needs.ts';

const SECRETS = {
  'edgepulse-metrics/token': 'a-token',
  'metrics/token': 'a-token',
  'nats-login/url': 'tls://aggregator:a-password@nats.example.com:4222',
};

const kubernetesSchemas: Need = async () =>
  (await findKubernetesSchemas()) === undefined ? 'Kubernetes’ schemas are not on this machine' : undefined;

const execute = promisify(execFile);
const rendered = new Map<Example, Rendered>();

function objectsOf(name: Example): readonly KubernetesObject[] {
  return rendered.get(name)?.objects ?? [];
}

async function renderExamples(): Promise<void> {
  for (const name of EXAMPLES) rendered.set(name, await render(exampleValues(name)));
}

await describeWith([tool('helm'), tool('kubeconform'), kubernetesSchemas], 'the chart, by Helm and Kubernetes', () => {
  let kubeconform: Kubeconform;

  beforeAll(async () => {
    await renderExamples();
    kubeconform = await startKubeconform();
  });
  afterAll(() => kubeconform.close());

  it.each(EXAMPLES)('helm lint finds nothing in it with %s', async (name) => {
    const { code, stdout } = await helm('lint', '--strict', CHART, '--values', `${CHART}/../examples/${name}.yaml`);
    expect(stdout).not.toMatch(/WARNING|ERROR/);
    expect(code).toBe(0);
  });

  it.each(EXAMPLES.flatMap((name) => KUBERNETES_SCHEMAS.versions.map((version) => [name, version] as const)))(
    '%s is valid for Kubernetes %s',
    async (name, version) => {
      expect(await kubeconform.problems(rendered.get(name)?.text ?? '', version)).toEqual([]);
    },
  );

  it.each([
    ['StatefulSet', 'minReadySeconds', 'minReadySecs'],
    ['ServiceMonitor', 'honorLabels', 'honourLabels'],
    ['PrometheusRule', 'keep_firing_for', 'keepFiringFor'],
  ])('a %s with a member that does not exist is a problem', async (kind, member, misspelt) => {
    const text = rendered.get('production')?.text.replace(`${member}:`, `${misspelt}:`) ?? '';
    const [problem] = await kubeconform.problems(text, '1.37.0');
    expect(problem).toMatch(new RegExp(`^${kind} .*${misspelt}`, 's'));
  });
});

await describeWith([tool('helm')], 'the aggregators of the chart', () => {
  beforeAll(renderExamples);

  function configsOf(name: Example): { pod: Pod; config: Config }[] {
    return podsOf(objectsOf(name), SECRETS).map((pod) => {
      const result = readConfig(pod.env, undefined, { canRead: (path) => pod.files.includes(path) });
      if (!result.ok) throw new Error(`${pod.name}: ${result.problems.join('; ')}`);
      return { pod, config: result.config };
    });
  }

  it.each(EXAMPLES)('%s: each accepts its environment, and it has no variable that it does not read', (name) => {
    for (const { pod } of configsOf(name)) {
      const read = new Set<string | symbol>();
      const watched = new Proxy(pod.env, {
        get: (target, key) => {
          read.add(key);
          return Reflect.get(target, key);
        },
      });
      readConfig(watched, undefined, { canRead: () => true });
      expect(Object.keys(pod.env).filter((variable) => !read.has(variable))).toEqual([]);
    }
  });

  it.each(EXAMPLES)('%s: every lane of every region is read by all replicas of one shard', (name) => {
    const configs = configsOf(name);
    const { topology } = exampleValues(name) as { topology: { regions: (string | { name: string })[] } };
    const regions = topology.regions.map((region) => (typeof region === 'string' ? region : region.name));
    for (const region of regions) {
      const here = configs.filter(({ config }) => config.regions.includes(region));
      const replicas = new Set(here.map(({ pod }) => pod.name.replace(/.*-/, '')));
      for (const replica of replicas) {
        const lanes = here
          .filter(({ pod }) => pod.name.endsWith(`-${replica}`))
          .flatMap(({ config }) => lanesOf(config.shard, config.lanes));
        expect(lanes.toSorted(), `${region}, replica ${replica}`).toEqual(
          lanesOf({ index: 0, count: 1 }, here[0]?.config.lanes ?? 0).toSorted(),
        );
      }
    }
  });

  it.each(ENVIRONMENTS)('has the topology of wrangler.toml, %s, from npm run chart:topology', async (environment) => {
    const { stdout } = await execute(process.execPath, [join(CHART, '..', 'topology.ts'), '--env', environment]);
    const { objects } = await render({ ...parse(stdout), connection: { url: 'nats://nats:4222' } });
    const wrangler = readFileSync(join(CHART, '..', '..', '..', 'wrangler.toml'), 'utf8');
    const env = { ENVIRONMENT: environment, NATS_URL: 'nats://nats:4222' };
    const worker = readConfig(env, wrangler, { canRead: () => true });
    const [pod] = podsOf(objects, {});
    const aggregator = readConfig(pod?.env ?? {}, undefined, { canRead: () => true });
    if (!worker.ok || !aggregator.ok) throw new Error('not a configuration');
    expect(aggregator.config.topology).toBe(worker.config.topology);
  });

  it('production: the region of a pod, its NATS and its label are the same', () => {
    for (const { pod, config } of configsOf('production')) {
      const region = pod.labels['edgepulse/region'] ?? '';
      expect(config.regions).toEqual([region]);
      expect(config.nats.servers).toEqual([0, 1].map((n) => `nats-${n}.${region}.example.com:4222`));
      expect(config.nats.tls).toBe(true);
      expect(config.natsCreds).toBe('/etc/edgepulse/nats-creds/nats.creds');
      expect(config.natsCa).toBe('/etc/edgepulse/nats-ca/ca.crt');
      expect(config.metricsToken).toBe('a-token');
      expect(pod.secrets).toContain(`edgepulse-nats-${region}`);
      expect(pod.labels['edgepulse/shard']).toBe(`${config.shard.index}of${config.shard.count}`);
    }
  });

  it.each([
    [{ fallbackUrl: 'tls://a:1' }, { value: 'tls://a:1' }],
    [{ fallbackUrlSecret: { name: 'nats' } }, { valueFrom: { secretKeyRef: { name: 'nats', key: 'fallback-url' } } }],
    [{}, undefined],
  ])('production, connection %j: the servers of the fallbacks', async (fallback, expected) => {
    const production = exampleValues('production');
    const values = {
      ...production,
      connection: { ...(production.connection as object), fallbackUrl: '', ...fallback },
    };
    for (const { spec } of ofKind((await render(values)).objects, 'StatefulSet')) {
      const { env } = spec.template.spec.containers[0];
      const variable = env.find(({ name }: { name: string }) => name === 'NATS_FALLBACK_URL');
      expect(variable).toEqual(expected && { name: 'NATS_FALLBACK_URL', ...expected });
    }
  });

  it('own-secrets: a login out of a secret, and one aggregator for two regions', () => {
    const configs = configsOf('own-secrets').map(({ config }) => config);
    expect(configs.map(({ nats }) => nats.login)).toEqual(Array(3).fill({ user: 'aggregator', pass: 'a-password' }));
    expect(configs.map(({ regions }) => regions)).toEqual([
      ['eu-west', 'eu-central'],
      ['eu-west', 'eu-central'],
      ['apac'],
    ]);
  });

  it('the board asks every process of all regions, by the name that the headless Service gives it', () => {
    const objects = objectsOf('production');
    const [pods] = ofKind(objects, 'Service').filter(({ spec }) => spec.clusterIP === 'None');
    const addresses = podsOf(objects, SECRETS).map(
      ({ name }) => `http://${name}.${pods?.metadata.name}.monitoring-calls.svc:9464`,
    );
    expect(addresses).toHaveLength(24);
    for (const { config } of configsOf('production')) expect(config.boardPeers).toEqual(addresses);
    for (const set of ofKind(objects, 'StatefulSet')) expect(set.spec.serviceName).toBe(pods?.metadata.name);
    expect(configsOf('smallest').map(({ config }) => config.boardPeers)).toEqual([[]]);
  });

  it('with board.peers region, a board asks those of its own region alone', async () => {
    const { objects } = await render({ ...exampleValues('production'), board: { peers: 'region' } });
    const peers = podsOf(objects, SECRETS).map(({ labels, env }) => [labels['edgepulse/region'], env.BOARD_PEERS]);
    for (const [region = '', list = ''] of peers) {
      expect(list.split(',')).toHaveLength(8);
      expect(list.split(',').every((address) => address.startsWith(`http://calls-edgepulse-${region}-`))).toBe(true);
    }
    const boards = ofKind(objects, 'Service').filter(({ spec }) => spec.clusterIP !== 'None');
    expect(boards.map(({ spec }) => spec.selector['edgepulse/region'])).toEqual(['us-east', 'eu-west', 'apac']);
  });

  it.each(EXAMPLES)('%s: selectors choose the pods that they are for', (name) => {
    const objects = objectsOf(name);
    const pods = podsOf(objects, SECRETS);
    const chosen = (matchLabels: Record<string, string>) =>
      pods.filter(({ labels }) => matches({ matchLabels }, labels));
    for (const { spec, metadata } of ofKind(objects, 'StatefulSet')) {
      const own = pods.filter((pod) => pod.name.replace(/-\d+$/, '') === metadata.name);
      expect(chosen(spec.selector.matchLabels)).toEqual(own);
      for (const { labelSelector } of spec.template.spec.topologySpreadConstraints) {
        expect(chosen(labelSelector.matchLabels)).toEqual(own);
      }
    }
    for (const { spec } of ofKind(objects, 'PodDisruptionBudget')) {
      const shard = new Set(chosen(spec.selector.matchLabels).map(({ env }) => `${env.REGION} ${env.SHARD}`));
      expect([...shard]).toHaveLength(1);
      expect(chosen(spec.selector.matchLabels)).toHaveLength(2);
      expect(spec.maxUnavailable).toBe(1);
    }
    for (const { spec } of ofKind(objects, 'Service')) expect(chosen(spec.selector)).toEqual(pods);
    for (const { spec } of ofKind(objects, 'NetworkPolicy')) expect(chosen(spec.podSelector.matchLabels)).toEqual(pods);
  });

  it('the ServiceMonitor chooses the headless Service alone, and sends the token', () => {
    const objects = objectsOf('production');
    const { spec } = theOne(objects, 'ServiceMonitor');
    const services = ofKind(objects, 'Service').filter(({ metadata }) => matches(spec.selector, metadata.labels));
    expect(services.map(({ spec: { clusterIP } }) => clusterIP)).toEqual(['None']);
    expect(services[0]?.spec.publishNotReadyAddresses).toBe(true);
    const [endpoint] = spec.endpoints;
    expect(endpoint.port).toBe(services[0]?.spec.ports[0].name);
    expect(endpoint.authorization).toEqual({
      type: 'Bearer',
      credentials: { name: 'edgepulse-metrics', key: 'token' },
    });
  });

  it('no pod may do more than it needs, and an update replaces one replica of a shard at a time', () => {
    for (const name of EXAMPLES) {
      for (const { spec } of ofKind(objectsOf(name), 'StatefulSet')) {
        const pod = spec.template.spec;
        expect(spec.updateStrategy).toEqual({ type: 'RollingUpdate' });
        expect(pod.automountServiceAccountToken).toBe(false);
        expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 65532 });
        expect(pod.securityContext.seccompProfile).toEqual({ type: 'RuntimeDefault' });
        expect(pod.containers[0].securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(pod.containers[0].livenessProbe.httpGet.path).toBe('/healthz');
        expect(pod.containers[0].startupProbe.httpGet.path).toBe('/healthz');
        expect(pod.containers[0].readinessProbe.httpGet.path).toBe('/readyz');
      }
    }
  });
});
