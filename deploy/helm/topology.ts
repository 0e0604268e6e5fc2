/**
 * Prints the chart's `topology` as the worker has it, from wrangler.toml, so that nobody copies it by hand.
 * `npm run -s chart:topology -- --env production > topology.yaml`; `--config FILE` reads another wrangler.toml.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { ENVIRONMENTS, readWranglerVars } from '../../aggregator/topology.ts';

const { values } = parseArgs({
  options: {
    env: { type: 'string', default: 'production' },
    config: { type: 'string', default: join(import.meta.dirname, '..', '..', 'wrangler.toml') },
  },
});

const environment = ENVIRONMENTS.find((name) => name === values.env);
const read = environment && readWranglerVars(readFileSync(values.config, 'utf8'), environment);
if (read?.ok) {
  const { REGIONS, SERVERS, LANES, SESSION_TTL_SECONDS } = read.vars;
  const topology = {
    regions: REGIONS,
    servers: SERVERS,
    lanes: Number(LANES),
    sessionTtlSeconds: Number(SESSION_TTL_SECONDS ?? 30),
  };
  console.log(stringify({ topology }, { lineWidth: 0 }));
} else {
  console.error(read ? read.problem : `--env: ${values.env} is not ${ENVIRONMENTS.join(' or ')}`);
  process.exitCode = 1;
}
