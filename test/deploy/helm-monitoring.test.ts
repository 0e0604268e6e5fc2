/** The chart's rules, dashboards and scrape: what Prometheus and Grafana get is what deploy/prometheus and deploy/grafana have. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { DEFAULT_RUNBOOK } from '../../deploy/prometheus/source/files.ts';
import { requireTool } from '../../dev/tools/tools.ts';
import packageJson from '../../package.json' with { type: 'json' };
import {
  CHART,
  exampleValues,
  helm,
  type KubernetesObject,
  ofKind,
  render,
  theOne,
} from '../support/kubernetes/helm.ts';
import { describeWith, tool } from '../support/needs.ts';
import { eventually } from '../support/poll.ts';
import { startPrometheus } from '../support/processes/prometheus.ts';

const DEPLOY = join(CHART, '..', '..');
const RULES = join(DEPLOY, 'prometheus', 'rules');
const DASHBOARDS = join(DEPLOY, 'grafana', 'dashboards');
const RUNBOOK = 'https://wiki.example.com/edgepulse/runbook';
const BOARD = 'https://edgepulse.example.com';

const execute = promisify(execFile);

async function serve(text: string): Promise<{ url: string; close(): Promise<unknown> }> {
  const server = createServer((_, response) => response.setHeader('content-type', 'text/plain').end(text));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    return once(server.close(), 'close');
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

await describeWith([tool('helm')], 'what the chart gives to Prometheus and Grafana', () => {
  let folder: string;
  let production: readonly KubernetesObject[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edgepulse-chart-'));
    production = (await render(exampleValues('production'))).objects;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are the rules of deploy/prometheus, with their templates, whose links lead to the runbook', async () => {
    const { groups } = theOne(production, 'PrometheusRule').spec;
    const files = readdirSync(RULES).toSorted();
    const expected = files.flatMap((file) => {
      const text = readFileSync(join(RULES, file), 'utf8').replaceAll(DEFAULT_RUNBOOK, RUNBOOK);
      return parse(text).groups;
    });
    expect(groups).toEqual(expected);
    expect(JSON.stringify(groups)).toContain('{{ $labels.region }}');
    expect(JSON.stringify(groups)).toContain(`${RUNBOOK}#edgepulsefeeddown`);
  });

  it('pass promtool', async () => {
    const file = join(folder, 'rules.yaml');
    await writeFile(file, stringify({ groups: theOne(production, 'PrometheusRule').spec.groups }));
    const { stdout } = await execute(await requireTool('promtool'), ['check', 'rules', '--lint-fatal', file]);
    expect(stdout).toContain('SUCCESS');
  });

  it('are the dashboards of deploy/grafana, whose links open the board, with the label of the sidecar', () => {
    const maps = ofKind(production, 'ConfigMap');
    const expected = readdirSync(DASHBOARDS)
      .toSorted()
      .map((file) => ({
        [file]: readFileSync(join(DASHBOARDS, file), 'utf8').replaceAll('http://127.0.0.1:9464', BOARD),
      }));
    expect(maps.map(({ data }) => data)).toEqual(expected);
    expect(maps.map(({ metadata }) => metadata.labels.grafana_dashboard)).toEqual(expected.map(() => '1'));
    expect(JSON.stringify(maps)).toContain(BOARD);
    expect(JSON.stringify(maps)).toContain('{{region}}');
  });

  it('are in the package too, which fits into the secret that Helm keeps of a release', async () => {
    const { code, stdout } = await helm('package', CHART, '--destination', folder);
    expect(code).toBe(0);
    const archive = stdout.trim().replace(/^.*: /, '');
    const { objects } = await render(exampleValues('production'), archive);
    expect(objects).toEqual(production);
    // 1 MiB for all of the secret; the release has the templates, the files and what was rendered of them, compressed.
    const { stdout: listing } = await execute('tar', ['tzf', archive]);
    expect(listing).toContain('edgepulse/values.schema.json');
    expect(readFileSync(archive).length).toBeLessThan(150_000);
  });

  it('have the version of the package', () => {
    const { version, appVersion } = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    expect([version, appVersion]).toEqual([packageJson.version, packageJson.version]);
  });

  it('scrape the job that the rules read, and leave the labels of the series as they are', () => {
    const [endpoint] = theOne(production, 'ServiceMonitor').spec.endpoints;
    expect(endpoint.honorLabels).toBe(true);
    expect(endpoint.relabelings).toEqual([{ action: 'replace', targetLabel: 'job', replacement: 'edgepulse' }]);
    expect(endpoint.metricRelabelings).toBeUndefined();
  });

  it('keep the shard of a series where a target has a label of that name', async () => {
    const [endpoint] = theOne(production, 'ServiceMonitor').spec.endpoints;
    const served = await Promise.all(['0/2', '1/2'].map((shard) => serve(`edgepulse_sessions{shard="${shard}"} 3\n`)));
    const targets = served.map(({ url }) => ({ url, labels: { shard: 'of the target', region: 'of the target' } }));
    const prometheus = await startPrometheus(targets, { honorLabels: endpoint.honorLabels });
    try {
      const shards = await eventually(async () => {
        const found = await prometheus.query('count by (shard, exported_shard) (edgepulse_sessions)');
        return found.length === 2 && found.map(({ metric }) => metric);
      });
      expect(shards).toEqual(expect.arrayContaining([{ shard: '0/2' }, { shard: '1/2' }]));
    } finally {
      await prometheus.stop();
      for (const { close } of served) await close();
    }
  });

  it('while shards change, scrape and show the previous ones, and the new ones start beside them', async () => {
    const { objects } = await render({ ...exampleValues('production'), shards: 8, previousShards: 4 });
    const sets = ofKind(objects, 'StatefulSet').map(({ metadata }) => metadata.name);
    expect(sets.filter((name) => name.includes('apac'))).toEqual([
      ...Array.from({ length: 8 }, (_, shard) => `calls-edgepulse-apac-${shard}of8`),
      ...Array.from({ length: 4 }, (_, shard) => `calls-edgepulse-apac-${shard}of4`),
    ]);
    const before = ofKind(production, 'StatefulSet');
    for (const set of before) expect(objects).toContainEqual(set);
    const [endpoint] = theOne(objects, 'ServiceMonitor').spec.endpoints;
    expect(
      endpoint.relabelings.slice(1).map(({ action, regex }: Record<string, string>) => `${action} ${regex}`),
    ).toEqual(['drop us-east;8', 'drop eu-west;8', 'drop apac;8']);
    const [board] = ofKind(objects, 'Service').filter(({ metadata }) => metadata.name.endsWith('board'));
    expect(board?.spec.selector['edgepulse/shards']).toBe('4');
  });
});
