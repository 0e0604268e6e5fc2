/**
 * Encodes and decodes a beacon as protobuf (`Beacon` of edgepulse.proto). The aggregator has its own reader, which
 * fills its reports.
 */
import type { PbfWriter } from 'pbf';
import {
  type AUDIO_MAX,
  type Beacon,
  type NETEQ_MAX,
  type OPERATIONS_MAX,
  type Peer,
  SERVER_TYPES,
  type Server,
  type ServerType,
  type VIDEO_MAX,
} from './beacon.ts';
import { SESSION_MESSAGE, writeSessionMembers } from './session-codec.ts';
import {
  ascii,
  flag,
  list,
  type MemberField,
  members,
  message,
  type NumberKind,
  packed,
  unsigned,
  type WireMessage,
  writeMembers,
} from './wire.ts';

type NumberFields<Limits> = readonly MemberField<keyof Limits & string, NumberKind>[];

export const AUDIO_FIELDS: NumberFields<typeof AUDIO_MAX> = [
  { name: 'jitterBufferDelay', field: 1, kind: 'double' },
  { name: 'jitterBufferEmittedCount', field: 2, kind: 'count' },
  { name: 'concealedSamples', field: 3, kind: 'count' },
  { name: 'silentConcealedSamples', field: 4, kind: 'count' },
  { name: 'insertedSamplesForDeceleration', field: 6, kind: 'count' },
  { name: 'removedSamplesForAcceleration', field: 7, kind: 'count' },
  { name: 'totalSamplesReceived', field: 8, kind: 'count' },
  { name: 'packetsReceived', field: 9, kind: 'count' },
  { name: 'packetsLost', field: 10, kind: 'signed' },
  { name: 'jitter', field: 11, kind: 'micro' },
  { name: 'jitterBufferTargetDelay', field: 12, kind: 'double' },
  { name: 'totalAudioEnergy', field: 13, kind: 'double' },
];

export const NETEQ_FIELDS: NumberFields<typeof NETEQ_MAX> = [
  { name: 'buffer', field: 1, kind: 'micro' },
  { name: 'packets_per_second', field: 3, kind: 'milli' },
  { name: 'target_delay', field: 5, kind: 'micro' },
];

export const OPERATION_FIELDS: NumberFields<typeof OPERATIONS_MAX> = [
  { name: 'normal', field: 1, kind: 'milli' },
  { name: 'expand', field: 2, kind: 'milli' },
  { name: 'accelerate', field: 3, kind: 'milli' },
  { name: 'fast_accelerate', field: 4, kind: 'milli' },
  { name: 'preemptive_expand', field: 5, kind: 'milli' },
  { name: 'merge', field: 6, kind: 'milli' },
  { name: 'comfort_noise', field: 7, kind: 'milli' },
];

export const VIDEO_FIELDS: NumberFields<typeof VIDEO_MAX> = [
  { name: 'framesPerSecond', field: 1, kind: 'milli' },
  { name: 'framesDecoded', field: 2, kind: 'count' },
  { name: 'framesDropped', field: 3, kind: 'count' },
  { name: 'freezeCount', field: 4, kind: 'count' },
  { name: 'totalFreezesDuration', field: 5, kind: 'double' },
  { name: 'packetsReceived', field: 6, kind: 'count' },
  { name: 'packetsLost', field: 7, kind: 'signed' },
];

export const BEACON_FIELD = {
  meetingId: 1,
  sessionId: 2,
  participantId: 3,
  seq: 4,
  dropped: 5,
  leaving: 6,
  server: 7,
  rtt: 8,
  peers: 9,
  started: 10,
} as const;
export const SERVER_FIELD = { url: 1, type: 2 } as const;
export const PEER_FIELD = { peerId: 1, audio: 2, neteq: 3, video: 4 } as const;
/** The message `NetEqOperations` within `NetEq`. */
export const OPERATIONS_FIELD = 4;

/** The enum `ServerType` counts from 1 in the order of SERVER_TYPES; 0 means absent. */
export function serverTypeNumber(type: ServerType): number {
  return SERVER_TYPES.indexOf(type) + 1;
}

/** Writes the fields of a beacon that `decodeBeacon` accepted. */
export function writeBeacon(beacon: Beacon, out: PbfWriter): void {
  out.writeStringField(BEACON_FIELD.meetingId, beacon.meeting_id);
  out.writeStringField(BEACON_FIELD.sessionId, beacon.session_id);
  if (beacon.participant_id !== beacon.session_id) {
    out.writeStringField(BEACON_FIELD.participantId, beacon.participant_id);
  }
  out.writeVarintField(BEACON_FIELD.seq, beacon.seq);
  if (beacon.dropped !== undefined) out.writeVarintField(BEACON_FIELD.dropped, beacon.dropped);
  if (beacon.leaving) out.writeBooleanField(BEACON_FIELD.leaving, true);
  if (beacon.server) out.writeMessage(BEACON_FIELD.server, writeServer, beacon.server);
  if (beacon.rtt && beacon.rtt.length > 0) out.writeMessage(BEACON_FIELD.rtt, writeRtt, beacon.rtt);
  for (const peer of beacon.peers) out.writeMessage(BEACON_FIELD.peers, writePeer, peer);
  if (beacon.started !== undefined) out.writeVarintField(BEACON_FIELD.started, beacon.started);
  writeSessionMembers(beacon, out);
}

function writeServer(server: Server, out: PbfWriter): void {
  out.writeStringField(SERVER_FIELD.url, server.url);
  out.writeVarintField(SERVER_FIELD.type, serverTypeNumber(server.type));
}

function writeRtt(samples: readonly number[], out: PbfWriter): void {
  for (const seconds of samples) out.writeVarint(Math.round(seconds * 1e6));
}

function writePeer({ peer_id, audio, neteq, video }: Peer, out: PbfWriter): void {
  out.writeStringField(PEER_FIELD.peerId, peer_id);
  if (audio) out.writeMessage(PEER_FIELD.audio, writeAudio, audio);
  if (neteq) out.writeMessage(PEER_FIELD.neteq, writeNetEq, neteq);
  if (video) out.writeMessage(PEER_FIELD.video, writeVideo, video);
}

function writeAudio(audio: NonNullable<Peer['audio']>, out: PbfWriter): void {
  writeMembers(AUDIO_FIELDS, audio, out);
}

function writeVideo(video: NonNullable<Peer['video']>, out: PbfWriter): void {
  writeMembers(VIDEO_FIELDS, video, out);
}

function writeNetEq(neteq: NonNullable<Peer['neteq']>, out: PbfWriter): void {
  writeMembers(NETEQ_FIELDS, neteq, out);
  if (neteq.operations_per_second) out.writeMessage(OPERATIONS_FIELD, writeOperations, neteq.operations_per_second);
}

function writeOperations(operations: { [name: string]: number }, out: PbfWriter): void {
  writeMembers(OPERATION_FIELDS, operations, out);
}

/**
 * The fields of a beacon, as `decodeMessage` reads them into the members of the JSON beacon. `decodeBeacon`
 * decides whether the result is a beacon.
 */
export const BEACON_MESSAGE: WireMessage = {
  [BEACON_FIELD.meetingId]: ascii('meeting_id'),
  [BEACON_FIELD.sessionId]: ascii('session_id'),
  [BEACON_FIELD.participantId]: ascii('participant_id'),
  [BEACON_FIELD.seq]: unsigned('seq'),
  [BEACON_FIELD.dropped]: unsigned('dropped'),
  [BEACON_FIELD.leaving]: { ...flag('leaving'), read: (reader) => reader.readBoolean() || undefined },
  [BEACON_FIELD.server]: message('server', {
    [SERVER_FIELD.url]: ascii('url'),
    [SERVER_FIELD.type]: { ...unsigned('type'), read: (reader) => SERVER_TYPES[reader.readVarint() - 1] },
  }),
  [BEACON_FIELD.rtt]: packed('rtt', (micros) => micros / 1e6),
  [BEACON_FIELD.peers]: list('peers', {
    [PEER_FIELD.peerId]: ascii('peer_id'),
    [PEER_FIELD.audio]: message('audio', members(AUDIO_FIELDS)),
    [PEER_FIELD.neteq]: message('neteq', {
      ...members(NETEQ_FIELDS),
      [OPERATIONS_FIELD]: message('operations_per_second', members(OPERATION_FIELDS)),
    }),
    [PEER_FIELD.video]: message('video', members(VIDEO_FIELDS)),
  }),
  [BEACON_FIELD.started]: unsigned('started'),
  ...SESSION_MESSAGE,
};
