/**
 * Whether aggregators are configured for the worker's topology: an environment file (`NAME=value` a line, of systemd,
 * compose or a Secret) or the values of the Helm chart, whichever the file is.
 */
import { parseEnv } from 'node:util';
import { parse as parseYaml } from 'yaml';
import { readConfig } from '../../aggregator/config.ts';
import type { Region } from '../../shared/regions.ts';
import type { Config as WorkerConfig } from '../../worker/config.ts';
import { type Table, tableAt } from './table.ts';

type AggregatorFile = {
  /** As messages name it. */
  readonly name: string;
  readonly text: string;
};

type Parsed = { readonly env: { readonly [name: string]: string }; readonly regions: unknown };

/** @param wranglerToml what `ENVIRONMENT` in the file would read */
export function aggregatorProblems(file: AggregatorFile, worker: WorkerConfig, wranglerToml: string): string[] {
  const { env, regions } = /\.ya?ml$/.test(file.name) ? valuesOf(file.text) : environmentOf(file.text);
  // What the process itself checks at its start; where a secret has the address, anything will do here.
  const read = readConfig({ NATS_URL: 'nats://127.0.0.1:4222', ...env }, wranglerToml, { canRead: () => true });
  if (!read.ok) return read.problems.map((problem) => `${file.name}: ${problem}`);
  const { config } = read;
  const problems = [
    ...differing('REGIONS', [...config.topologyRegions].sort(), worker.regions.map(({ name }) => name).sort()),
    ...differing('SERVERS', [...config.servers].sort(), [...worker.servers].sort()),
    ...differing('LANES', config.lanes, worker.lanes),
    ...differing('SESSION_TTL_SECONDS', config.ttlSeconds, worker.ttlSeconds),
    // With ENVIRONMENT the aggregator reads the worker's own table.
    ...(env.ENVIRONMENT === undefined ? joined(regions, worker.regions) : []),
  ];
  // The fingerprint is what decides; if only that differs, this check has missed a part of it.
  if (problems.length === 0 && config.topology !== worker.topology)
    problems.push('the topology differs from the worker');
  return problems.map((problem) => `${file.name}: ${problem}`);
}

function environmentOf(text: string): Parsed {
  const env = Object.fromEntries(
    Object.entries(parseEnv(text)).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  return { env, regions: env.REGIONS?.trimStart().startsWith('[') ? JSON.parse(env.REGIONS) : undefined };
}

/** The values that the chart makes the environment of. */
function valuesOf(text: string): Parsed {
  const {
    regions = [],
    servers = [],
    lanes,
    sessionTtlSeconds,
  } = tableAt({ values: parseYaml(text) }, 'values', 'topology');
  const isList = Array.isArray(regions) && regions.every((region) => typeof region === 'string');
  const env = {
    REGIONS: isList ? regions.join(',') : JSON.stringify(regions),
    SERVERS: JSON.stringify(servers),
    LANES: String(lanes ?? 4),
    SESSION_TTL_SECONDS: String(sessionTtlSeconds ?? 30),
  };
  return { env, regions: isList ? undefined : regions };
}

function differing<T>(name: string, theirs: T, ours: T): string[] {
  const [aggregators, workers] = [JSON.stringify(theirs), JSON.stringify(ours)];
  return aggregators === workers ? [] : [`${name} is ${aggregators}, and the worker's is ${workers}`];
}

/** A list of names has neither: then no region is followed to another one's NATS. */
function joined(regions: unknown, workers: readonly Region[]): string[] {
  if (!Array.isArray(regions)) {
    const isJoined = workers.some(({ domain, fallback }) => domain !== undefined || fallback.length > 0);
    return isJoined ? ["REGIONS has names alone, and the worker's have a domain or a fallback: give it the table"] : [];
  }
  return workers.flatMap(({ name, domain, fallback }) => {
    const row: Table = regions.find((region) => tableAt({ region }, 'region').name === name) ?? {};
    return [
      ...differing(`REGIONS: domain of ${name}`, row.domain, domain),
      ...differing(`REGIONS: fallback of ${name}`, row.fallback ?? [], fallback),
    ];
  });
}
