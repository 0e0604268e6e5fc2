/**
 * Whether a NATS server answers, before anything is started that would wait for it. A NATS server sends
 * the first line, which begins with INFO.
 * @see https://docs.nats.io/reference/reference-protocols/nats-protocol#info
 */
import { createConnection } from 'node:net';

/** In all, for all servers at once. */
const ANSWER_MS = 3_000;

const DEFAULT_PORT = 4222;

/** What people may see of a NATS URL, or of a comma-separated list: no user name and no password. */
export function withoutLogin(urls: string): string {
  return urls.replaceAll(/(^|,|\/\/)[^@/,]*@/g, '$1');
}

/**
 * @param urls `nats://` or `tls://` URLs, comma-separated, which the apps have found valid
 * @returns undefined when at least one answers, else why none does, in one line
 */
export async function natsProblem(urls: string, answerMs = ANSWER_MS): Promise<string | undefined> {
  const servers = urls.split(',').flatMap((url) => url.trim() || []);
  const problems = await Promise.all(servers.map((url) => serverProblem(url, answerMs)));
  if (problems.includes(undefined)) return undefined;
  return `no NATS server at ${servers.map((url, i) => `${withoutLogin(url)} (${problems[i]})`).join(', ')}`;
}

function serverProblem(url: string, answerMs: number): Promise<string | undefined> {
  const { hostname, port } = new URL(url.includes('://') ? url : `nats://${url}`);
  // A server may start with the TLS handshake instead of INFO; then it is enough that it listens.
  const speaksFirst = !url.startsWith('tls://');
  return new Promise((resolve) => {
    const socket = createConnection({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) || DEFAULT_PORT });
    const end = (problem?: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(problem);
    };
    const timer = setTimeout(() => end(`no answer within ${answerMs / 1000} s`), answerMs);
    socket.once('error', (error: NodeJS.ErrnoException) => end(reason(error)));
    socket.once('close', () => end('connection closed'));
    if (!speaksFirst) socket.once('connect', () => end());
    socket.once('data', (data) => end(/^INFO\b/.test(data.toString('latin1')) ? undefined : 'not a NATS server'));
  });
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ENOTFOUND') return 'unknown host';
  return code ?? message;
}
