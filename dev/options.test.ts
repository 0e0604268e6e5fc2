/** The command lines of the tools, as they are typed. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const TOOLS = [
  ['npm run check:deploy', 'dev/deploy/check-deploy.ts', ['--env NAME', '--config FILE', '--aggregator FILE']],
  ['npm run rules', 'deploy/prometheus/generate.ts', ['--runbook URL', '--out FOLDER', '--check']],
  ['npm run dashboards', 'deploy/grafana/generate.ts', ['--board URL', '--out FOLDER', '--check']],
] as const;

function run(file: string, ...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [file, ...args], { cwd: ROOT }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

it.each(TOOLS)('%s -- --help lists its options', async (name, file, options) => {
  for (const flag of ['--help', '-h']) {
    const { code, stdout, stderr } = await run(file, flag);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`usage: ${name} -- [options]`);
    for (const option of [...options, '-h, --help']) expect(stdout).toContain(`  ${option}  `);
  }
});

it.each(TOOLS)('%s names what is no option of it, in one line', async (name, file) => {
  const { code, stdout, stderr } = await run(file, '--verbos');
  expect([code, stdout, stderr]).toEqual([2, '', `Unknown option '--verbos'. Run "${name} -- --help" for usage.\n`]);
});

it('npm run check:deploy names a file that is not there, and one that is no TOML, in one line', async () => {
  const [, file] = TOOLS[0];
  expect(await run(file, '--config', 'nowhere.toml')).toMatchObject({
    code: 2,
    stderr: 'nowhere.toml: cannot be read (ENOENT)\n',
  });
  expect((await run(file, '--config', 'README.md')).stderr).toMatch(/^README\.md: Invalid TOML.*\n$/);
});
