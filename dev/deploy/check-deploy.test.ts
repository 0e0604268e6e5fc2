import { readFile } from 'node:fs/promises';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { aggregatorProblems } from './aggregator.ts';
import { deployProblems, secretCommands, workerConfigOf } from './check-deploy.ts';

const committed = await readFile('wrangler.toml', 'utf8');
/** As an operator would fill it in. */
const filledIn = committed.replaceAll('example.com', 'calls.test');

/** The problems of the filled-in configuration once `from`, which must be there, was replaced in production's part. */
function problemsWith(from: string, to: string): string[] {
  const at = filledIn.indexOf('[env.production]');
  const [top, production] = [filledIn.slice(0, at), filledIn.slice(at)];
  expect(production).toContain(from);
  return deployProblems(parseToml(top + production.replace(from, to)));
}

it('names every placeholder of the committed configuration, and nothing else', () => {
  const problems = deployProblems(parseToml(committed));
  expect(problems).toContain('env.production.routes[0].pattern: edge.example.com is a placeholder');
  expect(problems).toContain(
    'env.production.vars.REGIONS[3].nats[0]: tls://nats.apac.example.com:4222 is a placeholder',
  );
  expect(problems.filter((problem) => !problem.endsWith(' is a placeholder'))).toStrictEqual([]);
});

it('has nothing to say about a configuration that is filled in', () => {
  expect(deployProblems(parseToml(filledIn))).toStrictEqual([]);
});

describe('names what is missing or unsafe', () => {
  it.each<[string, string, string, RegExp]>([
    ['no route', 'routes = [', 'unused = [', /^env\.production\.routes: missing/],
    ['workers.dev', 'workers_dev = false', 'workers_dev = true', /^env\.production\.workers_dev: not false/],
    ['preview URLs', 'preview_urls = false', '', /^env\.production\.preview_urls: not false/],
    ['invocation logs', 'invocation_logs = false', '', /invocation_logs: not false/],
    ['a request without end', 'cpu_ms = 1000', '', /limits\.cpu_ms: missing/],
    ['no session limit', 'name = "SESSION_LIMIT"', 'name = "OTHER"', /SESSION_LIMIT is missing/],
    ['no address limit', 'name = "ADDRESS_LIMIT"', 'name = "OTHER"', /ADDRESS_LIMIT is missing/],
    ['a limit that a browser meets', 'limit = 120', 'limit = 30', /SESSION_LIMIT lets 30 beacons a minute through/],
    [
      'another environment',
      'ENVIRONMENT = "production"',
      'ENVIRONMENT = "development"',
      /ENVIRONMENT: not "production"/,
    ],
    ['the region header', 'LANES =', 'DEV_REGION_HEADER = "on"\nLANES =', /DEV_REGION_HEADER: is on/],
    ['a secret', 'LANES =', 'NATS_CREDS_APAC = "x"\nLANES =', /vars\.NATS_CREDS_APAC: a secret in the clear/],
    ['NATS without TLS', 'tls://nats.sa', 'nats://nats.sa', /nats:\/\/nats\.sa\.calls\.test:4222 is not tls/],
    ['no objects', 'class_name = "Forwarder"', 'class_name = "Other"', /FORWARDER of the class Forwarder is missing/],
    ['no migration', 'new_sqlite_classes = ["Forwarder"]', 'new_sqlite_classes = []', /migrations: none has Forwarder/],
    ['a migration that deletes', 'tag = "v1"', 'tag = "v1"\ndeleted_classes = ["Forwarder"]', /deletes Forwarder/],
    ['no cron', 'crons = ["* * * * *"]', 'crons = []', /triggers\.crons: "\* \* \* \* \*" is missing/],
    ['a colo twice', 'colos = ["SYD"', 'colos = ["GRU"', /oc has the colo GRU that is sa's/],
    ['no colos', 'colos = ["SYD", "MEL", "BNE", "PER", "AKL"], ', '', /oc has no colos/],
    ['no hint', 'hint = "oc", ', '', /oc has no hint/],
    ['a fallback to an unknown region', 'hint = "oc"', 'hint = "oc", fallback = ["ocean"]', /not a region: ocean/],
    [
      'a fallback that nobody can follow',
      'hint = "oc"',
      'hint = "oc", fallback = ["sa"]',
      /oc has a fallback and no domain/,
    ],
    ['a limit counted twice', 'namespace_id = "2002"', 'namespace_id = "2001"', /2001 is that of two limits/],
    ['a limit of another environment', 'namespace_id = "2002"', 'namespace_id = "1002"', /1002 of the top level/],
    [
      'the name of another worker',
      'name = "edgepulse-production"',
      'name = "edgepulse"',
      /name: edgepulse is the name of the/,
    ],
    ['a password in a NATS URL', 'tls://nats.sa', 'tls://u:hush@nats.sa', /has a login in it/],
  ])('%s', (_, from, to, problem) => {
    const problems = problemsWith(from, to);
    expect(problems).toStrictEqual([expect.stringMatching(problem)]);
    expect(problems.join()).not.toContain('hush');
  });

  it.each([
    ['ENVIRONMENT = "development"', /^vars\.ENVIRONMENT: set at the top level/],
    ['DEV_REGION_HEADER = "on"', /^vars\.DEV_REGION_HEADER: set at the top level/],
  ])('%s, where a deployment without an environment would take it from', (line, problem) => {
    const problems = deployProblems(parseToml(filledIn.replace('[vars]\n', `[vars]\n${line}\n`)));
    expect(problems).toStrictEqual([expect.stringMatching(problem)]);
  });
});

describe('domains', () => {
  const withDomains = (from: RegExp, to: string) =>
    filledIn.replaceAll(/\{ name = "([a-z-]+)", (?=.*nats =)/g, '{ name = "$1", domain = "$1", ').replace(from, to);

  it('of each region, and fallbacks between them, are well', () => {
    const joined = withDomains(/domain = "oc"/, 'domain = "oc", fallback = ["apac", "us-west"]');
    expect(deployProblems(parseToml(joined))).toStrictEqual([]);
  });

  it.each([
    [/domain = "oc", /, '', /oc has no domain, though others have/],
    [/domain = "oc"/, 'domain = "sa"', /oc and sa have the domain sa, and different nats servers/],
    [/tls:\/\/nats\.oc\./, 'tls://nats.sa.', /oc and sa have the nats server .*, and not one domain/],
  ])('that contradict the rest are named: %s', (from, to, problem) => {
    expect(deployProblems(parseToml(withDomains(from, to)))).toStrictEqual([expect.stringMatching(problem)]);
  });
});

describe('another environment', () => {
  const production = filledIn.slice(filledIn.indexOf('[env.production]'));
  const staging = production.replaceAll('env.production', 'env.staging').replaceAll('-production"', '-staging"');
  const own = staging.replaceAll('"200', '"300').replaceAll('calls.test', 'staging.test');

  it('is checked like production, by its own name', () => {
    expect(deployProblems(parseToml(`${filledIn}\n${own}`), 'staging')).toStrictEqual([]);
    const without = own.replace('workers_dev = false', '');
    expect(deployProblems(parseToml(`${filledIn}\n${without}`), 'staging')).toStrictEqual([
      expect.stringMatching(/^env\.staging\.workers_dev: not false/),
    ]);
  });

  it('shares with production neither limits, nor a route, nor NATS', () => {
    const problems = deployProblems(parseToml(`${filledIn}\n${staging}`), 'staging').join('\n');
    expect(problems).toContain('SESSION_LIMIT has namespace_id 2001 of env.production');
    expect(problems).toContain('env.staging.routes: edge.calls.test is a route of env.production too');
    expect(problems).toContain('tls://nats.oc.calls.test:4222 is a NATS server of env.production too');
  });

  it('that is not there is named, with those that are', () => {
    expect(deployProblems(parseToml(filledIn), 'prod')).toStrictEqual([
      'env.prod: no such environment; there is production',
    ]);
  });
});

it('names the secrets that no file holds', () => {
  const commands = secretCommands(parseToml(filledIn), 'production');
  expect(commands[0]).toMatch(/^npx wrangler secret put BEACON_SECRET --env production/);
  expect(commands).toContain('npx wrangler secret put NATS_CREDS_EU_WEST --env production');
});

describe('the aggregators', () => {
  const worker = workerConfigOf(parseToml(filledIn), 'production');
  const { regions = [], servers = [] } = worker ?? {};
  const names = regions.map(({ name }) => name);
  const env = `# what systemd reads\nREGIONS='${names.join(',')}'\nSERVERS='${servers.join(',')}'\nLANES=4\nREGION=apac\n`;
  const values = `topology:\n  regions: [${names.join(', ')}]\n  servers: ${JSON.stringify(servers)}\n  lanes: 4\n`;

  const problemsOf = (name: string, text: string) => {
    if (!worker) throw new Error('the worker would not start');
    return aggregatorProblems({ name, text }, worker, filledIn);
  };

  it.each([
    ['edgepulse.env', env],
    ['edgepulse.env', 'ENVIRONMENT=production\nREGION=apac\n'],
    ['values.yaml', values],
  ])('of %s that have the same topology are well', (name, text) => {
    expect(problemsOf(name, text)).toStrictEqual([]);
  });

  it.each([
    ['edgepulse.env', env.replace('LANES=4', 'LANES=8'), "edgepulse.env: LANES is 8, and the worker's is 4"],
    ['edgepulse.env', env.replace(',oc', ',ocean'), expect.stringMatching(/^edgepulse.env: REGIONS is .*"ocean"/)],
    ['edgepulse.env', env.replace(/SERVERS=.*/, ''), expect.stringMatching(/^edgepulse.env: SERVERS: is required/)],
    ['values.yaml', values.replace('lanes: 4', 'lanes: 4\n  sessionTtlSeconds: 60'), /SESSION_TTL_SECONDS is 60/],
    ['values.yaml', values.replace('us-west, ', ''), /REGIONS is/],
    ['values.yaml', values.replace(/servers: .*/, 'servers: [https://other.calls.test]'), /SERVERS is/],
  ])('of %s that differ are named', (name, text, problem) => {
    expect(problemsOf(name, text)).toStrictEqual([
      problem instanceof RegExp ? expect.stringMatching(problem) : problem,
    ]);
  });

  it('that know no domains are named where the worker has some', () => {
    const table = filledIn.replace(/\{ name = "oc", (?=.*nats =)/, '{ name = "oc", domain = "oc", ');
    const config = workerConfigOf(parseToml(table), 'production');
    if (!config) throw new Error('the worker would not start');
    expect(aggregatorProblems({ name: 'x.env', text: env }, config, table)).toStrictEqual([
      expect.stringMatching(/has names alone/),
    ]);
    expect(aggregatorProblems({ name: 'x.env', text: 'ENVIRONMENT=production\n' }, config, table)).toStrictEqual([]);
    const rows = JSON.stringify(regions);
    expect(
      aggregatorProblems({ name: 'x.env', text: env.replace(/REGIONS=.*/, `REGIONS='${rows}'`) }, config, table),
    ).toStrictEqual(['x.env: REGIONS: domain of oc is undefined, and the worker\'s is "oc"']);
  });
});
