/**
 * The server of the call page: its files, and `POST /join`, which stands for the calling product's own backend and mints a
 * token for each session. It listens on this machine alone.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { ROOT } from '../dev/stack.ts';
import { mintToken } from '../dev/token.ts';
import { type Admission, isRoomName, NAME_RULE } from './rooms.ts';

export type PageServerOptions = {
  /** 0: a free one. */
  readonly port: number;
  /** What tokens are signed with. */
  readonly secret: string;
  readonly addresses: Pick<Admission, 'worker' | 'aggregator' | 'signalling'>;
};

export type PageServer = {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  stop(): void;
};

const HOST = '127.0.0.1';
const FOLDER = join(import.meta.dirname, 'page');
const TOKEN_MS = 12 * 60 * 60 * 1_000;
const BODY_MAX = 1_024;

type File = { readonly type: string; readonly body: string };

/** Bundles the page and serves it. @throws when the port is taken */
export async function startPageServer({ port, secret, addresses }: PageServerOptions): Promise<PageServer> {
  const files = await readFiles();
  const headers = securityHeaders(addresses);
  const server = createServer(async (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    // A page elsewhere whose name was made to resolve to this machine sends its own name.
    if (!isThisMachine(request.headers.host))
      return answer(response, 421, 'this server answers for 127.0.0.1 and localhost alone');
    const [pathname = '/'] = (request.url ?? '/').split('?');
    if (request.method === 'POST' && pathname === '/join') return admit(request, response, { secret, addresses });
    const file = request.method === 'GET' ? files.get(pathname) : undefined;
    if (!file) return answer(response, 404, `nothing here: ${request.method} ${pathname}`);
    response.setHeader('content-type', file.type);
    response.end(file.body);
  });
  server.listen(port, HOST);
  await once(server, 'listening');
  return {
    origin: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function admit(
  request: IncomingMessage,
  response: ServerResponse,
  { secret, addresses }: Pick<PageServerOptions, 'secret' | 'addresses'>,
): Promise<void> {
  // Another site's page can't send JSON here without a preflight, which is not answered.
  if (request.headers['content-type'] !== 'application/json') return answer(response, 415, 'expected application/json');
  const room = await readRoom(request);
  if (room === undefined) return answer(response, 400, NAME_RULE);
  const sessionId = `s-${randomBytes(6).toString('hex')}`;
  const token = await mintToken({ meetingId: room, sessionId, secret, expiresAtMs: Date.now() + TOKEN_MS });
  const admission: Admission = { sessionId, token, ...addresses };
  response.setHeader('content-type', 'application/json');
  response.setHeader('cache-control', 'no-store');
  response.end(JSON.stringify(admission));
}

/** @returns undefined when the body is too long, no JSON, or names no valid room */
async function readRoom(request: IncomingMessage): Promise<string | undefined> {
  let text = '';
  try {
    for await (const chunk of request.setEncoding('utf8')) {
      text += chunk;
      if (text.length > BODY_MAX) return undefined;
    }
    const { room } = JSON.parse(text) ?? {};
    return isRoomName(room) ? room : undefined;
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

function isThisMachine(host = ''): boolean {
  return ['127.0.0.1', 'localhost'].includes(host.replace(/:\d+$/, ''));
}

function securityHeaders({ worker, signalling }: PageServerOptions['addresses']): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'",
      `connect-src 'self' ${worker} ${signalling}`,
      // No text of anybody can become HTML: Chromium refuses every assignment to innerHTML and the like.
      "require-trusted-types-for 'script'; trusted-types 'none'",
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ].join('; '),
    'permissions-policy': 'camera=(self), microphone=(self)',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}

async function readFiles(): Promise<Map<string, File>> {
  const [html, css, icon, js] = await Promise.all([
    readFile(join(FOLDER, 'index.html'), 'utf8'),
    readFile(join(FOLDER, 'page.css'), 'utf8'),
    readFile(join(ROOT, 'aggregator', 'board', 'favicon.svg'), 'utf8'),
    bundlePage(),
  ]);
  return new Map([
    ['/', { type: 'text/html; charset=utf-8', body: html }],
    ['/page.css', { type: 'text/css; charset=utf-8', body: css }],
    ['/favicon.svg', { type: 'image/svg+xml', body: icon }],
    ['/page.js', { type: 'text/javascript; charset=utf-8', body: js }],
  ]);
}

async function bundlePage(): Promise<string> {
  const bundle = await rolldown({
    input: join(FOLDER, 'page.ts'),
    platform: 'browser',
    transform: { target: 'es2022' },
  });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return output[0].code;
}
