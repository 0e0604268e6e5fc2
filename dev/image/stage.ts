/**
 * Builds a stage of a Dockerfile without a container engine: each COPY and RUN is done in a root of its own, and the rest is
 * returned as the image's settings. It needs root, for `unshare` and `chroot`.
 */
import { chmod, copyFile, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { basename, dirname, join, posix, relative } from 'node:path';
import { run } from '../tools/run.ts';
import type { Instruction, Stage } from './dockerfile.ts';

/** Of the official images. */
const IMAGE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Image = {
  /** Its file system. */
  readonly root: string;
  /** Of a stage that begins with this one. */
  readonly workdir: string;
  /** `uid:gid` */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly healthcheck: readonly string[];
  readonly labels: { readonly [name: string]: string };
  readonly exposed: readonly string[];
};

export type Build = {
  /** Where the stage's root is made. */
  readonly folder: string;
  /** What it begins with. */
  readonly base: Pick<Image, 'root' | 'workdir'>;
  /** Files that a COPY without `--from` can see. */
  readonly context: { readonly folder: string; readonly isIn: (path: string) => boolean };
  /** Earlier stages, by name. */
  readonly earlier: { readonly [stage: string]: Pick<Image, 'root'> };
  /** In front of a command that needs root. */
  readonly asRoot: readonly string[];
};

export async function buildStage(stage: Stage, build: Build): Promise<Image> {
  const root = await mkdtemp(join(build.folder, `${stage.name}-`));
  await chmod(root, 0o755);
  await run('cp', ['-a', '--reflink=auto', `${build.base.root}/.`, root]);
  const image = { root, user: '', entrypoint: [] as readonly string[], healthcheck: [] as readonly string[] };
  const labels: { [name: string]: string } = {};
  const exposed: string[] = [];
  let { workdir } = build.base;
  let args: Instruction['flags'] = {};
  for (const instruction of stage.instructions) {
    const { name, text, words = [] } = instruction;
    if (name === 'WORKDIR') {
      workdir = text;
      await mkdir(join(root, workdir), { recursive: true });
    } else if (name === 'COPY') await copy(instruction, { build, root, workdir });
    else if (name === 'ARGS') args = instruction.flags;
    else if (name === 'RUN') await runIn(root, { workdir, args, text, asRoot: build.asRoot });
    else if (name === 'USER') image.user = text;
    else if (name === 'ENTRYPOINT') image.entrypoint = words;
    else if (name === 'HEALTHCHECK') image.healthcheck = words;
    else if (name === 'EXPOSE') exposed.push(text);
    else if (name === 'LABEL')
      for (const [, label = '', value = ''] of text.matchAll(/(\S+)="(.*?)"/g)) labels[label] = value;
    else if (name !== 'VOLUME') throw new Error(`${name} is not known here`);
  }
  return { ...image, workdir, labels, exposed };
}

type Copying = { readonly build: Build; readonly root: string; readonly workdir: string };

async function copy({ flags, text }: Instruction, { build, root, workdir }: Copying): Promise<void> {
  const words = text.split(' ');
  const target = join(root, posix.resolve(workdir, words.at(-1) ?? ''));
  await mkdir(target, { recursive: true });
  for (const source of words.slice(0, -1)) {
    if (flags.from === undefined) await copyContext(source, target, build.context);
    else await run('cp', ['-a', '--reflink=auto', `${join(rootOf(build, flags.from), source)}/.`, target]);
  }
  if (flags.chown !== undefined) {
    const [command = 'chown', ...rest] = [...build.asRoot, 'chown', '-R', flags.chown, target];
    await run(command, rest);
  }
}

function rootOf({ earlier }: Build, stage: string): string {
  const root = earlier[stage]?.root;
  if (root === undefined) throw new Error(`COPY --from=${stage}: there is no such stage before`);
  return root;
}

/** @param source a file, or `.` for all of them */
async function copyContext(source: string, target: string, { folder, isIn }: Build['context']): Promise<void> {
  const sent = (path: string) => path === '.' || isIn(path);
  if (source !== '.') {
    if (!sent(source)) throw new Error(`${source} is not in the context: see the .dockerignore`);
    await copyFile(join(folder, source), join(target, basename(source)));
    return;
  }
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = relative(folder, join(entry.parentPath, entry.name));
    if (!entry.isFile() || !sent(path)) continue;
    await mkdir(dirname(join(target, path)), { recursive: true });
    await copyFile(join(folder, path), join(target, path));
  }
}

type Command = {
  readonly text: string;
  readonly workdir: string;
  readonly args: Instruction['flags'];
  readonly asRoot: readonly string[];
};

/** Of what is outside, a command sees the network, the resolver's configuration and the authorities that TLS trusts. */
const RUN_SCRIPT = `set -e
root=$1; shift
mount -t proc proc "$root/proc"
for device in null urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
for file in /etc/resolv.conf /etc/hosts "$NODE_EXTRA_CA_CERTS"; do
  [ -e "$file" ] || continue
  mkdir -p "$root/$(dirname "$file")"; touch "$root/$file"; mount --bind "$file" "$root/$file"
done
exec chroot "$root" "$@"`;

async function runIn(root: string, { text, workdir, args, asRoot }: Command): Promise<void> {
  const trusted = process.env.NODE_EXTRA_CA_CERTS ?? '';
  const variables = { PATH: IMAGE_PATH, HOME: '/root', ...args };
  const env = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const inside = ['/usr/bin/env', '-i', ...env, `NODE_EXTRA_CA_CERTS=${trusted}`, '/bin/sh', '-c'];
  const shell = ['sh', '-c', RUN_SCRIPT, 'sh', root, ...inside, `cd ${workdir} && ${text}`];
  const namespaces = ['unshare', '--mount', '--pid', '--fork', '--kill-child'];
  const command = [...asRoot, 'env', `NODE_EXTRA_CA_CERTS=${trusted}`, ...namespaces, ...shell];
  await run(command[0] as string, command.slice(1));
}
