/** The reporter as it is published: its size, its imports, and that it can be loaded where there is no page. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundleClient, gzipBytes, SIZE_MAX } from '../dev/build-client.ts';
import manifest from './package.json' with { type: 'json' };

describe('the package', () => {
  it('is as small as a host may expect', async () => {
    expect(gzipBytes(await bundleClient())).toBeLessThanOrEqual(SIZE_MAX);
  });

  it('depends on nothing, and says so', async () => {
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('peerDependencies');
    expect(await bundleClient()).not.toMatch(/\bimport\b/);
  });

  it('brings no more of edgepulse with it than it needs', async () => {
    const code = await bundleClient();
    // The table of reject reasons, and the decoder of beacons.
    expect(code).not.toContain('incomplete_body');
    expect(code).not.toContain('is not within');
  });

  it('can be loaded on a server, where it does nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edgepulse-client-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, 'index.mjs');
    await writeFile(path, await bundleClient());
    const before = Object.keys(globalThis);
    const module = await import(/* @vite-ignore */ pathToFileURL(path).href);
    expect(Object.keys(module)).toEqual(['startReporter']);
    expect(Object.keys(globalThis)).toEqual(before);
  });

  it('costs a page that does not use it nothing', async () => {
    const entry = join(import.meta.dirname, 'reporter.ts');
    const stdin = {
      contents: `import { startReporter } from ${JSON.stringify(entry)};`,
      resolveDir: import.meta.dirname,
    };
    const { outputFiles } = await build({ stdin, bundle: true, minify: true, format: 'esm', write: false });
    expect(outputFiles[0]?.text.trim()).toBe('');
  });
});
