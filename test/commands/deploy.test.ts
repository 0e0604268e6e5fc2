/** What would be deployed: wrangler accepts it for each environment, and production refuses development's switches. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { BLOCK_MS } from '../../worker/receive/address.ts';
import { startWorker } from '../support/processes/worker.ts';

/** Cloudflare's limit for a compressed Worker on its smallest plan is 3 MB; ours is stricter. */
const BUNDLE_BYTES_MAX = 1_000_000;

type Vars = { ENVIRONMENT?: string; REGIONS: { name: string; hint?: string; nats?: string[] }[] };
const wrangler = parseToml(await readFile('wrangler.toml', 'utf8')) as unknown as {
  vars: Vars;
  env: { production: { vars: Vars; ratelimits: { name: string; simple: { limit: number; period: number } }[] } };
};

async function dryRun(environment: string): Promise<{ output: string; bundleBytes: number }> {
  const outdir = await mkdtemp(join(tmpdir(), 'edgepulse-deploy-'));
  try {
    const command = createRequire(import.meta.url).resolve('wrangler');
    const args = [command, 'deploy', '--dry-run', `--env=${environment}`, '--outdir', outdir];
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, WRANGLER_SEND_METRICS: 'false' };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env });
    return { output: stdout, bundleBytes: gzipSync(await readFile(join(outdir, 'index.js'))).byteLength };
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

const ENVIRONMENTS = [
  { environment: '', vars: wrangler.vars, is: 'development' },
  { environment: 'production', vars: wrangler.env.production.vars, is: 'production' },
];

describe.each(ENVIRONMENTS)('the environment $is', ({ environment, vars }) => {
  it('passes a dry run of the deployment, with every binding, in less than 1 MB', async () => {
    const { output, bundleBytes } = await dryRun(environment);
    for (const binding of ['FORWARDER (Forwarder)', 'SESSION_LIMIT', 'ADDRESS_LIMIT']) {
      expect(output).toContain(`env.${binding}`);
    }
    expect(bundleBytes).toBeLessThan(BUNDLE_BYTES_MAX);
    // What is uploaded says that it is production, or nothing at all, which refuses to start.
    const said = environment === 'production' ? ['env.ENVIRONMENT ("production")'] : [];
    expect(output.match(/env\.(ENVIRONMENT|DEV_REGION_HEADER) .*?\)/g) ?? []).toStrictEqual(said);
  });

  it('has a place for the Durable Objects of each region', () => {
    expect(vars.REGIONS.length).toBeGreaterThan(0);
    expect(vars.REGIONS.filter(({ hint }) => hint === undefined)).toStrictEqual([]);
  });
});

describe('a deployment without an environment', () => {
  it('is on no route and not on workers.dev', () => {
    expect(wrangler).toMatchObject({ workers_dev: false, preview_urls: false });
    expect(wrangler).not.toHaveProperty('routes');
  });

  it('refuses to start, though it has every secret: it does not say what it is', async () => {
    const start = startWorker({
      natsUrl: 'nats://127.0.0.1:1',
      // As in the file, instead of the tests' own settings.
      vars: { ENVIRONMENT: undefined, DEV_REGION_HEADER: undefined, ...wrangler.vars },
    });
    await expect(start).rejects.toThrow('ENVIRONMENT: is not development or production');
  });
});

describe('production', () => {
  it('limits addresses for as long as the worker remembers them, and sessions at what no browser meets', () => {
    const limits = new Map(wrangler.env.production.ratelimits.map(({ name, simple }) => [name, simple]));
    expect(limits.get('ADDRESS_LIMIT')?.period).toBe(BLOCK_MS / 1000);
    expect(limits.get('SESSION_LIMIT')).toMatchObject({ limit: 120, period: 60 });
  });

  const { vars } = wrangler.env.production;

  it('has NATS servers in every region, over TLS', () => {
    expect(vars.REGIONS.length).toBeGreaterThan(0);
    for (const { nats = [] } of vars.REGIONS) {
      expect(nats.length).toBeGreaterThan(0);
      expect(nats.every((url) => url.startsWith('tls://'))).toBe(true);
    }
  });

  // workerd itself has no rate limits, so that they are always among the problems here.
  it.each([
    ['the region header', { DEV_REGION_HEADER: 'on' }, 'DEV_REGION_HEADER: is on, which only development allows'],
    ['a short secret', { BEACON_SECRET: 'short' }, 'BEACON_SECRET: is shorter than 32 bytes'],
    ['no rate limits', {}, 'SESSION_LIMIT: the rate-limit binding is missing'],
    ['origins on any port', { ALLOWED_ORIGINS: 'http://localhost:*' }, 'ALLOWED_ORIGINS: is not an exact origin'],
  ])('refuses to start with %s', async (_, overrides, problem) => {
    const start = startWorker({
      natsUrl: 'nats://127.0.0.1:1',
      vars: { ...vars, DEV_REGION_HEADER: 'off', ...overrides },
    });
    await expect(start).rejects.toThrow(problem);
  });
});
