/** A real livekit-server on loopback alone, and tokens for its rooms. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sign } from 'hono/jwt';
import { freePort } from '../../../dev/ports.ts';
import { requireTool } from '../../../dev/tools/tools.ts';
import { eventually } from '../poll.ts';
import { startProcess } from '../processes/process.ts';

export type LivekitServer = {
  readonly url: string;
  readonly pid: number;
  /** For a room in which this person may do everything. */
  token(room: string, identity: string): Promise<string>;
  log(): string;
  stop(): Promise<void>;
};

const KEY = 'edgepulse';
const SECRET = 'a-secret-of-the-tests-0123456789abcdef';

export async function startLivekit(): Promise<LivekitServer> {
  const command = await requireTool('livekit-server');
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-livekit-'));
  const port = await freePort();
  const configuration = {
    port,
    bind_addresses: ['127.0.0.1'],
    keys: { [KEY]: SECRET },
    rtc: {
      // Without a port for TCP, which would listen everywhere.
      tcp_port: 0,
      udp_port: await freePort(),
      node_ip: '127.0.0.1',
      use_external_ip: false,
      enable_loopback_candidate: true,
      interfaces: { includes: ['lo', 'lo0'] },
    },
  };
  const file = join(folder, 'livekit.yaml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(configuration));
  const server = await startProcess(command, ['--config', file]);
  const stop = async () => {
    await server.kill();
    await rm(folder, { recursive: true, force: true });
  };
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}`)).ok).catch(async (cause: unknown) => {
    await stop();
    throw new Error(`livekit-server does not answer; its output:\n${server.output()}`, { cause });
  });
  return {
    url: `ws://127.0.0.1:${port}`,
    pid: server.pid,
    token: (room, identity) =>
      sign(
        { iss: KEY, sub: identity, exp: Math.floor(Date.now() / 1_000) + 3_600, video: { roomJoin: true, room } },
        SECRET,
        'HS256',
      ),
    log: server.output,
    stop,
  };
}
