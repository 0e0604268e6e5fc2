/** Programs that are built from a Go module. */
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { inScratch, run } from './run.ts';
import type { GoSource } from './sources.ts';

/** Puts the program into the folder, under `name`. */
export async function installGo({ command }: GoSource, name: string, folder: string): Promise<void> {
  await inScratch(folder, async (scratch) => {
    // Without C there is no compiler to find on the machine. Nobody debugs it.
    const env = { ...process.env, GOBIN: scratch, CGO_ENABLED: '0' };
    await run('go', ['install', '-ldflags=-s -w', command], { env });
    await rename(join(scratch, basename(command).replace(/@.*/, '')), join(folder, name));
  });
}
