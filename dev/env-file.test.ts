import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unstable_getVarsForDev as readByWrangler } from 'wrangler';
import { formatEnvFile } from './env-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'edgepulse-env-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it.each([
  ['a dollar sign', 'pa$$word$HOME'],
  ['a hash and spaces', ' a # b '],
  ['JSON', '["https://a.example", "wss://b.example"]'],
  ['an apostrophe', "it's"],
  ['a backslash', 'a\\nb\\'],
  ['several lines', '-----BEGIN-----\nabc\n-----END-----'],
])('passes %s to wrangler as it is', async (_, value) => {
  const file = join(folder, 'worker.env');
  await writeFile(file, formatEnvFile({ BEFORE: 'x', VALUE: value, AFTER: 'y' }));
  const vars = readByWrangler(join(folder, 'wrangler.toml'), [file], {}, undefined, true);
  expect(vars).toMatchObject({ BEFORE: { value: 'x' }, VALUE: { value }, AFTER: { value: 'y' } });
});

it('rejects what the format cannot express', () => {
  expect(() => formatEnvFile({ VALUE: "'`" })).toThrow('VALUE');
});
