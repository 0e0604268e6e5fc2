/**
 * Runs a program of an image the way a cluster that trusts nobody does: its root is read-only, it is no root and can't become
 * one, it sees no process but its own, and of devices `null` and `urandom`. Linux only.
 */
import { run, works } from '../tools/run.ts';
import type { Image } from './stage.ts';

export type Confined = {
  readonly image: Image;
  readonly command: readonly string[];
  readonly env: { readonly [name: string]: string };
  /** Folders of the image that it may write to. */
  readonly writable?: readonly string[];
  /** `own`: nothing but a loopback of its own; a process's id: that process's network. Default: the machine's. */
  readonly network?: 'own' | number;
  readonly asRoot: readonly string[];
};

const SCRIPT = `set -e
root=$1 user=$2 writable=$3 network=$4; shift 4
if [ "$network" = own ]; then ip link set lo up; fi
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
for device in null urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
for folder in $writable; do mount --bind "$root$folder" "$root$folder"; done
mount -o remount,bind,ro "$root"
cd /
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"`;

/** The words of the command to start. Its last descendant is the program, as process 1 of its namespace. */
export function confined({ image, command, env, writable = [], network, asRoot }: Confined): string[] {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const enter = typeof network === 'number' ? ['nsenter', `--net=/proc/${network}/ns/net`] : [];
  const own = network === 'own' ? ['--net'] : [];
  const namespaces = [...enter, 'unshare', '--mount', '--pid', '--ipc', '--uts', ...own, '--fork', '--kill-child'];
  const script = ['sh', '-c', SCRIPT, 'sh', image.root, image.user, writable.join(' '), `${network}`];
  // The script finds mount and chroot on the PATH, which the program inside has no use for.
  const outside = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', ...settings];
  return [...asRoot, ...namespaces, ...outside, ...script, ...command];
}

/** What to put in front of a command that needs root; undefined where nobody may. */
export async function findRoot(): Promise<readonly string[] | undefined> {
  const prefixes = process.getuid?.() === 0 ? [[]] : [['sudo', '-n']];
  for (const prefix of prefixes) {
    const words = [...prefix, 'unshare', '--mount', '--pid', '--fork', 'mount', '-t', 'proc', 'proc', '/proc'];
    if (await works(words[0] as string, ...words.slice(1))) return prefix;
  }
  return undefined;
}

/** Ends when the program does. @throws with its output unless it ends with 0 */
export async function runConfined(options: Confined): Promise<void> {
  const [file = '', ...args] = confined(options);
  await run(file, args);
}
