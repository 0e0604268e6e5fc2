/** A real janus with its video room. Its API is on loopback alone; its media is on the machine's own address, since janus never uses loopback. */
import { glob, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../dev/ports.ts';
import { requireTool, rootOf } from '../../../dev/tools/tools.ts';
import { startProcess } from '../processes/process.ts';

export type JanusProcess = {
  /** Of its WebSocket API. */
  readonly url: string;
  readonly pid: number;
  log(): string;
  stop(): Promise<void>;
};

/** What it loads: the others would need more ports and folders. */
const PARTS = { plugins: 'libjanus_videoroom.so', transports: 'libjanus_websockets.so' };

/** @param rooms numbers of its rooms */
export async function startJanus(rooms: readonly number[]): Promise<JanusProcess> {
  const command = await requireTool('janus');
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-janus-'));
  const port = await freePort();
  for (const [kind, library] of Object.entries(PARTS)) {
    await mkdir(join(folder, kind));
    for await (const path of glob(join(rootOf(command), 'usr/lib/*/janus', kind, library))) {
      await symlink(path, join(folder, kind, library));
    }
  }
  await writeFile(
    join(folder, 'janus.jcfg'),
    `general: {
  plugins_folder = "${folder}/plugins"
  transports_folder = "${folder}/transports"
  events_folder = "${folder}/none"
  loggers_folder = "${folder}/none"
}
`,
  );
  await writeFile(
    join(folder, 'janus.transport.websockets.jcfg'),
    `general: { ws = true, ws_port = ${port}, ws_ip = "127.0.0.1" }\n`,
  );
  await writeFile(
    join(folder, 'janus.plugin.videoroom.jcfg'),
    rooms.map((room) => `room-${room}: { description = "a call", publishers = 10, bitrate = 256000 }\n`).join(''),
  );
  const janus = await startProcess(command, [`--configs-folder=${folder}`, '--disable-colors']);
  await janus.waitForLine(/WebSockets transport plugin initialized/).catch(async (error: unknown) => {
    await janus.kill();
    throw error;
  });
  return {
    url: `ws://127.0.0.1:${port}`,
    pid: janus.pid,
    log: janus.output,
    async stop() {
      await janus.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
