/** Runs one measurement in a process of its own, so that what ran before neither warms nor fills it. */
import { fork } from 'node:child_process';

/** @param file of the bench folder; it calls {@link answer} with its result */
export function probe<T>(file: string, args: readonly string[] = []): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL(`../${file}`, import.meta.url), args, {
      execArgv: ['--expose-gc', '--max-old-space-size=8192'],
      // Plain JSON would turn NaN into null.
      serialization: 'advanced',
    });
    let result: T | undefined;
    child.on('message', (message) => {
      result = message as T;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && result !== undefined) resolve(result);
      else reject(new Error(`${file} ended with ${code ?? signal}`));
    });
  });
}

export function answer(result: object): void {
  process.send?.(result);
}
