/** The programs that the system needs beside npm packages: where they are. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export type Tool = 'nats-server' | 'prometheus' | 'promtool' | 'chromium';

/** Debian puts servers in /usr/sbin, which is not on the PATH of an ordinary user. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin'];

/** Absolute path of the program, or undefined. */
export async function findTool(tool: Tool): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...MORE_FOLDERS];
  for (const folder of folders) {
    const path = join(folder, tool);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** @throws when the program is not on this machine */
export async function requireTool(tool: Tool): Promise<string> {
  const path = await findTool(tool);
  if (path === undefined) throw new Error(`${tool} is not installed: run "npm run install-tools"`);
  return path;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
