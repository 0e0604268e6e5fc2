/**
 * The board's page and its assets, read from disk once, at start. A request only looks its path up
 * in the map, so that no path can reach another file.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';

export type BoardFile = { readonly body: Buffer; readonly contentType: string; readonly etag: string };
/** By request path. */
export type BoardFiles = ReadonlyMap<string, BoardFile>;

const CONTENT_TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/**
 * What the page uses of packages, by the name under which it asks for it: the files that they publish, as they are.
 * `npm run build` puts them into the board's folder.
 */
export const VENDORED: { readonly [name: string]: string } = {
  'vendor/uplot.js': 'uplot/dist/uPlot.iife.min.js',
  'vendor/uplot.css': 'uplot/dist/uPlot.min.css',
};

/** `index.html` is served as `/`. Sources and tests are left out. Without the folder the map is empty. */
export function readBoard(folder: string): BoardFiles {
  const files = new Map<string, BoardFile>();
  const add = (name: string, path: string) => {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined || name.endsWith('.test.js')) return;
    const body = readFileSync(path);
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    files.set(name === 'index.html' ? '/' : `/${name}`, { body, contentType, etag });
  };
  for (const name of listFiles(folder)) add(name, join(folder, name));
  const { resolve } = createRequire(import.meta.url);
  for (const [name, path] of Object.entries(VENDORED)) {
    if (files.size > 0 && !files.has(`/${name}`)) add(name, resolve(path));
  }
  return files;
}

function listFiles(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        join(entry.parentPath, entry.name).slice(folder.length).replaceAll('\\', '/').replace(/^\/+/, ''),
      );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
