/**
 * Breaks each rule of the house once, so that a rule that stops holding is noticed. The files stand in a
 * temporary folder, a small copy of the tree with the real configuration, and are linted in one run.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const BIOME = join(ROOT, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');

/** The floors of the aggregator below main.ts, top down. */
const FLOORS = [
  ['http', 'board'],
  ['metrics', 'ingest', 'history'],
  ['store'],
  ['attribution'],
  ['live', 'expiry', 'feed'],
];

/** Each row: a folder, and what a file in it must not import. */
const FORBIDDEN: readonly (readonly [folder: string, imports: readonly string[]])[] = [
  ['shared', ['../worker/log.ts', '../aggregator/config.ts', '../client/a.ts', '../dev/ports.ts', '../test/a.ts']],
  [
    'shared',
    [
      '../demo/a.ts',
      '../bench/a.ts',
      'node:fs',
      'cloudflare:workers',
      'nats',
      'nats/lib/a.js',
      'prom-client',
      'hono',
      'hono/jwt',
    ],
  ],
  [
    'client',
    ['../worker/log.ts', '../aggregator/config.ts', '../dev/a.ts', 'node:fs', 'cloudflare:workers', 'nats', 'hono/jwt'],
  ],
  ['client', ['valibot', 'pbf', 'web-vitals', '../demo/random.ts', '../test/support/poll.ts']],
  [
    'client/recipes',
    ['../collect.ts', './b.ts', '../../shared/beacon.ts', '../../worker/log.ts', '../../dev/a.ts', 'node:fs'],
  ],
  ['worker', ['../aggregator/config.ts', '../client/a.ts', '../dev/ports.ts', 'nats', 'prom-client', 'hono']],
  [
    'worker/receive',
    ['../../aggregator/store/a.ts', '../forwarder/a.ts', '../index.ts', '../config.ts', 'nats', 'cloudflare:workers'],
  ],
  [
    'worker/forwarder',
    ['../../aggregator/store/a.ts', '../receive/a.ts', '../index.ts', 'nats', 'prom-client', 'hono/jwt'],
  ],
  ['worker/forwarder/connection', ['../../receive/a.ts', '../../index.ts', 'prom-client', 'hono/jwt']],
  [
    'worker/forward',
    ['../index.ts', '../receive/a.ts', '../forwarder/a.ts', '../config.ts', 'nats', 'hono', 'cloudflare:workers'],
  ],
  ['aggregator', ['../worker/log.ts', '../client/a.ts', '../dev/a.ts', '../bench/a.ts', 'nats', 'prom-client', 'hono']],
  ['aggregator/http', ['../../worker/log.ts', '../../test/a.ts', 'nats', 'prom-client', 'cloudflare:workers']],
  ['aggregator/metrics', ['../../worker/log.ts', '../../test/support/poll.ts', 'nats', 'hono']],
  ['aggregator/ingest', ['../../worker/log.ts', '../../bench/a.ts', 'nats', 'prom-client']],
  ['aggregator/store', ['../feed/a.ts', 'node:fs', 'node:crypto', 'nats', 'prom-client', 'pino', 'hono']],
  ['aggregator/store/inner', ['../../../worker/log.ts', '../../../dev/a.ts', 'nats', 'pino']],
  ['aggregator/feed/inner', ['../../../worker/log.ts', '../../../test/a.ts', 'prom-client']],
  ['aggregator/attribution', ['../expiry/a.ts', '../feed/a.ts', 'node:timers', 'pino', 'nats']],
  ['aggregator/history', ['node:timers', 'pino', 'nats']],
  ['aggregator/live', ['node:timers', 'pino', 'nats']],
  ['aggregator/expiry', ['node:timers', 'pino', 'nats']],
  ['aggregator/feed', ['prom-client', 'hono/jwt', 'cloudflare:workers']],
  ['test/oracle/model', ['../../../aggregator/store/a.ts', '../../support/metrics/scrape.ts', '../system.ts', 'nats']],
  ['aggregator/board', ['../metrics/a.ts', '../../shared/beacon.ts', 'node:fs', 'hono']],
  ['aggregator/board/inner', ['../../metrics/a.ts', '../../../shared/beacon.ts', 'node:fs', 'hono', 'uplot']],
  ...FLOORS.flatMap((floor, i) =>
    floor.flatMap((folder) => {
      const others = FLOORS.slice(0, i + 1)
        .flat()
        .filter((other) => other !== folder);
      const imports = [...others.map((other) => `../${other}/a.ts`), '../main.ts', '../config.ts'];
      const row = [`aggregator/${folder}`, imports] as const;
      return [row, [`aggregator/${folder}/inner`, imports.map((path) => `../${path}`)] as const];
    }),
  ),
  ['call', ['../worker/log.ts', '../aggregator/config.ts', '../demo/a.ts', '../test/a.ts', '../bench/a.ts', 'nats']],
  ['call', ['../client/reporter.ts', '../client/recipes/a.ts', './page/a.ts', '@nats-io/nats-core']],
  [
    'call/page',
    ['../main.ts', '../../client/collect.ts', '../../shared/beacon.ts', '../../dev/a.ts', 'node:fs', 'nats'],
  ],
  ['call/page', ['../../worker/log.ts', '../../aggregator/config.ts', '../../test/a.ts', '../../demo/a.ts', 'hono']],
  ['shared', ['../call/rooms.ts', '@nats-io/nats-core']],
  ['client', ['../call/rooms.ts']],
  ['worker/receive', ['../../call/rooms.ts', '@nats-io/nats-core']],
  ['aggregator/http', ['../../call/rooms.ts']],
  ['demo', ['../call/rooms.ts']],
  ['dev', ['../call/rooms.ts']],
  ['demo', ['../worker/log.ts', '../aggregator/config.ts', '../test/support/poll.ts', '../bench/a.ts']],
  [
    'dev',
    [
      '../demo/fleet.ts',
      '../worker/index.ts',
      '../worker/receive/a.ts',
      '../client/a.ts',
      '../test/support/poll.ts',
      '../bench/a.ts',
    ],
  ],
];

/** Each row: a folder, and what a file in it may import types of, and nothing else. */
const TYPES_ONLY: readonly (readonly [folder: string, imports: readonly string[]])[] = [
  ['client/recipes', ['livekit-client', 'mediasoup-client', 'mediasoup-client/lib/types']],
];

/** Each row: a folder, and imports that it needs; a rule that denied everything would be red here. */
const ALLOWED: readonly (readonly [folder: string, imports: readonly string[]])[] = [
  ['client', ['./b.ts', '../shared/beacon.ts']],
  ['client/recipes', ['../reporter.ts']],
  ['worker/receive', ['../forward/a.ts', '../log.ts', '../../shared/beacon.ts', 'hono/jwt']],
  ['worker/forwarder', ['../forward/a.ts', '../config.ts', '../log.ts', 'cloudflare:workers']],
  ['worker/forwarder/connection', ['../../forward/a.ts', '../../log.ts', 'nats', 'cloudflare:sockets']],
  ['worker/forward', ['./b.ts', '../../shared/reject.ts']],
  ['aggregator/http', ['../metrics/a.ts', '../store/a.ts', '../live/a.ts', 'node:http', 'pino']],
  ['aggregator/metrics', ['../store/a.ts', '../live/a.ts', '../../shared/beacon.ts', 'prom-client']],
  ['aggregator/ingest', ['../store/a.ts', '../../shared/beacon.ts']],
  ['aggregator/history', ['../store/a.ts', '../live/a.ts']],
  ['aggregator/store', ['../attribution/a.ts', '../live/a.ts', '../expiry/a.ts', '../../shared/beacon.ts']],
  ['aggregator/store/inner', ['../a.ts', '../../live/a.ts', '../../../shared/beacon.ts']],
  ['aggregator/attribution', ['../live/a.ts', '../../shared/objectives.ts']],
  ['aggregator/feed', ['nats', 'node:timers', 'pino', '../../shared/subjects.ts']],
  ['aggregator/feed/inner', ['nats', '../a.ts', '../../../shared/subjects.ts']],
  ['aggregator/board', ['./b.js', './inner/b.js']],
  ['aggregator/board/inner', ['./b.js', '../other/b.js', '../b.js']],
  ['call', ['./b.ts', '../dev/ports.ts', '../shared/beacon.ts', 'node:http', 'rolldown']],
  [
    'call/page',
    ['./b.ts', '../rooms.ts', '../../client/reporter.ts', '../../client/recipes/a.ts', '@nats-io/nats-core'],
  ],
  ['demo', ['../dev/ports.ts', '../shared/beacon.ts']],
  ['dev', ['../shared/beacon.ts', '../worker/config.ts', '../aggregator/metrics/a.ts', 'node:fs', 'hono/jwt']],
];

/** Each row: folders, and code that no file in them may hold. */
const PURE = [
  'aggregator/history',
  'aggregator/store',
  'aggregator/store/inner',
  'aggregator/attribution',
  'aggregator/live',
  'aggregator/expiry',
];
const FORBIDDEN_CODE: readonly (readonly [folders: readonly string[], rule: string, code: readonly string[]])[] = [
  [PURE, 'noRestrictedGlobals', ['Date.now()', 'new Date()', 'performance.now()', 'globalThis.Date.now()']],
  [PURE, 'noRestrictedGlobals', ['crypto.randomUUID()', 'process.env', "fetch('')", 'console']],
  [PURE, 'noRestrictedGlobals', ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']],
  [PURE, 'plugin', ['Math.random()', 'Math.random', "require('node:fs')", "await import('../../worker/log.ts')"]],
  [
    ['aggregator', 'aggregator/http', 'aggregator/metrics', 'aggregator/ingest', 'aggregator/feed'],
    'noRestrictedGlobals',
    ['process.env', 'process.exit(1)'],
  ],
];

const FOLDERS_WITH_A_CYCLE = ['shared', 'worker/receive', 'aggregator/http', 'dev', 'bench', 'test/support'];

describe('the linter', () => {
  it.each(FORBIDDEN)('lets nothing in %s import %j, types included', (folder, imports) => {
    for (const name of imports) {
      const files = [fileOf(folder, importing(name))];
      // The board is JavaScript, whose types are comments.
      if (!isBoard(folder)) files.push(...importingTypes(name).map((code) => fileOf(folder, code)));
      for (const file of files) expect(findings.get(file), file).toEqual(['plugin']);
    }
  });

  it.each(TYPES_ONLY)('lets %s import types of %j, and nothing else', (folder, imports) => {
    for (const name of imports) {
      expect(findings.get(fileOf(folder, importing(name))), name).toEqual(['plugin']);
      for (const code of importingTypes(name)) expect(findings.get(fileOf(folder, code)), code).toEqual([]);
    }
  });

  it.each(ALLOWED)('lets %s import %j', (folder, imports) => {
    for (const name of imports) expect(findings.get(fileOf(folder, importing(name))), name).toEqual([]);
  });

  it.each(FORBIDDEN_CODE)('finds in %j, by %s: %j', (folders, rule, expressions) => {
    for (const folder of folders) {
      for (const expression of expressions) {
        expect(findings.get(fileOf(folder, evaluating(expression))), `${folder}: ${expression}`).toEqual([rule]);
      }
    }
  });

  it('lets the pure folders calculate', () => {
    for (const folder of PURE) expect(findings.get(fileOf(folder, evaluating('Math.max(1, 2)'))), folder).toEqual([]);
  });

  it.each(FOLDERS_WITH_A_CYCLE)('finds a cycle of types in %s', (folder) => {
    expect(findings.get(`${folder}/one.ts`)).toEqual(['noImportCycles']);
    expect(findings.get(`${folder}/two.ts`)).toEqual(['noImportCycles']);
  });
});

const findings = new Map<string, string[]>();
/** In folders that are named as ours are, as a clone's may be. */
const ABOVE = ['dev', 'client'];
let temporary = '';
let root = '';

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'lint-rules-'));
  root = join(temporary, ...ABOVE);
  await mkdir(root, { recursive: true });
  await cp(join(ROOT, 'biome.json'), join(root, 'biome.json'));
  await cp(join(ROOT, 'dev', 'lint'), join(root, 'dev', 'lint'), { recursive: true });
  for (const [folder, imports] of [...FORBIDDEN, ...TYPES_ONLY, ...ALLOWED]) {
    for (const name of imports) {
      await write(folder, importing(name));
      if (!isBoard(folder)) for (const code of importingTypes(name)) await write(folder, code);
    }
  }
  for (const [folders, , expressions] of [...FORBIDDEN_CODE, [PURE, '', ['Math.max(1, 2)']] as const]) {
    for (const folder of folders) for (const expression of expressions) await write(folder, evaluating(expression));
  }
  for (const folder of FOLDERS_WITH_A_CYCLE) {
    await writeAt(`${folder}/one.ts`, "import type { B } from './two.ts';\nexport type A = B | 1;\n");
    await writeAt(`${folder}/two.ts`, "import type { A } from './one.ts';\nexport type B = A | 2;\n");
  }
  for (const { file, rule } of await lint(root)) findings.get(file)?.push(rule);
});

afterAll(() => rm(temporary, { recursive: true, force: true }));

function importing(name: string): string {
  return `import { a } from '${name}';\nexport const b = a;\n`;
}

function importingTypes(name: string): readonly string[] {
  return [
    `import type { A } from '${name}';\nexport type B = A;\n`,
    `export type { A } from '${name}';\n`,
    `export type B = import('${name}').A;\n`,
  ];
}

function evaluating(expression: string): string {
  return `export const a = ${expression};\n`;
}

function isBoard(folder: string): boolean {
  return folder.startsWith('aggregator/board');
}

/** The file in that folder that holds that code. */
function fileOf(folder: string, code: string): string {
  const name = createHash('sha1').update(code).digest('hex').slice(0, 12);
  return `${folder}/a${name}.${isBoard(folder) ? 'js' : 'ts'}`;
}

function write(folder: string, code: string): Promise<void> {
  return writeAt(fileOf(folder, code), code);
}

async function writeAt(path: string, text: string): Promise<void> {
  findings.set(path, []);
  await mkdir(join(root, dirname(path)), { recursive: true });
  await writeFile(join(root, path), text);
}

/** What the linter finds there. A run with findings exits 1, so that only a missing report is a failure. */
async function lint(cwd: string): Promise<{ file: string; rule: string }[]> {
  const args = ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', '.'];
  const { stdout } = await run(process.execPath, [BIOME, ...args], { cwd, maxBuffer: 2 ** 26 }).catch(
    (failure: { stdout: string }) => failure,
  );
  const report: { diagnostics: { category: string; location: { path: string } }[] } = JSON.parse(stdout);
  return report.diagnostics.map(({ category, location }) => ({
    file: location.path,
    rule: category.split('/').at(-1) ?? '',
  }));
}
