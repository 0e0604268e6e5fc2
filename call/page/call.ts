/** One person's call, from joining to leaving: media, signalling, the connections to the others, and the reporter. */
import { reportPeer } from '../../client/recipes/peer-connection.ts';
import { type Beacon, startReporter } from '../../client/reporter.ts';
import type { Admission } from '../rooms.ts';
import type { Media } from './media.ts';
import { createMesh, type Mesh, type Other } from './mesh.ts';
import { HELLO_EVERY_MS } from './roster.ts';
import { joinRoom } from './signalling.ts';

export type CallOptions = {
  readonly room: string;
  readonly name: string;
  readonly admission: Admission;
  readonly media: Media;
  readonly onOther: (other: Other) => void;
  readonly onGone: (sessionId: string) => void;
  /** A beacon goes out. */
  readonly onBeacon: (beacon: Beacon) => void;
  /** Something that the person should know; empty when all is well again. */
  readonly onNote: (note: string) => void;
};

export type Kind = 'audio' | 'video';

export type Call = {
  /** Whether this kind of media is sent at present. */
  isOn(kind: Kind): boolean;
  toggle(kind: Kind): void;
  /** Ends everything, at once enough for a page that closes. */
  leave(): void;
};

/** @throws when nats-server does not answer; then nothing is left */
export async function startCall(options: CallOptions): Promise<Call> {
  const { room, name, admission, media, onOther, onGone, onBeacon, onNote } = options;
  const { sessionId, token, worker, signalling } = admission;
  const tracksOf = (kind: Kind) => media.stream.getTracks().filter((track) => track.kind === kind);
  const isOn = (kind: Kind) => tracksOf(kind).some(({ enabled }) => enabled);

  let mesh: Mesh | undefined;
  const joined = await joinRoom({
    url: signalling,
    room,
    sessionId,
    // Who says hello before there is a mesh says it again.
    onMessage: (from, message) => mesh?.hear(from, message),
    onConnected(isConnected) {
      onNote(isConnected ? '' : 'Signalling is away: the call goes on, but nobody can join it.');
      if (isConnected) mesh?.repeat();
    },
  });
  const reporter = startReporter({
    endpoint: worker,
    token,
    meetingId: room,
    sessionId,
    beforeSend(beacon) {
      onBeacon(beacon);
      return beacon;
    },
    onRejected: ({ status, reason }) => onNote(`A beacon was rejected: ${status} ${reason}`),
  });
  const made = createMesh({
    sessionId,
    stream: media.stream,
    self: () => ({ name, audio: isOn('audio'), video: isOn('video') }),
    say: joined.say,
    onConnection: (connection, theirSessionId) => reportPeer(reporter, connection, theirSessionId),
    onOther,
    onGone,
    now: () => performance.now(),
  });
  mesh = made;
  made.greet();
  const timer = setInterval(made.tick, HELLO_EVERY_MS);

  return {
    isOn,
    toggle(kind) {
      for (const track of tracksOf(kind)) track.enabled = !track.enabled;
      made.greet();
    },
    leave() {
      clearInterval(timer);
      made.leave();
      reporter.stop();
      media.stop();
      void joined.leave();
    },
  };
}
