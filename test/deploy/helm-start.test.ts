/** Two aggregators with the environment of the chart's pods: Kubernetes' probes, the scrape, and the end of a pod. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exampleValues, type KubernetesObject, ofKind, render, theOne } from '../support/kubernetes/helm.ts';
import { podsOf } from '../support/kubernetes/pods.ts';
import { describeWith, tool } from '../support/needs.ts';
import { eventually } from '../support/poll.ts';
import { type AggregatorProcess, startAggregator } from '../support/processes/aggregator.ts';
import { type NatsServer, startNatsServer } from '../support/processes/nats-server.ts';

await describeWith([tool('helm')], 'an aggregator of the chart', () => {
  let nats: NatsServer;
  let objects: readonly KubernetesObject[];
  let aggregator: AggregatorProcess;

  beforeAll(async () => {
    nats = await startNatsServer();
    const { topology, shards, replicas, metricsToken, serviceMonitor } = exampleValues('production');
    const connection = { url: nats.url };
    // In no domain of its own, as a single server is.
    const regions = ['us-east', 'eu-west', 'apac'];
    const values = { topology: { ...(topology as object), regions }, connection, shards, replicas, metricsToken };
    objects = (await render({ ...values, serviceMonitor })).objects;
    const [pod] = podsOf(objects, { 'edgepulse-metrics/token': 'a-token' }).filter(({ env }) => env.SHARD === '1/4');
    const { HOST, PORT, ...env } = pod?.env ?? {};
    expect([HOST, PORT]).toEqual(['0.0.0.0', `${container().ports[0].containerPort}`]);
    aggregator = await startAggregator({ natsUrl: nats.url, env, untilReady: false });
  });
  afterAll(async () => {
    await aggregator?.stop();
    await nats?.stop();
  });

  function podSpec() {
    return ofKind(objects, 'StatefulSet')[0]?.spec.template.spec;
  }

  function container() {
    return podSpec().containers[0];
  }

  function probe(name: string): Promise<number> {
    return fetch(`${aggregator.url}${container()[name].httpGet.path}`).then(({ status }) => status);
  }

  it('starts, lives and gets ready by its probes, although its peers are not there', async () => {
    expect(await probe('startupProbe')).toBe(200);
    expect(await probe('livenessProbe')).toBe(200);
    await eventually(async () => (await probe('readinessProbe')) === 200);
  });

  it('is scraped as the ServiceMonitor says, with the label of its shard', async () => {
    const [{ path, authorization }] = theOne(objects, 'ServiceMonitor').spec.endpoints;
    const scrape = (headers: Record<string, string>) => fetch(`${aggregator.url}${path}`, { headers });
    expect((await scrape({})).status).toBe(401);
    const answer = await scrape({ authorization: `${authorization.type} a-token` });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/^edgepulse_feed_up\{region="us-east",shard="1\/4"\} 1$/m);
  });

  it('lives on while NATS is away, and is not ready', async () => {
    await nats.kill();
    await eventually(async () => (await probe('readinessProbe')) === 503);
    expect(await probe('livenessProbe')).toBe(200);
  });

  it('ends well within the grace period', async () => {
    const { terminationGracePeriodSeconds } = podSpec();
    const started = performance.now();
    expect(await aggregator.stop()).toMatchObject({ code: 0 });
    expect(performance.now() - started).toBeLessThan((terminationGracePeriodSeconds / 2) * 1000);
  });
});
