/** A real coturn on a free port of loopback, as a relay between peers that are on loopback too. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../dev/ports.ts';
import { requireTool } from '../../../dev/tools/tools.ts';
import { eventually } from '../poll.ts';
import { startProcess } from './process.ts';

export type TurnServer = {
  /** A configuration with which everything goes through the relay, reached by this protocol. */
  relayOnly(protocol: 'udp' | 'tcp'): RTCConfiguration;
  stop(): Promise<void>;
};

const USER = 'tester';
const PASSWORD = 'of-the-test';

export async function startTurnServer(): Promise<TurnServer> {
  const command = await requireTool('turnserver');
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-turn-'));
  const port = await freePort();
  const running = await startProcess(command, [
    // Nothing of a coturn that this machine may have: no configuration file, no database, no pid file.
    '-n',
    `--userdb=${join(folder, 'turndb')}`,
    `--pidfile=${join(folder, 'pid')}`,
    '--log-file=stdout',
    '--listening-ip=127.0.0.1',
    `--listening-port=${port}`,
    '--relay-ip=127.0.0.1',
    '--allow-loopback-peers',
    '--no-cli',
    '--no-tls',
    '--no-dtls',
    '--lt-cred-mech',
    '--realm=edgepulse',
    `--user=${USER}:${PASSWORD}`,
  ]);
  const stop = async () => {
    await running.kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // It does not say when it listens.
    await eventually(async () => running.hasExited() || (await canConnect(port)), { deadlineMs: 20_000 });
    if (running.hasExited()) throw new Error('turnserver ended');
  } catch (cause) {
    await stop();
    throw new Error(`turnserver did not come up; its output:\n${running.output()}`, { cause });
  }
  return {
    relayOnly: (protocol) => ({
      iceTransportPolicy: 'relay',
      iceServers: [{ urls: `turn:127.0.0.1:${port}?transport=${protocol}`, username: USER, credential: PASSWORD }],
    }),
    stop,
  };
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  return true;
}
