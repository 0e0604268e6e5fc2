/**
 * The child processes of `npm start`: each the leader of a process group, so that its own children
 * (workerd is wrangler's) go with it; none outlives this process.
 */
import { spawn } from 'node:child_process';
import { killGroup, signal, spawned, startGuard } from './process-group.ts';

export type ChildCommand = {
  /** Its name in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
};

export type Child = {
  readonly name: string;
  readonly pid: number;
  /** The last lines of its output, both streams. */
  tail(): string;
  /** The first line of output that matches. */
  line(pattern: RegExp): Promise<RegExpMatchArray>;
};

/** A child ended without being stopped. */
export class ChildEnded extends Error {
  override readonly name = 'ChildEnded';
}

export type Children = {
  /** @throws when the command can't be started */
  start(command: ChildCommand): Promise<Child>;
  /** Rejects with {@link ChildEnded} when a child ends without being stopped; never resolves. */
  readonly failed: Promise<never>;
  /** Makes `failed` reject when a process inside a child ended and the child itself did not. */
  fail(error: ChildEnded): void;
  /** Ends all in reverse order of their start: SIGTERM, SIGKILL to the group after the grace. */
  stop(): Promise<void>;
};

const GRACE_MS = 5_000;
const READY_MS = 120_000;
const TAIL_LINES = 40;

export type ChildrenOptions = {
  /** Removed when everything has ended. */
  readonly folder: string;
  /** Receives every line of output; absent: output is only kept for {@link Child.tail}. */
  readonly onLine?: (name: string, line: string) => void;
};

type Running = { readonly child: Child; readonly exited: Promise<string> };

export async function createChildren({ folder, onLine }: ChildrenOptions): Promise<Children> {
  const guard = await startGuard({ folder });
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  // It may fail before anybody awaits it, and that must not be an unhandled rejection.
  failed.catch(() => {});
  guard.exited.then(() => fail(new ChildEnded('dev/processes/guard.ts ended unexpectedly')));
  const running: Running[] = [];
  let stopping = false;

  return {
    failed,
    fail,
    async start({ name, command, args, env }) {
      const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env });
      const exited = new Promise<string>((resolve) => {
        child.once('exit', (code, by) => resolve(by ? `killed by ${by}` : `exit code ${code}`));
      });
      const pid = await spawned(child, name);
      guard.watch(pid);
      const output = createOutput((line) => onLine?.(name, line));
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', output.write);
      const started: Child = { name, pid, tail: output.tail, line: output.match };
      running.push({ child: started, exited });
      exited.then((how) => {
        killGroup(pid);
        guard.forget(pid);
        if (!stopping) fail(new ChildEnded(`${name} ended unexpectedly (${how})`, { cause: output.tail() }));
      });
      return started;
    },
    async stop() {
      stopping = true;
      for (const { child, exited } of running.toReversed()) await end(child.pid, exited);
      await guard.release();
    },
  };
}

/** What the child is up by. @throws when that takes too long */
export async function childIsUp<T>(child: Child, up: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${child.name} is not ready after ${READY_MS / 1000} s`, { cause: child.tail() }));
    }, READY_MS);
  });
  return Promise.race([up, late]).finally(() => clearTimeout(timer));
}

/** SIGTERM goes to the leader alone: wrangler ends its workerd itself, in its own order. */
async function end(pid: number, exited: Promise<string>): Promise<void> {
  signal(pid, 'SIGTERM');
  const timer = setTimeout(() => killGroup(pid), GRACE_MS);
  await exited;
  clearTimeout(timer);
}

type Output = { write(text: string): void; tail(): string; match(pattern: RegExp): Promise<RegExpMatchArray> };

function createOutput(onLine: (line: string) => void): Output {
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  let rest = '';
  return {
    write(text) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        if (lines.length > TAIL_LINES) lines.shift();
        for (const waiter of waiting) waiter(line);
        onLine(line);
      }
    },
    tail: () => [...lines, rest].join('\n').trim(),
    match(pattern) {
      return new Promise((resolve) => {
        const waiter = (line: string) => {
          const found = line.match(pattern);
          if (!found) return;
          waiting.delete(waiter);
          resolve(found);
        };
        waiting.add(waiter);
        for (const line of lines) waiter(line);
      });
    },
  };
}
