/** The systemd units: systemd accepts them, they hold what they run, and each app accepts the settings of its example. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { readConfig as readAggregatorConfig } from '../../aggregator/config.ts';
import { readWranglerVars } from '../../aggregator/topology.ts';
import { readConfig as readWorkerConfig } from '../../worker/config.ts';
import { namesInEnvText, readEnvText } from '../support/env-text.ts';
import { describeWith, type Need } from '../support/needs.ts';

const run = promisify(execFile);
const FOLDER = 'deploy/systemd';
/** Of 10, by `systemd-analyze security`: what is left is the network, and machine code that V8 writes. */
const EXPOSURE_MAX = 2;

const read = (name: string) => readFile(join(FOLDER, name), 'utf8');

const systemdAnalyze: Need = async () =>
  run('systemd-analyze', ['--version']).then(
    () => undefined,
    () => 'systemd-analyze is not on this machine (it belongs to systemd)',
  );

await describeWith([systemdAnalyze], 'systemd units', () => {
  it.each(['edgepulse-aggregator', 'edgepulse-edge'])('%s.service is valid and hardened', async (unit) => {
    const text = await read(`${unit}.service`);
    const folder = await mkdtemp(join(tmpdir(), 'edgepulse-units-'));
    try {
      const file = join(folder, `${unit}.service`);
      // The program has to be there, and this machine has it elsewhere.
      await writeFile(file, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
      const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
      expect(stdout + stderr).toBe('');
      const threshold = `--threshold=${EXPOSURE_MAX * 10}`;
      const security = await run('systemd-analyze', ['security', '--offline=yes', threshold, file]);
      expect(security.stdout).toMatch(new RegExp(`Overall exposure level for ${unit}.service: [01]\\.\\d`));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('starts the aggregator with settings that it accepts', async () => {
  expect(await read('edgepulse-aggregator.service')).toContain('/node /opt/edgepulse/aggregator/main.js\n');
  const text = await read('aggregator.env');
  const result = readAggregatorConfig(readEnvText(text), await readFile('wrangler.toml', 'utf8'), {
    canRead: () => true,
  });
  expect(result).toMatchObject({ ok: true, config: { regions: ['eu-west'], host: '127.0.0.1', port: 9464 } });
  // A setting that no app reads would be one that does nothing.
  const readme = await readFile('README.md', 'utf8');
  for (const name of namesInEnvText(text)) expect(readme).toContain(`\`${name}\``);
});

it('starts the edge with settings that it accepts', async () => {
  const unit = await read('edgepulse-edge.service');
  expect(unit).toContain('/edge/workerd serve /opt/edgepulse/edge/config.capnp --directory-path=storage=/var/lib/');
  const vars = readWranglerVars(await readFile('wrangler.toml', 'utf8'), 'production');
  if (!vars.ok) throw new Error(vars.problem);
  const limits = { SESSION_LIMIT: {}, ADDRESS_LIMIT: {} };
  const given = { ...vars.vars, ...limits, ...readEnvText(await read('edge.env')) };
  expect(readWorkerConfig(given)).toMatchObject({ ok: true });
});
