/** Encodes and decodes what a beacon says about the session itself: fields 11 and up of `Beacon` in edgepulse.proto. */
import type { PbfWriter } from 'pbf';
import {
  CLIENT,
  type CONNECTION,
  JOIN,
  PATH,
  type SENT_AUDIO,
  SENT_VIDEO,
  type SessionMembers,
  type STATE,
} from './session-members.ts';
import { type MemberField, members, message, type WireMessage, writeMembers } from './wire.ts';

type Fields<Schema> = readonly MemberField<keyof Schema & string>[];

export const CLIENT_FIELDS: Fields<typeof CLIENT> = [
  { name: 'platform', field: 1, kind: CLIENT.platform },
  { name: 'engine', field: 2, kind: CLIENT.engine },
];

export const STATE_FIELDS: Fields<typeof STATE> = [
  { name: 'visible', field: 1, kind: 'flag' },
  { name: 'audio_sending', field: 2, kind: 'flag' },
  { name: 'video_sending', field: 3, kind: 'flag' },
  { name: 'omitted_peers', field: 4, kind: 'count' },
];

export const PATH_FIELDS: Fields<typeof PATH> = [
  { name: 'candidate_type', field: 1, kind: PATH.candidate_type },
  { name: 'protocol', field: 2, kind: PATH.protocol },
];

export const CONNECTION_FIELDS: Fields<typeof CONNECTION> = [
  { name: 'failures', field: 1, kind: 'count' },
  { name: 'ice_restarts', field: 2, kind: 'count' },
];

export const JOIN_FIELDS: Fields<typeof JOIN> = [
  { name: 'result', field: 1, kind: JOIN.result },
  { name: 'seconds', field: 2, kind: 'milli' },
  { name: 'first_audio_seconds', field: 3, kind: 'milli' },
  { name: 'first_video_seconds', field: 4, kind: 'milli' },
];

export const SENT_AUDIO_FIELDS: Fields<typeof SENT_AUDIO> = [
  { name: 'packetsSent', field: 1, kind: 'count' },
  { name: 'packetsLost', field: 2, kind: 'signed' },
  { name: 'totalAudioEnergy', field: 3, kind: 'double' },
];

export const SENT_VIDEO_FIELDS: Fields<typeof SENT_VIDEO> = [
  { name: 'packetsSent', field: 1, kind: 'count' },
  { name: 'packetsLost', field: 2, kind: 'signed' },
  { name: 'qualityLimitationReason', field: 3, kind: SENT_VIDEO.qualityLimitationReason },
];

export const SESSION_FIELD = { client: 11, state: 12, path: 13, connection: 14, join: 15, sent: 16 } as const;
export const SENT_FIELD = { audio: 1, video: 2 } as const;

const writeClient = writerOf(CLIENT_FIELDS);
const writeState = writerOf(STATE_FIELDS);
const writePath = writerOf(PATH_FIELDS);
const writeConnection = writerOf(CONNECTION_FIELDS);
const writeJoin = writerOf(JOIN_FIELDS);
const writeSentAudio = writerOf(SENT_AUDIO_FIELDS);
const writeSentVideo = writerOf(SENT_VIDEO_FIELDS);

/** Writes the parts that are present. */
export function writeSessionMembers(
  { client, state, path, connection, join, sent }: SessionMembers,
  out: PbfWriter,
): void {
  if (client) out.writeMessage(SESSION_FIELD.client, writeClient, client);
  if (state) out.writeMessage(SESSION_FIELD.state, writeState, state);
  if (path) out.writeMessage(SESSION_FIELD.path, writePath, path);
  if (connection) out.writeMessage(SESSION_FIELD.connection, writeConnection, connection);
  if (join) out.writeMessage(SESSION_FIELD.join, writeJoin, join);
  if (sent) out.writeMessage(SESSION_FIELD.sent, writeSent, sent);
}

function writeSent({ audio, video }: NonNullable<SessionMembers['sent']>, out: PbfWriter): void {
  if (audio) out.writeMessage(SENT_FIELD.audio, writeSentAudio, audio);
  if (video) out.writeMessage(SENT_FIELD.video, writeSentVideo, video);
}

function writerOf<Name extends string>(fields: readonly MemberField<Name>[]) {
  return (part: { readonly [N in Name]?: number | string | boolean }, out: PbfWriter): void =>
    writeMembers(fields, part, out);
}

/** Their fields in `Beacon`, for `decodeMessage`. */
export const SESSION_MESSAGE: WireMessage = {
  [SESSION_FIELD.client]: message('client', members(CLIENT_FIELDS)),
  [SESSION_FIELD.state]: message('state', members(STATE_FIELDS)),
  [SESSION_FIELD.path]: message('path', members(PATH_FIELDS)),
  [SESSION_FIELD.connection]: message('connection', members(CONNECTION_FIELDS)),
  [SESSION_FIELD.join]: message('join', members(JOIN_FIELDS)),
  [SESSION_FIELD.sent]: message('sent', {
    [SENT_FIELD.audio]: message('audio', members(SENT_AUDIO_FIELDS)),
    [SENT_FIELD.video]: message('video', members(SENT_VIDEO_FIELDS)),
  }),
};
