/**
 * `npm run build:edge -- --region eu-west` makes dist/edge/: the worker for one region on a machine of one's own, without
 * Cloudflare. Its settings are those of an environment in wrangler.toml; see deploy/workerd/README.md.
 *
 *     config.capnp       what `workerd serve` reads
 *     index.js           the worker
 *     rate-limit.js, schedule.js    what only Cloudflare has: rate limits and Cron Triggers
 *     workerd            Cloudflare's runtime
 */
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse as parseToml } from 'smol-toml';
import { ENVIRONMENTS, type EnvironmentName } from '../../aggregator/topology.ts';
import {
  type Binding,
  BUNDLE_FILE,
  RATE_LIMIT_FILE,
  type RateLimit,
  SCHEDULE_FILE,
  workerdConfig,
} from '../../deploy/workerd/config.ts';
import { credsVariable } from '../../worker/nats-access.ts';
import { bundleWorker, workerdPath } from './worker-bundle.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const EVERY_MINUTE = '* * * * *';

type Region = { readonly name: string; readonly nats?: unknown; readonly fallback?: unknown };

/** What is read of wrangler.toml's top level. */
type Wrangler = {
  readonly compatibility_date: string;
  readonly compatibility_flags: readonly string[];
  readonly env?: { readonly [environment: string]: Table };
} & Table;

/** What is read of an environment. */
type Table = {
  readonly vars: { readonly REGIONS: readonly Region[]; readonly [name: string]: unknown };
  readonly triggers?: { readonly crons?: readonly string[] };
  readonly ratelimits?: readonly { readonly name: string; readonly simple: RateLimit }[];
};

export type EdgeOptions = {
  readonly environment: EnvironmentName;
  /** The region of every beacon that is posted here. */
  readonly region: string;
  /** NATS servers are those of NATS_URL in workerd's environment, and not those in wrangler.toml. */
  readonly ownNats?: boolean | undefined;
  /** PEM of the authorities that NATS servers' certificates are signed by. */
  readonly natsCa?: string | undefined;
  /** `host:port` to listen on. */
  readonly address: string;
};

/** The configuration of workerd. @throws when wrangler.toml has no such environment or region */
export function edgeConfig(wranglerToml: string, options: EdgeOptions): string {
  const { environment, region, ownNats = false, natsCa, address } = options;
  const wrangler = parseToml(wranglerToml) as unknown as Wrangler;
  const table = environment === 'development' ? wrangler : wrangler.env?.[environment];
  if (!table?.vars) throw new Error(`wrangler.toml has no environment ${environment}`);
  const vars = {
    ENVIRONMENT: environment,
    ...table.vars,
    REGIONS: regionsFor(table.vars.REGIONS, region, ownNats),
    REGION: region,
  };
  const values = Object.entries(vars).map(([name, value]): [string, Binding] => [name, { value }]);
  const secrets = [
    'BEACON_SECRET',
    'BEACON_JWKS_URL',
    'CANARY_SECRET',
    'REVOKED',
    'NATS_URL',
    'NATS_CREDS',
    credsVariable(region),
  ];
  const rest = secrets.filter((name) => !(name in vars));
  return workerdConfig({
    compatibilityDate: wrangler.compatibility_date,
    compatibilityFlags: wrangler.compatibility_flags,
    bindings: Object.fromEntries([
      ...values,
      ...rest.map((name): [string, Binding] => [name, { fromEnvironment: name }]),
    ]),
    everyMinute: isEveryMinute(table.triggers?.crons ?? []),
    rateLimits: Object.fromEntries((table.ratelimits ?? []).map(({ name, simple }) => [name, simple])),
    address,
    trustedCertificates: natsCa === undefined ? [] : [natsCa],
  });
}

/** @throws when there is another trigger than the one that can be done here */
function isEveryMinute(crons: readonly string[]): boolean {
  const others = crons.filter((cron) => cron !== EVERY_MINUTE);
  if (others.length > 0)
    throw new Error(`wrangler.toml: a cron of ${others.join(', ')} can't be done without Cloudflare`);
  return crons.length > 0;
}

function regionsFor(regions: readonly Region[], name: string, ownNats: boolean): readonly Region[] {
  const names = regions.map((region) => region.name);
  if (!names.includes(name)) throw new Error(`--region: is not one of ${names.join(', ')}`);
  return ownNats ? regions.map(({ nats: _nats, fallback: _fallback, ...region }) => region) : regions;
}

/** @param folder is replaced */
export async function buildEdge(folder: string, options: EdgeOptions): Promise<void> {
  const config = edgeConfig(await readFile(join(ROOT, 'wrangler.toml'), 'utf8'), options);
  const environment = options.environment === 'development' ? '' : options.environment;
  const code = await bundleWorker('worker/index.ts', environment);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.capnp'), config);
  await writeFile(join(folder, BUNDLE_FILE), code);
  for (const file of [RATE_LIMIT_FILE, SCHEDULE_FILE]) {
    await copyFile(join(ROOT, 'deploy', 'workerd', file), join(folder, file));
  }
  await copyFile(workerdPath(), join(folder, 'workerd'));
}

const USAGE = `usage: npm run build:edge -- --region NAME [options]
  --region NAME     the region of wrangler.toml that this edge is
  --env NAME        ${ENVIRONMENTS.join(' or ')}; default production
  --own-nats        take the NATS servers from NATS_URL, when it is started, and not from wrangler.toml
  --nats-ca FILE    authorities (PEM) that the NATS servers' certificates are signed by
  --address ADDR    where it listens; default 127.0.0.1:8787
  --out FOLDER      default dist/edge`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      region: { type: 'string' },
      env: { type: 'string', default: 'production' },
      'own-nats': { type: 'boolean' },
      'nats-ca': { type: 'string' },
      address: { type: 'string', default: '127.0.0.1:8787' },
      out: { type: 'string', default: join(ROOT, 'dist', 'edge') },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const environment = ENVIRONMENTS.find((name) => name === values.env);
  if (environment === undefined) throw new Error(`--env: is not one of ${ENVIRONMENTS.join(', ')}`);
  if (values.region === undefined) throw new Error('--region: is required');
  const { 'nats-ca': caFile, 'own-nats': ownNats, region, address } = values;
  const natsCa = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
  const folder = resolve(values.out);
  await buildEdge(folder, { environment, region, ownNats, natsCa, address });
  const shown = relative(process.cwd(), folder);
  const command = `${shown}/workerd serve ${shown}/config.capnp --directory-path=storage=STORE`;
  console.log(`${shown}: the edge of ${region}; start it with: ${command} (STORE: a folder for its spool)`);
}

if (import.meta.main) {
  await main().catch((error: Error) => {
    console.error(`${error.message}\n${USAGE}`);
    process.exitCode = 1;
  });
}
