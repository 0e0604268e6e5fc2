/** Commands that installing a program needs, and a scratch folder for what they write. */
import { type ExecFileOptions, execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** @throws with the command's output, when it fails */
export function run(command: string, args: readonly string[], options: ExecFileOptions = {}) {
  return execute(command, args, { maxBuffer: Number.POSITIVE_INFINITY, ...options, encoding: 'utf8' });
}

export async function works(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}

/**
 * Works in a folder inside `folder`, which is removed afterwards. What is finished is renamed from there to where it
 * belongs, so that two runs at once never see half a program.
 */
export async function inScratch(folder: string, work: (scratch: string) => Promise<void>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, '.unpacking-'));
  try {
    await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
