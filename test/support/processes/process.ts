/**
 * Child processes of tests and benchmarks: captured output, waiting for a line, and an end that
 * takes the whole process group along, also when the test itself fails.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type Guard, killGroup, spawned, startGuard } from '../../../dev/processes/process-group.ts';
import { eventually } from '../poll.ts';

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type RunningProcess = {
  readonly pid: number;
  /** Standard output and standard error so far, in order of arrival. */
  output(): string;
  /** Standard output alone so far. */
  stdout(): string;
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
  /** The first line of output that matches. @throws with the output when the process ends first or the deadline passes */
  waitForLine(pattern: RegExp, deadlineMs?: number): Promise<RegExpMatchArray>;
  /** Signals this process alone. */
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM; after `graceMs` SIGKILL to the whole group. Safe to call twice. */
  stop(graceMs?: number): Promise<Exit>;
  /** SIGKILL to the whole group. Safe to call twice. */
  kill(): Promise<Exit>;
};

export type ProcessOptions = {
  /** Added to PATH, HOME and TMPDIR; nothing else of the caller's environment is passed on. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
};

/** Also a test process that is killed leaves nobody behind. */
let guard: Promise<Guard> | undefined;

/** Starts `command` as the leader of a process group of its own. @throws when it can't be started */
export async function startProcess(
  command: string,
  args: readonly string[],
  { env = {}, cwd }: ProcessOptions = {},
): Promise<RunningProcess> {
  guard ??= startGuard({ unref: true });
  const { watch, forget } = await guard;
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...baseEnvironment(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const pid = await spawned(child, command);
  watch(pid);
  const exited = new Promise<Exit>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return observe({ child, pid, exited, command, forget });
}

type Observed = {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly command: string;
  readonly forget: (pid: number) => void;
};

function observe({ child, pid, exited, command, forget }: Observed): RunningProcess {
  let all = '';
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    all += text;
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    all += text;
  });
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const kill = () => {
    killGroup(pid);
    forget(pid);
    return exited;
  };
  return {
    pid,
    exited,
    hasExited,
    kill,
    output: () => all,
    stdout: () => stdout,
    signal: (signal) => {
      child.kill(signal);
    },
    async waitForLine(pattern, deadlineMs = 30_000) {
      const line = new RegExp(pattern.source, pattern.flags.includes('m') ? pattern.flags : `${pattern.flags}m`);
      const found = await eventually(() => all.match(line) ?? (hasExited() ? 'ended' : undefined), {
        deadlineMs,
      }).catch((cause: unknown) => {
        throw new Error(`${command}: no line ${pattern} in ${deadlineMs} ms; its output:\n${all}`, { cause });
      });
      if (typeof found === 'string') throw new Error(`${command} ended before a line ${pattern}; its output:\n${all}`);
      return found;
    },
    async stop(graceMs = 5_000) {
      if (!hasExited()) child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(pid), graceMs);
      const exit = await exited;
      clearTimeout(timer);
      await kill();
      return exit;
    },
  };
}

function baseEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, TMPDIR };
}
