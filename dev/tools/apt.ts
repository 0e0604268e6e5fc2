/** Programs from Debian's packages: unpacked into a folder of the project, or installed. */
import { chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { inScratch, run } from './run.ts';
import type { AptSource } from './sources.ts';
import { unpackedRoot } from './tools.ts';

/** Calls apt-get in a scratch folder. */
type Apt = (...command: string[]) => Promise<{ stdout: string }>;

/** Puts the programs of one package, which run by themselves, into the folder. */
export async function unpackFiles(name: string, paths: readonly string[], folder: string): Promise<void> {
  await inScratch(folder, async (scratch) => {
    await withApt(scratch, (apt) => apt('download', name));
    const root = await extract(scratch);
    for (const path of paths) await rename(join(root, path), join(folder, basename(path)));
  });
}

/**
 * Unpacks a program with all packages that it depends on and the machine lacks, and puts a script into the folder, under
 * the program's name, that starts it with the libraries among them.
 */
export async function unpackTree({ package: name, path }: AptSource, folder: string): Promise<void> {
  await inScratch(folder, async (scratch) => {
    await withApt(scratch, async (apt) => {
      const { stdout } = await apt('install', '--simulate', '--no-install-recommends', name);
      await apt('download', ...[...stdout.matchAll(/^Inst (\S+)/gm)].map(([, missing = '']) => missing));
    });
    const root = await extract(scratch);
    const program = join(folder, basename(path));
    const script = join(scratch, 'script');
    await writeFile(script, startScript(path, await libraryFolders(root)));
    await chmod(script, 0o755);
    // Two runs at once may both get here: the second one's is as good, and the first may be in use.
    await rename(root, unpackedRoot(program)).catch(() => {});
    await rename(script, program);
  });
}

/** Unpacks these packages, and nothing that they depend on, into a root. */
export async function unpackPackages(names: readonly string[], root: string): Promise<void> {
  await inScratch(root, async (scratch) => {
    await withApt(scratch, (apt) => apt('download', ...names));
    await run('cp', ['-a', `${await extract(scratch)}/.`, root]);
  });
}

export async function installPackage(name: string): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const install = (...command: string[]) => {
    const words = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...command];
    // -n: a password prompt in the middle of a test run would wait for ever.
    const [file = 'sudo', ...rest] = isRoot ? words : ['sudo', '-n', ...words];
    return run(file, rest);
  };
  await install('update');
  await install('install', '--yes', '--no-install-recommends', name);
}

/** Uses the machine's package lists, or, where it has none yet or old ones, lists of our own: neither needs root. */
async function withApt(scratch: string, work: (apt: Apt) => Promise<unknown>): Promise<void> {
  const aptWith =
    (...options: string[]): Apt =>
    (...command) =>
      run('apt-get', ['-qq', '-o', 'APT::Sandbox::User=', ...options, ...command], { cwd: scratch });
  try {
    await work(aptWith());
  } catch {
    const lists = join(scratch, 'lists');
    const cache = join(scratch, 'cache');
    await mkdir(join(lists, 'partial'), { recursive: true });
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
    const own = aptWith('-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`);
    await own('update');
    await work(own);
  }
}

/** @returns the folder that now has the content of all packages in the scratch folder */
async function extract(scratch: string): Promise<string> {
  const root = join(scratch, 'root');
  const archives = (await readdir(scratch)).filter((file) => file.endsWith('.deb'));
  if (!archives.length) throw new Error('apt-get downloaded no package');
  for (const archive of archives) await run('dpkg-deb', ['--extract', join(scratch, archive), root]);
  return root;
}

async function libraryFolders(root: string): Promise<string[]> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const libraries = files.filter(({ name }) => /\.so\.\d/.test(name));
  return [...new Set(libraries.map(({ parentPath }) => relative(root, parentPath)))].toSorted();
}

function startScript(path: string, libraries: readonly string[]): string {
  const search = libraries.map((folder) => `$root/${folder}`).join(':');
  return `#!/bin/sh
root="$0.root"
LD_LIBRARY_PATH="${search}" exec "$root/${path}" "$@"
`;
}
