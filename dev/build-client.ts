/**
 * `npm run build:client` builds the browser reporter as it is published, with its licence, in client/dist/. With `--check`, as the gate runs
 * it, it writes nothing and fails when the reporter is too large.
 */
import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { ROOT } from './stack.ts';

const CLIENT = join(ROOT, 'client');
const DIST = join(CLIENT, 'dist');

/** The most that the reporter may add to a page, in bytes with gzip. */
export const SIZE_MAX = 5_080;

/** The module as a page loads it, with all its imports. Of the bundlers that are installed anyway, rolldown's output is the smallest with gzip. */
export async function bundleModule(path: string): Promise<string> {
  const bundle = await rolldown({
    input: path,
    treeshake: { moduleSideEffects: false },
    // Chromium 103, Firefox 113, Safari 16.4 and newer: they have AbortSignal.timeout(), for example.
    transform: { target: 'es2022' },
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true, comments: false });
  await bundle.close();
  return output[0].code;
}

export function bundleClient(): Promise<string> {
  return bundleModule(join(CLIENT, 'reporter.ts'));
}

export function gzipBytes(code: string): number {
  return gzipSync(code, { level: 9 }).length;
}

/** Writes the declarations into a folder, that of the entry as `client/reporter.d.ts`. */
export async function writeTypes(folder: string): Promise<void> {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [tsc, '-p', join(CLIENT, 'tsconfig.types.json'), '--outDir', folder];
  await promisify(execFile)(process.execPath, args);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // Our modules import each other as .ts files, which are not in the package.
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"));
  }
}

if (import.meta.main) {
  const code = await bundleClient();
  const bytes = gzipBytes(code);
  if (bytes > SIZE_MAX) {
    console.error(`the reporter has ${bytes} bytes with gzip, over the limit of ${SIZE_MAX} in dev/build-client.ts`);
    process.exitCode = 1;
  }
  if (!process.argv.includes('--check')) {
    await rm(DIST, { recursive: true, force: true });
    await writeTypes(join(DIST, 'types'));
    await writeFile(join(DIST, 'index.js'), code);
    await copyFile(join(ROOT, 'LICENSE'), join(DIST, 'LICENSE'));
    console.log(`client/dist/index.js: ${code.length} bytes, ${bytes} with gzip`);
  }
}
