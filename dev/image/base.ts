/**
 * Stand-ins for the images that the Dockerfile begins with, made of the same parts, since an image can't be pulled without a
 * container engine: Debian's packages, unpacked, and Node from npm. They are kept in .edgepulse/image.
 */
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpackPackages } from '../tools/apt.ts';
import { inScratch, run } from '../tools/run.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '.edgepulse', 'image');

/** As Google's `distroless/nodejs` has them. Neither a shell nor a package manager is among them. */
const DISTROLESS = ['base-files', 'ca-certificates', 'libc6', 'libgcc-s1', 'libstdc++6', 'tzdata'];
/** What the commands of a build stage need of `node:*-slim`, with what these depend on. */
const SLIM = ['dash', 'coreutils', 'libacl1', 'libattr1', 'libgmp10', 'libpcre2-8-0', 'libselinux1', 'libssl3', 'sed'];
/** The npm that a Node 24 comes with. */
const NPM = 'npm@11.19.1';

/** The root of a `gcr.io/distroless/nodejs*:nonroot`. @throws when apt or npm can't get a part */
export function distrolessRoot(): Promise<string> {
  return once('distroless', async (root) => {
    await unpackPackages(DISTROLESS, root);
    await addAuthorities(root);
    await addNode(join(root, 'nodejs', 'bin'));
    await writeFile(
      join(root, 'etc', 'passwd'),
      'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
    );
    await writeFile(join(root, 'etc', 'group'), 'root:x:0:\nnonroot:x:65532:\n');
  });
}

/** The root of a `node:*-slim`: sh, coreutils, Node and npm. */
export function slimRoot(): Promise<string> {
  return once('slim', async (root) => {
    await unpackPackages([...DISTROLESS, ...SLIM], root);
    const bin = join(root, 'usr', 'local', 'bin');
    await addNode(bin);
    await run('npm', ['pack', '--silent', NPM, '--pack-destination', root]);
    const archive = (await readdir(root)).find((name) => name.endsWith('.tgz')) as string;
    const modules = join(root, 'usr', 'local', 'lib', 'node_modules', 'npm');
    await mkdir(modules, { recursive: true });
    await run('tar', ['-xzf', join(root, archive), '-C', modules, '--strip-components=1']);
    await rm(join(root, archive));
    await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(bin, 'npm'));
    await chmod(join(modules, 'bin', 'npm-cli.js'), 0o755);
    await symlink('dash', join(root, 'bin', 'sh')).catch(() => {});
  });
}

/** What the package does when it is installed. workerd does not start without them. */
async function addAuthorities(root: string): Promise<void> {
  const folder = join(root, 'usr', 'share', 'ca-certificates', 'mozilla');
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  await mkdir(join(root, 'etc', 'ssl', 'certs'), { recursive: true });
  await writeFile(join(root, 'etc', 'ssl', 'certs', 'ca-certificates.crt'), texts.join(''));
}

async function addNode(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await copyFile(process.execPath, join(folder, 'node'));
}

async function once(name: string, fill: (root: string) => Promise<void>): Promise<string> {
  const target = join(FOLDER, name);
  const isThere = async () => (await readdir(target).catch(() => [])).length > 0;
  if (await isThere()) return target;
  await inScratch(FOLDER, async (scratch) => {
    const root = join(scratch, 'root');
    await mkdir(root);
    await fill(root);
    for (const folder of ['dev', 'proc', 'tmp']) await mkdir(join(root, folder), { recursive: true });
    await chmod(join(root, 'tmp'), 0o1777);
    // Another run may have been faster.
    await rename(root, target).catch(() => {});
  });
  return target;
}
