/** The worker as `wrangler deploy` would upload it, and the workerd that wrangler has for it. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '..', '..');

/** No look outside this machine, and no question at the terminal. */
const QUIET = {
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
};

/**
 * About 1.5 s.
 * @param main the module to bundle, from the repository's folder
 * @param environment of wrangler.toml; empty is the top level
 * @returns one ES module
 */
export async function bundleWorker(main = 'worker/index.ts', environment = ''): Promise<string> {
  const outdir = await mkdtemp(join(tmpdir(), 'edgepulse-bundle-'));
  try {
    const wrangler = createRequire(import.meta.url).resolve('wrangler');
    const deploy = [wrangler, 'deploy', main, '--dry-run', '--config=wrangler.toml', `--env=${environment}`];
    const { PATH, HOME } = process.env;
    await promisify(execFile)(process.execPath, ['--no-warnings', ...deploy, '--outdir', outdir], {
      cwd: ROOT,
      env: { PATH, HOME, ...QUIET },
    });
    return await readFile(join(outdir, `${basename(main, '.ts')}.js`), 'utf8');
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

/**
 * wrangler's own workerd: the version that the bundle is meant for. Its package knows where the program is: `bin/workerd` is
 * a script until the package's install script has run.
 */
export function workerdPath(): string {
  const wrangler = createRequire(createRequire(import.meta.url).resolve('wrangler'));
  return (wrangler('workerd') as { default: string }).default;
}
