/** Process groups that don't outlive this process, however it ends: the near end of guard.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

export type Guard = {
  /** From now on the group that `pid` leads ends when this process does. */
  watch(pid: number): void;
  /** The group has ended. */
  forget(pid: number): void;
  /** Has the guard clean up (see guard.ts) and end. */
  release(): Promise<void>;
  readonly exited: Promise<void>;
};

export type GuardOptions = {
  /** Removed at the end. */
  readonly folder?: string;
  /** Whether this process may end while the guard is there; then the guard's work begins. */
  readonly unref?: boolean;
};

export async function startGuard({ folder, unref = false }: GuardOptions = {}): Promise<Guard> {
  const args = [join(import.meta.dirname, 'guard.ts'), ...(folder === undefined ? [] : [folder])];
  const guard = spawn(process.execPath, args, { detached: true, stdio: ['pipe', 'ignore', 'inherit'] });
  const exited = new Promise<void>((resolve) => guard.once('exit', () => resolve()));
  await spawned(guard, 'the guard');
  // That the guard was killed is seen by `exited`; writing to it meanwhile is harmless.
  guard.stdin.on('error', () => {});
  if (unref) {
    guard.unref();
    if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref();
  }
  return {
    watch: (pid) => void guard.stdin.write(`+${pid}\n`),
    forget: (pid) => void guard.stdin.write(`-${pid}\n`),
    release() {
      guard.stdin.end();
      return exited;
    },
    exited,
  };
}

/** The started process's id. @throws when it can't be started */
export function spawned(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', (cause) => reject(new Error(`${name} could not be started`, { cause })));
  });
}

export function killGroup(pid: number): void {
  signal(-pid, 'SIGKILL');
}

/** To one process, or, with a negative id, to a group. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It has ended already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
