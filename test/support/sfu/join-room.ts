/** Loads a media server's own client library into a page whose reporter has started, and joins a room with it. */
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import type { Reporting } from '../pages/reporting-page.ts';
import type { JanusRoomOptions } from './janus-room.ts';
import type { LivekitRoomOptions } from './livekit-room.ts';
import type { MediasoupRoomOptions } from './mediasoup-room.ts';

/** Modules of this folder that set `window.joinRoom`, and what that takes. */
type Rooms = {
  'janus-room.ts': JanusRoomOptions;
  'livekit-room.ts': LivekitRoomOptions;
  'mediasoup-room.ts': MediasoupRoomOptions;
};

const bundles = new Map<string, Promise<string>>();

/** @throws when the room can't be joined */
export async function joinRoom<Room extends keyof Rooms>(
  { page }: Reporting,
  room: Room,
  options: Rooms[Room],
): Promise<void> {
  const bundle = bundles.get(room) ?? bundleModule(join(import.meta.dirname, room));
  bundles.set(room, bundle);
  await page.evaluate(`import(URL.createObjectURL(new Blob([${JSON.stringify(await bundle)}], { type: 'text/javascript' })))
    .then(() => window.joinRoom(${JSON.stringify(options)}))`);
}

async function bundleModule(input: string): Promise<string> {
  // Libraries give rise to warnings that nobody here can do anything about.
  const bundle = await rolldown({ input, logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm' });
  await bundle.close();
  return output[0].code;
}
