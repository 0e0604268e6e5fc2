/**
 * The beacon, version 1: its type, its limits and its decoder, for both sides of NATS.
 *
 * The decoder is written by hand because it runs on both hot paths, and a schema library was slower
 * there (docs/adr/0002-own-beacon-decoder.md). It copies known fields into a new object, so that
 * unknown fields, and the token, go no further.
 */
import { type Fields, isFields } from './fields.ts';
import { COUNTER_MAX, checkNumber, decodeMembers, type Members, SIGNED_MAX } from './members.ts';
import { accept, type Reject, type Result, reject } from './reject.ts';
import { decodeSessionMembers, type SessionMembers } from './session-members.ts';

/** Limits that the reporter needs too, each by itself: of an object, its bundle would have every member. */
export const BODY_BYTES_MAX = 60_000;
export const PEERS_MAX = 64;
export const RTT_SAMPLES_MAX = 32;
export const RTT_SECONDS_MAX = 10;

export const LIMITS = {
  bodyBytes: BODY_BYTES_MAX,
  idLength: 64,
  peers: PEERS_MAX,
  rttSamples: RTT_SAMPLES_MAX,
  rttSeconds: RTT_SECONDS_MAX,
  serverUrlLength: 2048,
} as const;

/** Members of W3C `RTCInboundRtpStreamStats` (audio) in its units: seconds, samples, packets. All but `jitter` are cumulative. */
export const AUDIO_MAX = {
  jitterBufferDelay: COUNTER_MAX,
  jitterBufferEmittedCount: COUNTER_MAX,
  jitterBufferTargetDelay: COUNTER_MAX,
  concealedSamples: COUNTER_MAX,
  silentConcealedSamples: COUNTER_MAX,
  insertedSamplesForDeceleration: COUNTER_MAX,
  removedSamplesForAcceleration: COUNTER_MAX,
  totalSamplesReceived: COUNTER_MAX,
  totalAudioEnergy: COUNTER_MAX,
  packetsReceived: COUNTER_MAX,
  packetsLost: SIGNED_MAX,
  jitter: 10,
} as const;

/** Members of W3C `RTCInboundRtpStreamStats` (video). */
export const VIDEO_MAX = {
  framesPerSecond: 1_000,
  framesDecoded: COUNTER_MAX,
  framesDropped: COUNTER_MAX,
  freezeCount: COUNTER_MAX,
  totalFreezesDuration: COUNTER_MAX,
  packetsReceived: COUNTER_MAX,
  packetsLost: SIGNED_MAX,
} as const;

/** NetEQ chooses one operation every 10 ms, so that real rates end at 100 a second. */
export const OPERATIONS_MAX = {
  normal: 1_000,
  expand: 1_000,
  accelerate: 1_000,
  fast_accelerate: 1_000,
  preemptive_expand: 1_000,
  merge: 1_000,
  comfort_noise: 1_000,
} as const;

export const NETEQ_MAX = {
  buffer: 60,
  target_delay: 60,
  packets_per_second: 1_000_000,
} as const;

export type AudioStats = Members<typeof AUDIO_MAX>;
export type VideoStats = Members<typeof VIDEO_MAX>;
export type NetEqOperations = Members<typeof OPERATIONS_MAX>;
export type NetEqStats = Members<typeof NETEQ_MAX> & { operations_per_second?: NetEqOperations };

export const NETEQ_OPERATIONS = /* @__PURE__ */ Object.keys(OPERATIONS_MAX) as readonly (keyof NetEqOperations)[];

export const SERVER_TYPES = ['webtransport', 'websocket', 'webrtc'] as const;
export type ServerType = (typeof SERVER_TYPES)[number];

export type Server = { url: string; type: ServerType };

export type Peer = { peer_id: string; audio?: AudioStats; neteq?: NetEqStats; video?: VideoStats };

/** A decoded beacon. Times are in seconds, counters cumulative since the session began. */
export type Beacon = SessionMembers & {
  v: 1;
  meeting_id: string;
  session_id: string;
  /** Defaults to `session_id`. */
  participant_id: string;
  /** +1 for each beacon of the session, from 0. */
  seq: number;
  /** Beacons that the client gave up sending, cumulative. */
  dropped?: number;
  server?: Server;
  /** RTT samples since the last beacon, newest last. */
  rtt?: number[];
  peers: Peer[];
  leaving?: true;
  /**
   * The client's own clock, in ms, when this run of the session began: a reload that keeps its id is a new run. Compared
   * only with other values of the session, so any number will do as long as each run has a different one.
   */
  started?: number;
};

const ID = /^[A-Za-z0-9_.-]{1,64}$/;

export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

/** A whole number from 0 to {@link COUNTER_MAX}. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Decodes a parsed JSON value. Never throws; `detail` of a reject names the field. */
export function decodeBeacon(value: unknown): Result<Beacon> {
  if (!isFields(value)) return reject('invalid_field', 'the beacon is not an object');
  if (value.v !== 1) return reject('unsupported_version', 'v is not 1');
  const { meeting_id, session_id, participant_id = session_id, seq, dropped, leaving, started } = value;
  if (!isId(meeting_id)) return reject('invalid_id', 'meeting_id');
  if (!isId(session_id)) return reject('invalid_id', 'session_id');
  if (!isId(participant_id)) return reject('invalid_id', 'participant_id');
  const invalidCount =
    checkCount(seq, 'seq') ?? checkOptionalCount(dropped, 'dropped') ?? checkOptionalCount(started, 'started');
  if (invalidCount) return invalidCount;
  if (leaving !== undefined && leaving !== true) return reject('invalid_field', 'leaving is not true');
  const peers = decodePeers(value.peers);
  if (!peers.ok) return peers;
  const beacon: Beacon = { v: 1, meeting_id, session_id, participant_id, seq: seq as number, peers: peers.value };
  if (dropped !== undefined) beacon.dropped = dropped as number;
  if (leaving) beacon.leaving = true;
  if (started !== undefined) beacon.started = started as number;
  if (value.server !== undefined) {
    const server = decodeServer(value.server);
    if (!server.ok) return server;
    beacon.server = server.value;
  }
  if (value.rtt !== undefined) {
    const rtt = decodeRtt(value.rtt);
    if (!rtt.ok) return rtt;
    beacon.rtt = rtt.value;
  }
  const invalidMember = decodeSessionMembers(value, beacon);
  return invalidMember ?? accept(beacon);
}

function decodeServer(value: unknown): Result<Server> {
  if (!isFields(value)) return reject('invalid_field', 'server is not an object');
  const { url, type } = value;
  if (typeof url !== 'string') return reject('invalid_field', 'server.url is not a string');
  if (url.length > LIMITS.serverUrlLength) return reject('out_of_range', 'server.url is too long');
  if (!SERVER_TYPES.includes(type as ServerType)) return reject('invalid_field', 'server.type');
  return accept({ url, type: type as ServerType });
}

function decodeRtt(value: unknown): Result<number[]> {
  if (!Array.isArray(value)) return reject('invalid_field', 'rtt is not an array');
  if (value.length > LIMITS.rttSamples) return reject('too_many_samples', `rtt has more than ${LIMITS.rttSamples}`);
  const samples: number[] = [];
  for (const sample of value) {
    const invalid = checkNumber(sample, LIMITS.rttSeconds, 'rtt', samples.length);
    // Clients most often get this wrong by sending milliseconds, so the unit is named.
    if (invalid)
      return invalid.reason === 'out_of_range' ? { ...invalid, detail: `${invalid.detail} seconds` } : invalid;
    samples.push(sample as number);
  }
  return accept(samples);
}

function decodePeers(value: unknown): Result<Peer[]> {
  if (!Array.isArray(value)) return reject('invalid_field', 'peers is not an array');
  if (value.length > LIMITS.peers) return reject('too_many_peers', `peers has more than ${LIMITS.peers}`);
  const peers: Peer[] = [];
  for (const item of value) {
    const peer = decodePeer(item);
    if (!peer.ok) return reject(peer.reason, `peers[${peers.length}].${peer.detail}`);
    peers.push(peer.value);
  }
  if (hasRepeatedPeer(peers)) return reject('duplicate_peer', 'peers has a peer_id twice');
  return accept(peers);
}

function hasRepeatedPeer(peers: readonly Peer[]): boolean {
  if (peers.length < 2) return false;
  if (peers.length > 8) return new Set(peers.map((peer) => peer.peer_id)).size < peers.length;
  for (let i = 1; i < peers.length; i++) {
    for (let j = 0; j < i; j++) if (peers[i]?.peer_id === peers[j]?.peer_id) return true;
  }
  return false;
}

function decodePeer(value: unknown): Result<Peer> {
  if (!isFields(value)) return reject('invalid_field', 'is not an object');
  const { peer_id } = value;
  if (!isId(peer_id)) return reject('invalid_id', 'peer_id');
  const peer: Peer = { peer_id };
  if (value.audio !== undefined) {
    const audio = decodeMembers(value.audio, AUDIO_MAX, 'audio');
    if (!audio.ok) return audio;
    peer.audio = audio.value;
  }
  if (value.neteq !== undefined) {
    const neteq = decodeNetEq(value.neteq);
    if (!neteq.ok) return neteq;
    peer.neteq = neteq.value;
  }
  if (value.video !== undefined) {
    const video = decodeMembers(value.video, VIDEO_MAX, 'video');
    if (!video.ok) return video;
    peer.video = video.value;
  }
  return accept(peer);
}

function decodeNetEq(value: unknown): Result<NetEqStats> {
  const rates = decodeMembers(value, NETEQ_MAX, 'neteq');
  if (!rates.ok) return rates;
  const neteq: NetEqStats = rates.value;
  const operations = (value as Fields).operations_per_second;
  if (operations !== undefined) {
    const decoded = decodeMembers(operations, OPERATIONS_MAX, 'neteq.operations_per_second');
    if (!decoded.ok) return decoded;
    neteq.operations_per_second = decoded.value;
  }
  return accept(neteq);
}

/** @returns undefined when the value is an integer from 0 to {@link COUNTER_MAX} */
function checkCount(value: unknown, name: string): Reject | undefined {
  if (typeof value !== 'number' || !Number.isInteger(value))
    return reject('invalid_field', `${name} is not an integer`);
  if (value < 0 || value > COUNTER_MAX) return reject('out_of_range', `${name} is not within 0 to ${COUNTER_MAX}`);
  return undefined;
}

function checkOptionalCount(value: unknown, name: string): Reject | undefined {
  return value === undefined ? undefined : checkCount(value, name);
}
