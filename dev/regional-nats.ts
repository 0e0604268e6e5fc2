/** Regional nats-servers and their hub on this machine, from the files of deploy/nats, each with its stream HEALTH. */
import { join } from 'node:path';
import { connect, nanos } from 'nats';
import { planNats, type ServerPlan } from '../deploy/nats/source/plan.ts';
import { STREAM, STREAM_SUBJECTS } from '../shared/subjects.ts';
import { freePort } from './ports.ts';
import { type Child, type Children, childIsUp } from './processes/children.ts';
import { ensureTool } from './tools/ensure.ts';

export type RegionalNats = {
  /** `nats://user:password@host:port` of a region's server. @param user one of deploy/nats/accounts.conf */
  urlOf(region: string, user: string): string;
  /** The hub's, where every region's stream is read. */
  hubUrlOf(user: string): string;
  /** Of a region's server. */
  pidOf(region: string): number;
};

export type RegionalNatsOptions = {
  readonly regions: readonly string[];
  readonly ttlSeconds: number;
  readonly children: Children;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: (line: string) => void;
};

/** Enough for what a demo puts into two TTLs. */
const STREAM_BYTES = 256 * 1024 ** 2;

export async function startRegionalNats(options: RegionalNatsOptions): Promise<RegionalNats> {
  const { regions, children, folder, env, report } = options;
  const command = await ensureTool('nats-server', report);
  report(`starting a nats-server in each of ${regions.join(', ')}, and their hub`);
  // For this start alone: anybody on this machine may connect to loopback.
  const passwords = new Map<string, string>();
  const password = (user: string): string => {
    const known = passwords.get(user) ?? crypto.randomUUID();
    passwords.set(user, known);
    return known;
  };
  const { hub, regions: servers } = await planNats({ regions, folder: join(folder, 'nats'), password, freePort });
  const start = async (plan: ServerPlan): Promise<Child> => {
    const args = ['--config', plan.config];
    const child = await children.start({
      name: `nats-server ${plan.name}`,
      command,
      args,
      env: { ...env, ...plan.env },
    });
    await childIsUp(child, child.line(/Server is ready/));
    return child;
  };
  const planOf = (region: string): ServerPlan => servers.get(region)?.[0] as ServerPlan;
  const urlAt = ({ port }: ServerPlan, user: string) => `nats://${user}:${password(user)}@127.0.0.1:${port}`;
  const urlOf = (region: string, user: string) => urlAt(planOf(region), user);
  const [, ...started] = await Promise.all([start(hub as ServerPlan), ...regions.map((name) => start(planOf(name)))]);
  await Promise.all(regions.map((region) => createStream(urlOf(region, 'operator'), options.ttlSeconds)));
  return {
    urlOf,
    hubUrlOf: (user) => urlAt(hub as ServerPlan, user),
    pidOf: (region) => (started[regions.indexOf(region)] as Child).pid,
  };
}

async function createStream(url: string, ttlSeconds: number): Promise<void> {
  const { host, username: user, password: pass } = new URL(url);
  const connection = await connect({ servers: host, user, pass });
  try {
    const { streams } = await connection.jetstreamManager();
    await streams.add({
      name: STREAM,
      subjects: [STREAM_SUBJECTS],
      max_age: nanos(2 * ttlSeconds * 1_000),
      max_bytes: STREAM_BYTES,
    });
  } finally {
    await connection.close();
  }
}
