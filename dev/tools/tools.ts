/** The programs that the system needs beside npm packages, and where they are on this machine. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export const TOOLS = [
  'nats-server',
  'prometheus',
  'promtool',
  'amtool',
  'chromium',
  'janus',
  'livekit-server',
  'node-22',
  'turnserver',
  'helm',
  'kubeconform',
] as const;
export type Tool = (typeof TOOLS)[number];

/** Not every platform has them. Tests that need one say that they were not run (test/support/needs.ts). */
const OPTIONAL: ReadonlySet<Tool> = new Set(['janus', 'livekit-server', 'amtool', 'node-22', 'helm', 'kubeconform']);

/** Where programs are put that were unpacked for this project alone. */
export const TOOLS_FOLDER = join(import.meta.dirname, '..', '..', '.edgepulse', 'tools');

/** Debian puts servers in /usr/sbin, which is not on the PATH of an ordinary user. */
const FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
  '/usr/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/opt/homebrew/bin',
  TOOLS_FOLDER,
];

/** Other names and places of the same program. */
const ALIASES: { readonly [name in Tool]?: readonly string[] } = {
  chromium: [
    'chromium-browser',
    'google-chrome-stable',
    'google-chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ],
};

export function isOptional(tool: Tool): boolean {
  return OPTIONAL.has(tool);
}

/** Absolute path of the program, or undefined. */
export async function findTool(tool: Tool): Promise<string | undefined> {
  for (const name of [tool, ...(ALIASES[tool] ?? [])]) {
    const paths = name.startsWith('/') ? [name] : FOLDERS.map((folder) => join(folder, name));
    for (const path of paths) if (await isExecutable(path)) return path;
  }
  return undefined;
}

/** @throws when the program is not on this machine */
export async function requireTool(tool: Tool): Promise<string> {
  const path = await findTool(tool);
  if (path === undefined) throw new Error(`${tool} is not installed: run "npm run install-tools"`);
  return path;
}

/**
 * The folder under which the program's own files are, for example its plugins in `usr/lib`: the machine's root, unless
 * the program was unpacked for this project.
 * @param path of the program, as {@link requireTool} returns it
 */
export function rootOf(path: string): string {
  return path.startsWith(TOOLS_FOLDER) ? unpackedRoot(path) : '/';
}

/** Where the packages of a program are unpacked that does not run without the rest of its files. */
export function unpackedRoot(path: string): string {
  return `${path}.root`;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
