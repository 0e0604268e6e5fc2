/** Every alert, by promtool: it fires, it is quiet, and it survives a missed scrape; and its words, with their figures. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anchorOf, DEFAULT_RUNBOOK } from '../../deploy/prometheus/source/files.ts';
import { ALERTS } from '../../deploy/prometheus/source/groups.ts';
import { requireTool } from '../../dev/tools/tools.ts';
import { CALLS_CASES } from './alerts/calls.ts';
import { type AlertCase, type Situation, situationFile, testFile } from './alerts/case.ts';
import { EDGE_CASES } from './alerts/edge.ts';
import { FEED_CASES } from './alerts/feed.ts';
import { SILENCE_SITUATIONS } from './alerts/silence.ts';
import { SLO_CASES } from './alerts/slo.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'deploy', 'prometheus');
const BY_GROUP = { feed: FEED_CASES, calls: CALLS_CASES, edge: EDGE_CASES, slo: SLO_CASES };
const CASES = Object.entries(BY_GROUP).flatMap(([group, cases]) => cases.map((alertCase) => ({ ...alertCase, group })));

let promtool: string;
let folder: string;

beforeAll(async () => {
  promtool = await requireTool('promtool');
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-rules-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('promtool accepts the rules and has no lint', async () => {
  const files = Object.keys(BY_GROUP).map(rulesOf);
  const { code, output } = await run('check', 'rules', '--lint=all', '--lint-fatal', ...files);
  expect(output).not.toMatch(/FAILED|error|duplicate/i);
  expect(code).toBe(0);
});

it('promtool accepts the scrape configuration', async () => {
  expect(await run('check', 'config', join(FOLDER, 'prometheus.yaml'))).toMatchObject({ code: 0 });
});

describe('every alert', () => {
  it('has a case', () => {
    expect(CASES.map(({ alert }) => alert).toSorted()).toEqual(ALERTS.map(({ alert }) => alert).toSorted());
  });

  it.each(CASES)('$alert fires, is quiet, and survives a missed scrape', async (alertCase) => {
    expect(await test(alertCase)).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') });
  });
});

describe('silence', () => {
  it.each<Situation>(SILENCE_SITUATIONS)('$what', async (situation) => {
    const file = join(folder, 'situation.json');
    await writeFile(file, situationFile(situation, ['feed', 'calls', 'edge'].map(rulesOf)));
    expect(await run('test', 'rules', file)).toEqual({ code: 0, output: expect.stringContaining('SUCCESS') });
  });
});

async function test({ group, ...alertCase }: AlertCase & { group: string }) {
  const { alert, reads = [] } = alertCase;
  const severity = ALERTS.find((known) => known.alert === alert)?.severity ?? '';
  const file = join(folder, `${alert}.json`);
  const annotations = { runbook_url: `${DEFAULT_RUNBOOK}#${anchorOf(alert)}` };
  await writeFile(
    file,
    testFile(alertCase, { ruleFiles: [...reads, group].map(rulesOf), labels: { severity }, annotations }),
  );
  return run('test', 'rules', file);
}

function rulesOf(group: string): string {
  return join(FOLDER, 'rules', `${group}.yaml`);
}

function run(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(promtool, args, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, output: stdout + stderr });
    });
  });
}
