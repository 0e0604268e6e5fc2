/** The chart edgepulse-with-nats, with a stand-in for NATS' own chart, which has to be downloaded. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { CHART, type KubernetesObject, ofKind, refusal, render, theOne } from '../support/kubernetes/helm.ts';
import { matches, podsOf } from '../support/kubernetes/pods.ts';
import { describeWith, tool } from '../support/needs.ts';

const WITH_NATS = join(CHART, '..', 'edgepulse-with-nats');
const EDGEPULSE = { topology: { regions: ['eu-west'], servers: [] } };

/** As NATS' chart names and labels them. */
const STAND_IN = `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-nats
spec:
  selector:
    app.kubernetes.io/name: nats
    app.kubernetes.io/instance: {{ .Release.Name }}
    app.kubernetes.io/component: nats
  ports: [{ name: nats, port: 4222 }]
`;

type Dependency = { readonly name: string; readonly version: string; readonly repository: string };

async function chartOf(folder: string): Promise<{ version: string; dependencies: Dependency[] }> {
  return parse(await readFile(join(folder, 'Chart.yaml'), 'utf8'));
}

await describeWith([tool('helm')], 'edgepulse with NATS in its release', () => {
  let chart: string;

  beforeAll(async () => {
    chart = join(await mkdtemp(join(tmpdir(), 'edgepulse-with-nats-')), 'edgepulse-with-nats');
    await cp(WITH_NATS, chart, { recursive: true });
    await cp(CHART, join(chart, 'charts', 'edgepulse'), { recursive: true });
    const { dependencies } = await chartOf(WITH_NATS);
    const nats = join(chart, 'charts', 'nats');
    const { name = '', version = '' } = dependencies.find((dependency) => dependency.name === 'nats') ?? {};
    await mkdir(join(nats, 'templates'), { recursive: true });
    await writeFile(join(nats, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: ${version}\n`);
    await writeFile(join(nats, 'templates', 'service.yaml'), STAND_IN);
  });
  afterAll(() => rm(join(chart, '..'), { recursive: true, force: true }));

  function natsOf(objects: readonly KubernetesObject[]): KubernetesObject | undefined {
    return ofKind(objects, 'Service').find(({ metadata }) => metadata.name.endsWith('-nats'));
  }

  it('pins both', async () => {
    const { version, dependencies } = await chartOf(WITH_NATS);
    expect(version).toBe(packageJson.version);
    expect(dependencies).toMatchObject([
      { name: 'edgepulse', version: packageJson.version },
      { name: 'nats', version: expect.stringMatching(/^\d+\.\d+\.\d+$/), condition: 'nats.enabled' },
    ]);
  });

  it('connects the aggregators to that NATS, and lets them reach it and no other', async () => {
    const { objects } = await render({ edgepulse: EDGEPULSE }, chart);
    const nats = natsOf(objects);
    const [pod] = podsOf(objects, {});
    expect(pod?.env.NATS_URL).toBe(`nats://${nats?.metadata.name}:4222`);
    const [, { to }] = theOne(objects, 'NetworkPolicy').spec.egress;
    expect(to).toHaveLength(1);
    expect(matches(to[0].podSelector, nats?.spec.selector)).toBe(true);
  });

  it('leaves NATS out where it is not enabled', async () => {
    const edgepulse = { ...EDGEPULSE, connection: { url: 'nats://elsewhere:4222' } };
    const { objects } = await render({ nats: { enabled: false }, edgepulse }, chart);
    expect(natsOf(objects)).toBeUndefined();
    expect(podsOf(objects, {}).map(({ env }) => env.NATS_URL)).toEqual(['nats://elsewhere:4222']);
  });

  it('checks the values of edgepulse as the chart alone does', async () => {
    expect(await refusal({ edgepulse: { ...EDGEPULSE, shrads: 2 } }, chart)).toContainEqual(
      expect.stringContaining("additional properties 'shrads' not allowed"),
    );
    const lines = await refusal({ edgepulse: { ...EDGEPULSE, shards: 8 } }, chart);
    expect(lines).toContainEqual(expect.stringContaining('shards: region eu-west has 8, and topology.lanes is 4'));
  });

  it('has an example that renders', async () => {
    const values = parse(await readFile(join(CHART, '..', 'examples', 'with-nats.yaml'), 'utf8'));
    const { objects } = await render(values, chart);
    const [pod] = podsOf(objects, { 'nats-login/url': 'tls://aggregator-eu-west:secret@nats.example.com:4222' });
    expect(pod?.env).toMatchObject({ REGION: 'eu-west', NATS_URL: expect.stringContaining('tls://') });
  });
});
