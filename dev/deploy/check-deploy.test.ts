import { readFile } from 'node:fs/promises';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { deployProblems } from './check-deploy.ts';

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
