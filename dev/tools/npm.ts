/** Programs that an npm package has for each platform. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { inScratch, run } from './run.ts';
import type { NpmSource } from './sources.ts';

/** Puts the program into the folder, under `name`. */
export async function installNpm({ package: spec, path }: NpmSource, name: string, folder: string): Promise<void> {
  await inScratch(folder, async (scratch) => {
    const { stdout } = await run('npm', ['pack', '--silent', spec], { cwd: scratch });
    // A package's archive has everything below a folder `package`.
    await run('tar', ['-xzf', stdout.trim(), `package/${path}`], { cwd: scratch });
    await rename(join(scratch, 'package', path), join(folder, name));
  });
}
