/**
 * Installs a missing program. The single-file servers (nats-server, prometheus, promtool) are
 * unpacked from Debian's packages into a folder of the project: that needs no root, starts no
 * system service and is gone when the folder is. Chromium needs its libraries, so apt installs it.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import type { Tool } from './tools.ts';

type Install = { readonly folder: string; readonly report: (line: string) => void };

/** Where a package keeps the program; `unpack` when the program runs without the rest of the system's set-up. */
const DEBIAN: { readonly [tool in Tool]: { package: string; path: string; unpack: boolean } } = {
  'nats-server': { package: 'nats-server', path: 'usr/sbin/nats-server', unpack: true },
  prometheus: { package: 'prometheus', path: 'usr/bin/prometheus', unpack: true },
  promtool: { package: 'prometheus', path: 'usr/bin/promtool', unpack: true },
  chromium: { package: 'chromium', path: 'usr/bin/chromium', unpack: false },
};

const HOMEBREW: { readonly [tool in Tool]: readonly string[] } = {
  'nats-server': ['nats-server'],
  prometheus: ['prometheus'],
  promtool: ['prometheus'],
  chromium: ['--cask', 'chromium'],
};

const run = promisify(execFile);

/** @throws with one line that says what to install by hand */
export async function installTool(tool: Tool, { folder, report }: Install): Promise<void> {
  try {
    if (await works('apt-get', '--version')) {
      const { package: name, unpack } = DEBIAN[tool];
      report(
        `${tool} is missing: ${unpack ? `unpacking Debian's ${name} into .edgepulse/tools` : `apt-get install ${name}`}`,
      );
      await (unpack ? unpackPackage(name, folder) : installPackage(name));
    } else if (await works('brew', '--version')) {
      report(`${tool} is missing: brew install ${HOMEBREW[tool].join(' ')}`);
      await run('brew', ['install', '--quiet', ...HOMEBREW[tool]], { maxBuffer: Number.POSITIVE_INFINITY });
    } else {
      throw new Error('found neither apt-get nor brew');
    }
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.trim().split('\n').at(-1) ?? '') : String(cause);
    throw new Error(
      `${tool} is missing and installing it failed (${why}): install it yourself and put it on the PATH`,
      {
        cause,
      },
    );
  }
}

/** Every tool that the package holds. */
async function unpackPackage(name: string, folder: string): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'edgepulse-apt-'));
  try {
    await download(name, scratch);
    const archive = (await readdir(scratch)).find((file) => file.endsWith('.deb'));
    if (archive === undefined) throw new Error(`apt-get downloaded no ${name}`);
    await run('dpkg-deb', ['--extract', join(scratch, archive), join(scratch, 'root')]);
    await mkdir(folder, { recursive: true });
    for (const { package: from, path } of Object.values(DEBIAN)) {
      if (from !== name) continue;
      // Copied beside its final name and then renamed, so that two runs at once never see half a program.
      const part = join(folder, `${basename(path)}.${process.pid}`);
      await copyFile(join(scratch, 'root', path), part);
      await rename(part, join(folder, basename(path)));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Uses the machine's package lists, or, where it has none yet, lists of our own: neither needs root. */
async function download(name: string, scratch: string): Promise<void> {
  const unsandboxed = ['-o', 'APT::Sandbox::User='];
  const get = (options: readonly string[], ...command: string[]) =>
    run('apt-get', ['-qq', ...unsandboxed, ...options, ...command], {
      cwd: scratch,
      maxBuffer: Number.POSITIVE_INFINITY,
    });
  try {
    await get([], 'download', name);
  } catch {
    const lists = join(scratch, 'lists');
    const cache = join(scratch, 'cache');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    const own = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`];
    await get(own, 'update');
    await get(own, 'download', name);
  }
}

async function installPackage(name: string): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const install = (...command: string[]) => {
    const words = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...command];
    // -n: a password prompt in the middle of a test run would wait for ever.
    const [file = 'sudo', ...rest] = isRoot ? words : ['sudo', '-n', ...words];
    return run(file, rest, { maxBuffer: Number.POSITIVE_INFINITY });
  };
  await install('update');
  await install('install', '--yes', '--no-install-recommends', name);
}

async function works(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}
