import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-entry-'));
  await mkdir(join(folder, 'aggregator'));
  await copyFile(join(import.meta.dirname, 'index.js'), join(folder, 'aggregator', 'index.js'));
  await writeFile(join(folder, 'aggregator', 'main.ts'), `console.log('started' satisfies string);`);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** `node aggregator` where package.json asks for these versions. */
async function startWith(engine: string): Promise<{ code: unknown; output: string }> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', engines: { node: engine } }));
  return new Promise((resolve) => {
    execFile(process.execPath, ['aggregator'], { cwd: folder, env: {} }, (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}

it('starts main.ts on a Node that is new enough', async () => {
  expect(await startWith('>=24')).toEqual({ code: 0, output: 'started\n' });
});

it('says in one line which Node it needs on an older one', async () => {
  expect(await startWith('>=99')).toEqual({
    code: 1,
    output: `aggregator: needs Node 99 or newer; this is ${process.version}\n`,
  });
});
