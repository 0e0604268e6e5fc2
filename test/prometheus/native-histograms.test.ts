/** A real Prometheus with native histograms, which asks for protobuf, beside one that reads text from the same aggregator. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { validBeacon } from '../support/edge/beacon.ts';
import { readProtobuf } from '../support/metrics/protobuf-samples.ts';
import { eventually } from '../support/poll.ts';
import { type PrometheusProcess, startPrometheus } from '../support/processes/prometheus.ts';
import { postBeacon, type System, startSystem } from '../support/processes/system.ts';

const PEOPLE = 40;
const RTT = 'edgepulse_live_rtt_seconds';
const ACCEPT = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

let system: System;
let text: PrometheusProcess;
let native: PrometheusProcess;

beforeAll(async () => {
  system = await startSystem({ ttlSeconds: 600 });
  for (let i = 0; i < PEOPLE; i++) {
    await postBeacon(system.worker, validBeacon({ session_id: `s-${i}`, rtt: [0.02 * 1.1 ** i] }));
  }
  await eventually(async () => (await system.aggregator.metrics()).sum('edgepulse_sessions') === PEOPLE);
  text = await startPrometheus([system.aggregator]);
  native = await startPrometheus([system.aggregator], { flags: ['--enable-feature=native-histograms'] });
  await eventually(async () => (await native.query(`histogram_count(${RTT})`)).length > 0);
  await eventually(async () => (await text.query(`${RTT}_count`)).length > 0);
});

afterAll(async () => {
  await native?.stop();
  await text?.stop();
  await system?.stop();
});

async function one(prometheus: PrometheusProcess, expression: string): Promise<number> {
  const results = await prometheus.query(expression);
  expect(results, expression).toHaveLength(1);
  return Number(results[0]?.value[1]);
}

it('reads live distributions as gauge histograms', async () => {
  expect(await one(native, `histogram_count(sum(${RTT}))`)).toBe(PEOPLE);
  const answer = await fetch(`${native.url}/api/v1/metadata?metric=${RTT}`);
  const { data } = (await answer.json()) as { data: Record<string, { type: string }[]> };
  expect(data[RTT]).toMatchObject([{ type: 'gaugehistogram' }]);
});

it.each([0.5, 0.95, 0.99])('computes the quantile %f within a bucket of ours', async (quantile) => {
  const ours = await one(text, `edgepulse_live_rtt_quantile_seconds{q="${quantile}"}`);
  const theirs = await one(native, `histogram_quantile(${quantile}, sum(${RTT}))`);
  // A bucket is 4.4 % wide, a value of ours within 1 %, and between two people 10 % apart Prometheus interpolates.
  expect(Math.abs(theirs - ours) / ours).toBeLessThan(0.055);
});

it('still has every series that it has by text, so that rules and dashboards go on', async () => {
  const names = async ({ url }: PrometheusProcess) => {
    const answer = await fetch(`${url}/api/v1/label/__name__/values`);
    return ((await answer.json()) as { data: string[] }).data;
  };
  const byProtobuf = await names(native);
  expect((await names(text)).filter((name) => !byProtobuf.includes(name))).toEqual([]);
  expect(byProtobuf).toContain(RTT);
  const classic = `histogram_quantile(0.95, sum by (le) (${RTT}_bucket))`;
  expect(await one(native, classic)).toBe(await one(text, classic));
  expect(await native.query('up == 1')).toHaveLength(1);
});

it('writes protobuf only when asked to, compressed when asked to', async () => {
  const url = `${system.aggregator.url}/metrics`;
  expect((await fetch(url)).headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const answer = await fetch(url, { headers: { accept: ACCEPT, 'accept-encoding': 'gzip' } });
  expect(answer.headers.get('content-type')).toContain('application/vnd.google.protobuf');
  expect(answer.headers.get('content-encoding')).toBe('gzip');
  const { natives, samples } = readProtobuf(await answer.bytes());
  expect(natives.find(({ name }) => name === RTT)?.count).toBe(PEOPLE);
  expect(samples.find(({ name }) => name === 'process_cpu_seconds_total')).toBeDefined();
});
