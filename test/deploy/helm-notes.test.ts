/** The notes that Helm prints after an installation: their commands name objects that are there. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALERTS } from '../../deploy/prometheus/source/groups.ts';
import { CHART, EXAMPLES, type Example, exampleValues, render, type Values } from '../support/kubernetes/helm.ts';
import { describeWith, tool } from '../support/needs.ts';

await describeWith([tool('helm')], 'the notes', () => {
  let chart: string;

  /** Helm renders notes only where there is a cluster: in a copy of the chart they are an object instead. */
  beforeAll(async () => {
    chart = join(await mkdtemp(join(tmpdir(), 'edgepulse-notes-')), 'edgepulse');
    await cp(CHART, chart, { recursive: true });
    const notes = await readFile(join(CHART, 'templates', 'NOTES.txt'), 'utf8');
    await writeFile(join(chart, 'templates', '_notes.tpl'), `{{- define "notes" -}}\n${notes}\n{{- end -}}`);
    await writeFile(
      join(chart, 'templates', 'notes.yaml'),
      'kind: Notes\nmetadata: { name: notes }\ndata: { text: {{ include "notes" . | toJson }} }\n',
    );
  });
  afterAll(() => rm(join(chart, '..'), { recursive: true, force: true }));

  async function notesOf(values: Values): Promise<{ text: string; names: string[] }> {
    const { objects } = await render(values, chart);
    const text = objects.find(({ kind }) => kind === 'Notes')?.data?.text ?? '';
    return { text, names: objects.map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`) };
  }

  it.each<[Example, number]>([
    [EXAMPLES[0], 1],
    [EXAMPLES[1], 12],
    [EXAMPLES[2], 2],
  ])('of %s: every command names an object of the release, in its namespace', async (name, sets) => {
    const { text, names } = await notesOf(exampleValues(name));
    const named = [...text.matchAll(/(?:statefulset|service)\/[\w-]+/g)].map(([object]) => object);
    expect(named).toHaveLength(sets + 2);
    expect(named.filter((object) => !names.includes(object))).toEqual([]);
    expect([...text.matchAll(/kubectl -n (\S+)/g)].every(([, namespace]) => namespace === 'monitoring-calls')).toBe(
      true,
    );
  });

  it('say what is missing, and nothing where nothing is', async () => {
    const { text: smallest } = await notesOf(exampleValues('smallest'));
    expect(smallest).toContain('set serviceMonitor.enabled');
    expect(smallest).toContain('set metricsToken.existingSecret');
    const { text: production } = await notesOf(exampleValues('production'));
    expect(production).not.toMatch(/\bset \w+/);
    expect(production).toContain('https://edgepulse.example.com');
  });

  it('name the alert whose threshold is another TTL', async () => {
    const values = exampleValues('production');
    const topology = { ...(values.topology as object), sessionTtlSeconds: 60 };
    const { text } = await notesOf({ ...values, topology });
    const [, alert] =
      /The alert (\w+) compares with a TTL of 30 s, and topology.sessionTtlSeconds is 60/.exec(text) ?? [];
    expect(ALERTS.map((known) => known.alert)).toContain(alert);
  });

  it('say how a change of shards ends', async () => {
    const { text } = await notesOf({ ...exampleValues('production'), shards: 8, previousShards: 4 });
    expect(text).toContain('apac is changing from 4 to 8 shards');
  });
});
