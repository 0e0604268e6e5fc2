/**
 * Regional nats-servers and their hub on one machine, from the files of this folder: which of them runs with which
 * configuration and environment. Without TLS unless certificates are given.
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accountsConfig, passwordVariable, usersOf } from './accounts.ts';

export type ServerPlan = {
  readonly name: string;
  /** Absolute path of the configuration file that it is started with. */
  readonly config: string;
  /** All variables that its configuration names. */
  readonly env: { readonly [variable: string]: string };
  /** Where clients connect, on loopback. */
  readonly port: number;
};

export type NatsPlan = {
  readonly hub: (ServerPlan & { readonly leafPort: number }) | undefined;
  /** A region's servers: one, or the three of its cluster. */
  readonly regions: ReadonlyMap<string, readonly ServerPlan[]>;
};

export type Certificates = { readonly ca: string; readonly cert: string; readonly key: string };

export type PlanOptions = {
  readonly regions: readonly string[];
  /** Servers of a region; default 1. */
  readonly clusterSize?: 1 | 3;
  /** Whether the regions are joined; default true. */
  readonly hub?: boolean;
  /** Configuration and stores are put there. */
  readonly folder: string;
  /** Paths of PEM files; without, nothing is encrypted. The certificate must be of `localhost`. */
  readonly certificates?: Certificates;
  /** As nats-server writes it, default `1G`. */
  readonly maxFileStore?: string;
  readonly password: (user: string) => string;
  /** A port of loopback that nobody listens on. */
  readonly freePort: () => Promise<number>;
  /** The port that a region's leaf nodes connect to; default the hub's own. */
  readonly leafPortOf?: (region: string, hubLeafPort: number) => Promise<number>;
};

const SOURCE = join(import.meta.dirname, '..');
const FILES = ['region.conf', 'cluster.conf', 'hub.conf', 'hubs.conf', 'client-tls.conf', 'peer-tls.conf'];
const NOTHING = '# Nothing: this server runs without.\n';

/** Writes the configuration into `folder`, and plans what runs with it. */
export async function planNats(options: PlanOptions): Promise<NatsPlan> {
  const { regions, hub: hasHub = true, folder, certificates, freePort, leafPortOf } = options;
  await mkdir(folder, { recursive: true });
  for (const file of FILES) await copyFile(join(SOURCE, file), join(folder, file));
  await writeFile(join(folder, 'accounts.conf'), accountsConfig(regions));
  if (!hasHub) await writeFile(join(folder, 'hubs.conf'), NOTHING);
  if (!certificates) {
    await writeFile(join(folder, 'client-tls.conf'), NOTHING);
    await writeFile(join(folder, 'peer-tls.conf'), NOTHING);
  }
  const hub = hasHub ? await planHub(options) : undefined;
  const planned = regions.map(async (region) => {
    const leafPort = hub && ((await leafPortOf?.(region, hub.leafPort)) ?? hub.leafPort);
    return [region, await planRegion(options, region, leafPort)] as const;
  });
  return { hub, regions: new Map(await Promise.all(planned)) };

  async function planHub(of: PlanOptions): Promise<NatsPlan['hub']> {
    const [port, leafPort] = [await freePort(), await freePort()];
    const env = {
      ...commonEnv(of, 'hub', port),
      HUB: 'hub',
      LEAF_LISTEN: loopback(leafPort),
      GATEWAY_LISTEN: loopback(await freePort()),
      GATEWAYS: '[]',
    };
    return { name: 'hub', config: join(folder, 'hub.conf'), env, port, leafPort };
  }
}

async function planRegion(
  options: PlanOptions,
  region: string,
  leafPort: number | undefined,
): Promise<readonly ServerPlan[]> {
  const { clusterSize = 1, folder, certificates, maxFileStore = '1G', password, freePort } = options;
  const ports = await Promise.all(
    Array.from({ length: clusterSize }, async () => [await freePort(), await freePort()]),
  );
  const scheme = certificates ? 'tls' : 'nats';
  const routes = ports.map(([, route]) => `"${scheme}://localhost:${route}"`);
  const leafUser = `leaf-${region}`;
  return ports.map(([port = 0, route = 0], i) => {
    const name = `${region}-${i + 1}`;
    return {
      name,
      port,
      config: join(folder, clusterSize === 1 ? 'region.conf' : 'cluster.conf'),
      env: {
        ...commonEnv(options, name, port),
        REGION: region,
        STORE_DIR: JSON.stringify(join(folder, 'store', name)),
        MAX_FILE_STORE: maxFileStore,
        HUB_URLS: `["${scheme}://${leafUser}:${password(leafUser)}@localhost:${leafPort ?? 0}"]`,
        CLUSTER_LISTEN: loopback(route),
        ROUTES: `[${routes.join(', ')}]`,
      },
    };
  });
}

function commonEnv({ regions, certificates, password }: PlanOptions, name: string, port: number): ServerPlan['env'] {
  return {
    SERVER_NAME: name,
    LISTEN: loopback(port),
    MONITOR_LISTEN: loopback(-1),
    ...Object.fromEntries(usersOf(regions).map((user) => [passwordVariable(user), JSON.stringify(password(user))])),
    ...(certificates ? tlsEnv(certificates) : {}),
  };
}

function tlsEnv({ ca, cert, key }: Certificates): ServerPlan['env'] {
  return { TLS_CA: JSON.stringify(ca), TLS_CERT: JSON.stringify(cert), TLS_KEY: JSON.stringify(key) };
}

function loopback(port: number): string {
  return `"127.0.0.1:${port}"`;
}
