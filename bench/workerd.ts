/**
 * A bundle served by workerd itself, without the proxy of `wrangler dev`: what a benchmark of the edge
 * measures. Its vars come from wrangler.toml, as deployed; rate limits are Cloudflare's and absent here.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { type RunningProcess, startProcess } from '../test/support/processes.ts';

export type ServeOptions = {
  /** The bundle's one module. */
  readonly modulePath: string;
  /** Beside the vars of wrangler.toml. */
  readonly vars?: { readonly [name: string]: string };
  /** Whether it has the Forwarder. */
  readonly forwarder: boolean;
};

export type ServedBundle = { readonly url: string; readonly process: RunningProcess; stop(): Promise<void> };

type Wrangler = { compatibility_date: string; compatibility_flags: string[]; vars: { [name: string]: unknown } };

/** Starts workerd on a free port of loopback, with storage in a folder of its own. */
export async function serveBundle({ modulePath, vars = {}, forwarder }: ServeOptions): Promise<ServedBundle> {
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-workerd-'));
  await mkdir(join(folder, 'storage'));
  await writeFile(join(folder, 'index.js'), await readFile(modulePath));
  const wrangler = parse(await readFile('wrangler.toml', 'utf8')) as Wrangler;
  const configPath = join(folder, 'config.capnp');
  await writeFile(configPath, configuration(wrangler, { ...wrangler.vars, ...vars }, forwarder));
  const server = await startProcess('node_modules/.bin/workerd', [
    'serve',
    configPath,
    '--experimental',
    `--directory-path=storage=${join(folder, 'storage')}`,
    '--control-fd=1',
  ]);
  const [, port] = await server.waitForLine(/"event":"listen".*"port":(\d+)/);
  return {
    url: `http://127.0.0.1:${port}`,
    process: server,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(wrangler: Wrangler, vars: { [name: string]: unknown }, forwarder: boolean): string {
  const bindings = Object.entries(vars).map(([name, value]) =>
    typeof value === 'string'
      ? `(name = ${quote(name)}, text = ${quote(value)})`
      : `(name = ${quote(name)}, json = ${quote(JSON.stringify(value))})`,
  );
  if (forwarder) bindings.push('(name = "FORWARDER", durableObjectNamespace = "Forwarder")');
  const flags = wrangler.compatibility_flags.map(quote).join(', ');
  const object = '(className = "Forwarder", uniqueKey = "edgepulse-bench", enableSql = true)';
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private"])),
    (name = "storage", disk = (writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (cfBlobHeader = "cf-blob"), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "index.js", esModule = embed "index.js")],
  compatibilityDate = ${quote(wrangler.compatibility_date)},
  compatibilityFlags = [${flags}],
  bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${forwarder ? object : ''}],
  durableObjectStorage = (localDisk = "storage"),
);
`;
}

/** A Cap'n Proto text literal; JSON's escapes are among its own, but for \u. */
function quote(text: string): string {
  return JSON.stringify(text);
}
