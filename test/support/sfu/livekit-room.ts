/** Runs in a page: joins a room of LiveKit with its own client library, and reports the call by the recipe. */
import { Room } from 'livekit-client';
import { reportRoom } from '../../../client/recipes/livekit-client.ts';
import type { Reporter } from '../../../client/reporter.ts';

export type LivekitRoomOptions = {
  readonly url: string;
  /** Names the room and, as the identity, the session. */
  readonly token: string;
};

type RoomWindow = Window & {
  reporter: Reporter;
  room: Room;
  joinRoom: (options: LivekitRoomOptions) => Promise<void>;
};

const page = window as unknown as RoomWindow;

page.joinRoom = async ({ url, token }) => {
  const room = new Room();
  page.room = room;
  reportRoom(page.reporter, room);
  room.on('trackSubscribed', (track) => void track.attach());
  await room.connect(url, token);
  await room.localParticipant.setMicrophoneEnabled(true);
  await room.localParticipant.setCameraEnabled(true, { resolution: { width: 160, height: 120, frameRate: 10 } });
};
