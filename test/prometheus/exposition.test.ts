/** A real Prometheus scrapes the aggregator, and promtool reads what it exposes. */
import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireTool } from '../../dev/tools/tools.ts';
import { validBeacon } from '../support/edge/beacon.ts';
import { startFeeder } from '../support/edge/feeder.ts';
import { eventually } from '../support/poll.ts';
import { startAggregator } from '../support/processes/aggregator.ts';
import { type PrometheusProcess, startPrometheus } from '../support/processes/prometheus.ts';
import { postBeacon, type System, startSystem } from '../support/processes/system.ts';

let system: System;
let prometheus: PrometheusProcess;

beforeAll(async () => {
  system = await startSystem({ ttlSeconds: 600 });
  // Every family has something to say: a W3C client, a NetEQ client, a rejected beacon.
  await postBeacon(system.worker, validBeacon({ seq: 0 }));
  await postBeacon(system.worker, validBeacon({ seq: 1 }));
  const neteq = { buffer: 0.06, operations_per_second: { normal: 97, expand: 1, accelerate: 2 } };
  await postBeacon(system.worker, validBeacon({ session_id: 's-2', peers: [{ peer_id: 's-1', neteq }] }));
  await postBeacon(system.worker, validBeacon({ session_id: 's-3' }), { token: 'x' });
  await eventually(async () => {
    const metrics = await system.aggregator.metrics();
    return metrics.sum('edgepulse_sessions') === 2;
  });
  prometheus = await startPrometheus([system.aggregator]);
});

afterAll(async () => {
  await prometheus?.stop();
  await system?.stop();
});

it('scrapes without an error', async () => {
  await eventually(async () =>
    (await prometheus.query('count_over_time(up[1m])')).some(({ value }) => Number(value[1]) >= 3),
  );
  expect((await prometheus.query('min_over_time(up[1m])')).map(({ value }) => value[1])).toEqual(['1']);
  const answer = await fetch(`${prometheus.url}/api/v1/targets`);
  const { data } = (await answer.json()) as { data: { activeTargets: { health: string; lastError: string }[] } };
  expect(data.activeTargets).toMatchObject([{ health: 'up', lastError: '' }]);
});

it('reads the same as /metrics says', async () => {
  const metrics = await system.aggregator.metrics();
  const [scraped] = await eventually(async () => {
    const result = await prometheus.query('sum(edgepulse_live_rtt_seconds_count)');
    return result.length > 0 ? result : undefined;
  });
  expect(Number(scraped?.value[1])).toBe(metrics.sum('edgepulse_live_rtt_seconds_count'));
  const [median] = await prometheus.query('histogram_quantile(0.5, sum by (le) (edgepulse_live_rtt_seconds_bucket))');
  expect(Number(median?.value[1])).toBeGreaterThan(0.05);
  expect(Number(median?.value[1])).toBeLessThan(0.1);
  const names = new Set(metrics.samples.map(({ name }) => name));
  const known = await fetch(`${prometheus.url}/api/v1/label/__name__/values`);
  const { data } = (await known.json()) as { data: string[] };
  expect([...names].filter((name) => !data.includes(name))).toEqual([]);
});

it('promtool has nothing to say about /metrics', async () => {
  const text = await (await fetch(`${system.aggregator.url}/metrics`)).text();
  expect(text).toContain('\nedgepulse_sessions{');
  expect(await checkMetrics(text)).toEqual({ code: 0, output: '' });
});

it('reads the name of a server with a quote in it, which a URL may have', async () => {
  const url = 'https://media."quoted".example.com';
  const natsUrl = system.nats.url;
  const aggregator = await startAggregator({ natsUrl, env: { SERVERS: `${url},https://other.example.com` } });
  const feeder = await startFeeder(natsUrl);
  try {
    await feeder.send({}, { session_id: 's-quoted', server: { url: `${url}/x?y`, type: 'webrtc' } });
    const metrics = await eventually(async () => {
      const scraped = await aggregator.metrics();
      return scraped.value('edgepulse_sessions', { server_url: url }) === 1 ? scraped : undefined;
    });
    expect(metrics.value('edgepulse_session_rtt_seconds', { server_url: url, session_id: 's-quoted' })).toBe(0.079);
    const text = await (await fetch(`${aggregator.url}/metrics`)).text();
    expect(await checkMetrics(text)).toEqual({ code: 0, output: '' });
  } finally {
    await feeder.close();
    await aggregator.stop();
  }
});

async function checkMetrics(text: string): Promise<{ code: number | null; output: string }> {
  const promtool = await requireTool('promtool');
  return await new Promise((resolve) => {
    const child = execFile(promtool, ['check', 'metrics'], (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr });
    });
    child.stdin?.end(text);
  });
}
