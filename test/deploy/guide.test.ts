/** docs/deploy.md, as far as a machine can follow it: its commands, flags, paths, settings and metrics exist. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../aggregator/metrics/families.ts';
import { ALERTS } from '../../deploy/prometheus/source/groups.ts';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = join(import.meta.dirname, '..', '..');
const doc = readFileSync(join(ROOT, 'docs', 'deploy.md'), 'utf8');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** Lines of the blocks, continued ones joined, and commands within a sentence. */
const commands = [
  ...[...doc.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n')),
  ...[...doc.replaceAll(/```.*?```/gs, '').matchAll(/`((?:npm|npx|helm|kubectl|nats|wrangler) [^`]+)`/g)].map(
    ([, command = '']) => command,
  ),
].filter((command) => command.trim() !== '');

const flagsOf = (command: string): string[] =>
  [...command.matchAll(/\s(--[a-z][a-z-]*)/g)].map(([, flag = '']) => flag);

describe('npm scripts', () => {
  const scripts: { readonly [name: string]: string } = packageJson.scripts;
  const runs = commands.flatMap((command) => {
    const [, name = '', rest = ''] = /npm run (?:-s )?([a-z:-]+)(.*)/.exec(command) ?? [];
    return name === '' ? [] : [{ name, rest }];
  });

  it('exist', () => {
    expect(runs.length).toBeGreaterThan(10);
    expect(runs.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
  });

  it('have the options that they are called with', () => {
    const unknown = runs.flatMap(({ name, rest }) => {
      const [, file = ''] = /node (\S+\.ts)/.exec(scripts[name] ?? '') ?? [];
      const source = file === '' ? '' : readFileSync(join(ROOT, file), 'utf8');
      // Of its parseArgs: name: { type: 'string' }.
      const known = [...source.matchAll(/['"]?([a-z][a-z-]*)['"]?: \{ type: /g)].map(([, option]) => option);
      return flagsOf(rest.replace(/^ -- /, ' ')).filter((flag) => !known.includes(flag.slice(2)));
    });
    expect(unknown).toEqual([]);
  });
});

describe('wrangler', () => {
  const wrangler = createRequire(import.meta.url).resolve('wrangler');
  const calls = commands.flatMap((command) => {
    const [, words = ''] = /(?:npx )?wrangler ((?:[a-z]+ ?)+)/.exec(command) ?? [];
    return words === '' ? [] : [{ command, words: words.trim().split(' ') }];
  });

  it('has these commands, and they have the flags that they are called with', async () => {
    const names = [...new Set(calls.map(({ words }) => words.join(' ')))];
    expect(names.length).toBeGreaterThan(8);
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_WRITE_LOGS: 'false',
    };
    const unknown = names.map(async (name) => {
      const args = [wrangler, ...name.split(' '), '--help'];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
      if (!stdout.startsWith(`wrangler ${name}`)) return [name];
      const flags = calls.filter(({ words }) => words.join(' ') === name).flatMap(({ command }) => flagsOf(command));
      return flags.filter((flag) => !stdout.includes(`${flag} `)).map((flag) => `${name} ${flag}`);
    });
    expect((await Promise.all(unknown)).flat()).toEqual([]);
    // Each is a start of wrangler.
  }, 120_000);
});

it('leads to files, and to headings in them, that exist', () => {
  const links = [...doc.matchAll(/\]\(([^)]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !link.startsWith('http'));
  expect(links.length).toBeGreaterThan(10);
  const broken = links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const file = path === '' ? join(ROOT, 'docs', 'deploy.md') : join(ROOT, 'docs', path);
    return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
  });
  expect(broken).toEqual([]);
  const paths = [...doc.matchAll(/\b((?:deploy|dev|docs|test|shared)\/[\w./-]+\w)/g)].map(([, path = '']) => path);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

function anchorsOf(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

it('names settings that README.md explains', () => {
  const settings = [...doc.matchAll(/`([A-Z][A-Z_]+)(?:_\{REGION\})?`/g)].map(([, name = '']) => name);
  expect(settings.length).toBeGreaterThan(10);
  const ofNats = ['HUB_URLS', 'MAX_FILE_STORE'];
  expect(settings.filter((name) => !README.includes(`\`${name}\``) && !ofNats.includes(name))).toEqual([]);
});

it('names metrics and alerts that exist', () => {
  const metrics = [...doc.matchAll(/\bedgepulse_\w+/g)].map(([name]) => name);
  expect(metrics.filter((name) => !FAMILIES.some((family) => family.name === name))).toEqual([]);
  const alerts = [...doc.matchAll(/\bEdgepulse[A-Z]\w+/g)].map(([name]) => name);
  expect(alerts.filter((name) => !ALERTS.some(({ alert }) => alert === name))).toEqual([]);
});
