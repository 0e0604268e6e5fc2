/** On which addresses processes listen, from the kernel itself (Linux). */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** State of a listening socket in /proc/net/tcp. */
const LISTEN = '0A';

/**
 * Addresses with ports of every TCP socket that one of the processes listens on, sorted.
 * @example await listeningOf([pid]) // ['127.0.0.1:9464']
 */
export async function listeningOf(pids: readonly number[]): Promise<string[]> {
  const inodes = new Set((await Promise.all(pids.map(socketsOf))).flat());
  const found: string[] = [];
  for (const table of ['tcp', 'tcp6']) {
    const [, ...rows] = (await readFile(`/proc/net/${table}`, 'utf8')).trim().split('\n');
    for (const row of rows) {
      const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
      if (state === LISTEN && inodes.has(inode)) found.push(readable(local));
    }
  }
  return found.toSorted();
}

/** Inodes of a process's sockets. */
async function socketsOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return targets.flatMap((target) => target.match(/^socket:\[(\d+)\]$/)?.[1] ?? []);
}

/** `0100007F:24F8` -> `127.0.0.1:9464`: IPv4 bytes are in reverse; IPv6 stays as it is, with `::1` and `::` named. */
function readable(local: string): string {
  const [address = '', port = ''] = local.split(':');
  const number = Number.parseInt(port, 16);
  if (address.length === 8) return `${Buffer.from(address, 'hex').reverse().join('.')}:${number}`;
  if (/^0+$/.test(address)) return `[::]:${number}`;
  return `[${/^0{24}01000000$/.test(address) ? '::1' : address}]:${number}`;
}
