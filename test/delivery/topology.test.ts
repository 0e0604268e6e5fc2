/**
 * The topology of each environment in wrangler.toml: what the aggregator reads is what the worker is deployed with,
 * and what the two tables must have in common is the same in both.
 */
import { readFile } from 'node:fs/promises';
import { parse as parseToml } from 'smol-toml';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig as readAggregatorConfig } from '../../aggregator/config.ts';
import { ENVIRONMENTS, type EnvironmentName, readWranglerVars, type Values } from '../../aggregator/topology.ts';
import { readConfig as readWorkerConfig } from '../../worker/config.ts';
import { startAggregator } from '../support/processes/aggregator.ts';
import { startWorker } from '../support/processes/worker.ts';

const WRANGLER = await readFile('wrangler.toml', 'utf8');
const SECRET = 'a-secret-of-the-tests-0123456789abcdef';
const RATE_LIMITS = { SESSION_LIMIT: {}, ADDRESS_LIMIT: {} };

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function varsOf(environment: EnvironmentName): Values {
  const read = readWranglerVars(WRANGLER, environment);
  if (!read.ok) throw new Error(read.problem);
  return read.vars;
}

/** As a worker with these variables has it. */
function workerTopology(vars: Values): string {
  const result = readWorkerConfig({ ENVIRONMENT: 'development', ...vars, BEACON_SECRET: SECRET, ...RATE_LIMITS });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config.topology;
}

function aggregatorTopology(env: Readonly<Record<string, string>>): string {
  const result = readAggregatorConfig({ NATS_URL: 'nats://broker', ...env }, WRANGLER, { canRead: () => true });
  if (!result.ok) throw new Error(result.problems.join('\n'));
  return result.config.topology;
}

describe.each(ENVIRONMENTS)('%s', (environment) => {
  const vars = varsOf(environment);

  it('is what its worker calls itself; only npm start calls one development', () => {
    expect(vars.ENVIRONMENT).toBe(environment === 'production' ? 'production' : undefined);
  });

  it('has one fingerprint on both sides, whether the aggregator reads it or is given it', () => {
    const { REGIONS, SERVERS, LANES } = vars;
    const outright = { REGIONS: JSON.stringify(REGIONS), SERVERS: JSON.stringify(SERVERS), LANES: String(LANES) };
    expect(aggregatorTopology({ ENVIRONMENT: environment })).toBe(workerTopology(vars));
    expect(aggregatorTopology(outright)).toBe(workerTopology(vars));
  });

  type Region = { name: string; colos: string[]; nats?: string[]; hint: string };
  const regions = vars.REGIONS as Region[];
  const servers = vars.SERVERS as string[];
  it.each<[string, Values, boolean]>([
    ['other lanes', { LANES: '3' }, true],
    ['another TTL', { SESSION_TTL_SECONDS: '60' }, true],
    ['a region less', { REGIONS: regions.slice(1) }, true],
    ['a server more', { SERVERS: [...servers, 'https://media-new.example.com'] }, true],
    ['regions and servers in another order', { REGIONS: regions.toReversed(), SERVERS: servers.toReversed() }, false],
    [
      'other colos, hints and NATS servers',
      { REGIONS: regions.map((region) => ({ ...region, colos: [], hint: 'me', nats: ['tls://elsewhere'] })) },
      false,
    ],
  ])('with %s: another fingerprint is %s', (_, changed, differs) => {
    expect(workerTopology({ ...vars, ...changed }) !== workerTopology(vars)).toBe(differs);
  });
});

/** TOML has no way to say a table once and use it twice, and wrangler's environments inherit no variables. */
describe('development and production', () => {
  type Table = { readonly vars: Values; readonly [key: string]: unknown };
  const { env, ...development } = parseToml(WRANGLER) as unknown as Table & { env: { production: Table } };

  it('have the same topology, so that development rehearses production', () => {
    const withoutNats = ({ REGIONS }: Values) =>
      (REGIONS as { nats?: unknown }[]).map(({ nats: _, ...region }) => region);
    expect(withoutNats(env.production.vars)).toEqual(withoutNats(development.vars));
    const { SERVERS, LANES, SESSION_TTL_SECONDS } = env.production.vars;
    expect(development.vars).toMatchObject({ SERVERS, LANES, SESSION_TTL_SECONDS });
  });

  it('have the same variables and bindings, except the one that says which environment it is', () => {
    const names = ({ vars, durable_objects, migrations }: Table) => ({
      vars: [...new Set([...Object.keys(vars), 'ENVIRONMENT'])].toSorted(),
      durable_objects,
      migrations,
    });
    expect(names(env.production)).toEqual(names(development));
    const limits = (table: Table) => (table.ratelimits as { name: string }[]).map(({ name }) => name);
    expect(limits(env.production)).toEqual(limits(development));
  });
});

it('is logged by both when they start', async () => {
  const natsUrl = 'nats://127.0.0.1:1';
  const [aggregator, worker] = await Promise.all([
    startAggregator({ natsUrl, env: { ENVIRONMENT: 'development' }, untilReady: false }),
    startWorker({ natsUrl }),
  ]);
  ends.push(aggregator.stop, worker.stop);
  const logged = (log: string) => log.match(/"topology":"([0-9a-f]{16})"/)?.[1];
  expect(logged(aggregator.log())).toBe(workerTopology(varsOf('development')));
  expect(logged(worker.log())).toBe(logged(aggregator.log()));
});
