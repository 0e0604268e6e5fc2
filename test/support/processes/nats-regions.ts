/**
 * Regions joined by a hub, as deploy/nats has them and from its files: each region is a nats-server (or a cluster of
 * three) in a JetStream domain of its own, with a stream HEALTH, and a leaf node of the hub.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type JetStreamManager, type NatsConnection } from 'nats';
import { type Authority, createAuthority } from '../../../deploy/nats/source/authority.ts';
import { type Certificates, planNats, type ServerPlan } from '../../../deploy/nats/source/plan.ts';
import { freePort } from '../../../dev/ports.ts';
import { requireTool } from '../../../dev/tools/tools.ts';
import { STREAM, STREAM_SUBJECTS } from '../../../shared/subjects.ts';
import { type Gate, startGate } from '../network/gate.ts';
import { eventually } from '../poll.ts';
import { type RunningProcess, startProcess } from './process.ts';

export type NatsRegionsOptions = {
  readonly regions: readonly string[];
  /** Servers of each region; default 1. */
  readonly clusterSize?: 1 | 3;
  /** Whether the regions are joined by a hub; default true. */
  readonly hub?: boolean;
  /** Whether everything is encrypted, with a CA of its own; default false. */
  readonly tls?: boolean;
  /** What all streams of a server may take on disk, as nats-server writes it; default `1G`. */
  readonly maxFileStore?: string;
  /** Whether each domain's stream HEALTH is created; default true. */
  readonly streams?: boolean;
};

/** One nats-server. */
export type NatsProcess = {
  readonly name: string;
  pid(): number;
  /** SIGKILL; the store stays. */
  kill(): Promise<void>;
  /** SIGTERM, as a rolling update has it; the store stays. */
  stop(): Promise<void>;
  /** Starts it with the same ports and store; kills it first when it still runs. */
  restart(): Promise<void>;
  log(): string;
};

/** A place where clients connect: a region's servers, or the hub. */
export type NatsPlace = {
  readonly servers: readonly NatsProcess[];
  /**
   * `nats://user:password@host:port` of all servers, separated by commas, as NATS_URL has them.
   * @param user one of deploy/nats/accounts.conf, for example `operator`, `aggregator-apac` or `edge-apac`
   */
  urlOf(user: string): string;
  /** SIGKILL to all of its servers. */
  kill(): Promise<void>;
  /** Starts all of them again, and waits until they can be connected to. */
  restart(): Promise<void>;
};

export type NatsRegion = NatsPlace & {
  readonly name: string;
  /** Of the region's Forwarders. */
  readonly edgeUrl: string;
  readonly aggregatorUrl: string;
  /** May do everything in the region's own domain. */
  readonly operatorUrl: string;
  /** The region can't reach the hub any more, nor the reverse. */
  cutLeaf(): void;
  /** It can again; resolves when a server of the region is connected to the hub. */
  healLeaf(): Promise<void>;
};

export type NatsRegions = {
  /** @throws for a region that was not started */
  region(name: string): NatsRegion;
  /** @throws without a hub */
  readonly hub: NatsPlace;
  /** The CA of all servers; undefined without TLS. */
  readonly authority: Authority | undefined;
  /** Path of its certificate; undefined without TLS. */
  readonly caFile: string | undefined;
  /** Ends all servers and removes what they stored. */
  stop(): Promise<void>;
};

/** What a test reads most; a cluster takes some seconds to elect leaders. */
const READY_MS = 30_000;

/** @example const nats = await startNatsRegions({ regions: ['apac', 'eu-west'] }); */
export async function startNatsRegions(options: NatsRegionsOptions): Promise<NatsRegions> {
  const command = await requireTool('nats-server');
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-nats-regions-'));
  const gates = new Map<string, Gate>();
  const all: NatsProcess[] = [];
  const stop = async () => {
    await Promise.all(all.map((server) => server.kill()));
    await Promise.all([...gates.values()].map((gate) => gate.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  const start = async (plan: ServerPlan) => {
    const server = await startServer(command, plan);
    all.push(server);
    return server;
  };
  try {
    const authority = options.tls ? createAuthority('test') : undefined;
    const certificates = authority && (await writeCertificates(authority, folder));
    const plan = await planNats({
      ...options,
      ...(certificates ? { certificates } : {}),
      folder,
      password: passwordOf,
      freePort,
      async leafPortOf(region, hubLeafPort) {
        const gate = await startGate(hubLeafPort);
        gates.set(region, gate);
        return gate.port;
      },
    });
    const tls = options.tls === true;
    const hub = plan.hub && place([await start(plan.hub)], [plan.hub], tls);
    const started = [...plan.regions].map(async ([name, plans]) => {
      const servers = await Promise.all(plans.map(start));
      return [name, createRegion({ name, place: place(servers, plans, tls), gate: gates.get(name) })] as const;
    });
    const regions = new Map(await Promise.all(started));
    if (options.streams !== false) {
      await Promise.all([...regions.values()].map((region) => createStream(region.operatorUrl, options, authority)));
    }
    return {
      region: (name) => required(regions.get(name), `region ${name}`),
      get hub() {
        return required(hub, 'hub');
      },
      authority,
      caFile: certificates?.ca,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Of a user of {@link startNatsRegions}. */
export function passwordOf(user: string): string {
  return `secret-of-${user}`;
}

async function writeCertificates(authority: Authority, folder: string): Promise<Certificates> {
  const { cert, key } = authority.issue(['localhost', '127.0.0.1']);
  const paths = { ca: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(paths.ca, authority.certificate.cert);
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key, { mode: 0o600 });
  return paths;
}

/**
 * A connection as the user of the URLs; the caller closes it.
 * @param urls as {@link NatsPlace.urlOf} has them, or without a user
 * @param authority without, what Node trusts
 */
export function connectTo(
  urls: string,
  authority?: Authority,
  options: ConnectionOptions = {},
): Promise<NatsConnection> {
  const parsed = urls.split(',').map((url) => new URL(url));
  const { username: user = '', password: pass = '' } = parsed[0] ?? {};
  return connect({
    servers: parsed.map(({ host }) => host),
    ...(user === '' ? {} : { user, pass }),
    ...(authority ? { tls: { ca: authority.certificate.cert } } : {}),
    ...options,
  });
}

async function startServer(command: string, { name, config, env }: ServerPlan): Promise<NatsProcess> {
  const launch = async (): Promise<RunningProcess> => {
    const started = await startProcess(command, ['--config', config], { env });
    await started.waitForLine(/Server is ready/);
    return started;
  };
  let running = await launch();
  return {
    name,
    pid: () => running.pid,
    log: () => running.output(),
    async kill() {
      await running.kill();
    },
    async stop() {
      await running.stop();
    },
    async restart() {
      await running.kill();
      running = await launch();
    },
  };
}

function place(servers: readonly NatsProcess[], plans: readonly ServerPlan[], tls: boolean): NatsPlace {
  const scheme = tls ? 'tls' : 'nats';
  return {
    servers,
    urlOf: (user) => plans.map(({ port }) => `${scheme}://${user}:${passwordOf(user)}@localhost:${port}`).join(','),
    async kill() {
      await Promise.all(servers.map((server) => server.kill()));
    },
    async restart() {
      await Promise.all(servers.map((server) => server.restart()));
    },
  };
}

type RegionParts = { readonly name: string; readonly place: NatsPlace; readonly gate: Gate | undefined };

function createRegion({ name, place: at, gate }: RegionParts): NatsRegion {
  return {
    ...at,
    name,
    edgeUrl: at.urlOf(`edge-${name}`),
    aggregatorUrl: at.urlOf(`aggregator-${name}`),
    operatorUrl: at.urlOf('operator'),
    cutLeaf() {
      required(gate, 'hub').shut();
    },
    async healLeaf() {
      const connected = () =>
        at.servers.map((server) => leafConnections(server)).reduce((sum, count) => sum + count, 0);
      const before = connected();
      required(gate, 'hub').open();
      await eventually(() => connected() > before);
    },
  };
}

function leafConnections(server: NatsProcess): number {
  return server.log().match(/Leafnode connection created/g)?.length ?? 0;
}

/** The stream HEALTH of a domain, in three replicas where it is a cluster. */
async function createStream(
  operatorUrl: string,
  { clusterSize = 1 }: NatsRegionsOptions,
  authority: Authority | undefined,
): Promise<void> {
  const nats = await connectTo(operatorUrl, authority);
  try {
    const manager = await eventually(() => jetStreamOf(nats), { deadlineMs: READY_MS });
    const config = { name: STREAM, subjects: [STREAM_SUBJECTS], num_replicas: clusterSize };
    await eventually(() => manager.streams.add(config), { deadlineMs: READY_MS });
  } finally {
    await nats.close();
  }
}

/** Undefined until a cluster has elected its leader. */
function jetStreamOf(nats: NatsConnection): Promise<JetStreamManager | undefined> {
  return nats.jetstreamManager().catch(() => undefined);
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is no ${what} here`);
  return value;
}
