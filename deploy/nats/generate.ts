/**
 * Writes accounts.conf for the regions of production in wrangler.toml. With `--check` it only reports whether the file
 * is up to date. `--regions us-east,eu-west` and `--out FILE` write a file of one's own.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { accountsConfig } from './source/accounts.ts';

type Wrangler = { readonly env?: { readonly production?: { readonly vars?: { readonly REGIONS?: unknown } } } };

const ROOT = join(import.meta.dirname, '..', '..');

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, regions: { type: 'string' }, out: { type: 'string' } },
});

const file = values.out ?? join(import.meta.dirname, 'accounts.conf');
const text = accountsConfig(values.regions?.split(',') ?? productionRegions());
if (!values.check) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error(`${file} is out of date: run "npm run nats-accounts"`);
  process.exitCode = 1;
}

function productionRegions(): string[] {
  const wrangler: Wrangler = parseToml(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'));
  const regions = wrangler.env?.production?.vars?.REGIONS;
  if (!Array.isArray(regions)) throw new Error('wrangler.toml has no env.production.vars.REGIONS');
  return regions.map(({ name }: { name: string }) => name);
}
