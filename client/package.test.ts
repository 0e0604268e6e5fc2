/** The published reporter: its size, its imports, its types, and that it loads where there is no page. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundleClient, bundleModule, gzipBytes, SIZE_MAX, writeTypes } from '../dev/build-client.ts';
import manifest from './package.json' with { type: 'json' };

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-client-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('the package', () => {
  it('is within its size limit', async () => {
    expect(gzipBytes(await bundleClient())).toBeLessThanOrEqual(SIZE_MAX);
  });

  it('depends on nothing, and says so', async () => {
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('peerDependencies');
    expect(await bundleClient()).not.toMatch(/\bimport\b/);
  });

  it('bundles no more of edgepulse than it needs', async () => {
    const code = await bundleClient();
    // The table of reject reasons, and the decoder of beacons.
    expect(code).not.toContain('incomplete_body');
    expect(code).not.toContain('is not within');
  });

  it.each([
    ['bundler', 'preserve'],
    ['nodenext', 'nodenext'],
  ])('has types that reject wrong use, with modules resolved as %s', async (moduleResolution, module) => {
    const folder = await temporaryFolder();
    const home = join(folder, 'node_modules', manifest.name);
    await writeTypes(join(home, 'dist', 'types'));
    await writeFile(join(home, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(
      join(folder, 'page.ts'),
      `import { startReporter } from '${manifest.name}';
       const reporter = startReporter({ endpoint: 'https://edge', token: 't', meetingId: 'm', sessionId: 's' });
       reporter.addPeerConnection(new RTCPeerConnection(), { peerOf: ({ trackIdentifier, mid }) => trackIdentifier ?? mid });
       reporter.reportPeer('bo-1', { neteq: { buffer: 0.06 } });
       // @ts-expect-error there is no such type of server
       reporter.update({ server: { url: 'https://media', type: 'carrier-pigeon' } });`,
    );
    const tsc = join(import.meta.dirname, '..', 'node_modules', 'typescript', 'bin', 'tsc');
    const args = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2022', '--lib', 'es2022,dom', '--types', ''];
    const options = ['--moduleResolution', moduleResolution, '--module', module, join(folder, 'page.ts')];
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, ...args, ...options]).catch(
      (failure: { stdout: string }) => failure,
    );
    expect(stdout).toBe('');
  });

  it('can be loaded on a server, where it does nothing', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'index.mjs');
    await writeFile(path, await bundleClient());
    const before = Object.keys(globalThis);
    const module = await import(/* @vite-ignore */ pathToFileURL(path).href);
    expect(Object.keys(module)).toEqual(['startReporter']);
    expect(Object.keys(globalThis)).toEqual(before);
  });

  it('adds nothing to a page that does not use it', async () => {
    const path = join(await temporaryFolder(), 'page.mjs');
    const reporter = join(import.meta.dirname, 'reporter.ts');
    await writeFile(path, `import { startReporter } from ${JSON.stringify(reporter)};\nconsole.log('a page');\n`);
    expect((await bundleModule(path)).trim()).toBe('console.log(`a page`);');
  });
});
