/**
 * What a beacon says about the session itself: schemas of its parts and their decoder. Where a closed set has `other`, it
 * also stands for values that only newer clients know.
 */
import { type Fields, isFields } from './fields.ts';
import { COUNTER_MAX, decodeMembers, type Members, type Schema, SIGNED_MAX } from './members.ts';
import { type Reject, reject } from './reject.ts';

/** Far more than any session can have, so that an absurd counter is rejected rather than counted. */
const CONNECTION_COUNT_MAX = 1_000_000;
/** More than anybody receives; the gauge of a region must not follow one liar. */
const OMITTED_PEERS_MAX = 10_000;
/** A day: somebody may be alone in a meeting for a long time before the first media arrives. */
const JOIN_SECONDS_MAX = 86_400;

export const CLIENT = {
  platform: ['web', 'ios', 'android', 'desktop', 'other'],
  engine: ['chromium', 'gecko', 'webkit', 'native', 'other'],
} as const;

/**
 * `visible`: of the page; browsers stop decoding video on a hidden one. `audio_sending`, `video_sending`: what the client
 * itself sends now. `omitted_peers`: how many peers it receives beside those in the beacon, which has room for so many.
 */
export const STATE = {
  visible: 'boolean',
  audio_sending: 'boolean',
  video_sending: 'boolean',
  omitted_peers: OMITTED_PEERS_MAX,
} as const;

/** The local candidate of the nominated pair, and the protocol by which it reaches the relay or the peer. */
export const PATH = {
  candidate_type: ['host', 'srflx', 'prflx', 'relay'],
  protocol: ['udp', 'tcp', 'tls'],
} as const;

/** Cumulative. */
export const CONNECTION = { failures: CONNECTION_COUNT_MAX, ice_restarts: CONNECTION_COUNT_MAX } as const;

/** `result`: `ok`, or the stage that failed. Times since joining began: until connected, and until the first media received. */
export const JOIN = {
  result: ['ok', 'signaling', 'ice', 'dtls', 'media'],
  seconds: JOIN_SECONDS_MAX,
  first_audio_seconds: JOIN_SECONDS_MAX,
  first_video_seconds: JOIN_SECONDS_MAX,
} as const;

/**
 * What the client sends, W3C members of `RTCOutboundRtpStreamStats`, cumulative; `packetsLost` of
 * `RTCRemoteInboundRtpStreamStats`, `totalAudioEnergy` of `RTCAudioSourceStats`.
 */
export const SENT_AUDIO = {
  packetsSent: COUNTER_MAX,
  packetsLost: SIGNED_MAX,
  totalAudioEnergy: COUNTER_MAX,
} as const;
export const SENT_VIDEO = {
  packetsSent: COUNTER_MAX,
  packetsLost: SIGNED_MAX,
  qualityLimitationReason: ['none', 'cpu', 'bandwidth', 'other'],
} as const;

export type SessionMembers = {
  client?: Members<typeof CLIENT>;
  state?: Members<typeof STATE>;
  path?: Members<typeof PATH>;
  connection?: Members<typeof CONNECTION>;
  join?: Members<typeof JOIN>;
  sent?: { audio?: Members<typeof SENT_AUDIO>; video?: Members<typeof SENT_VIDEO> };
};

const PARTS = {
  path: '',
  schemas: { client: CLIENT, state: STATE, path: PATH, connection: CONNECTION, join: JOIN },
} as const;
const SENT = { path: 'sent.', schemas: { audio: SENT_AUDIO, video: SENT_VIDEO } } as const;

/** Decodes the parts that are present into `members`. */
export function decodeSessionMembers(value: Fields, members: SessionMembers): Reject | undefined {
  const invalid = decodeParts(value, PARTS, members);
  if (invalid || value.sent === undefined) return invalid;
  if (!isFields(value.sent)) return reject('invalid_field', 'sent is not an object');
  members.sent = {};
  return decodeParts(value.sent, SENT, members.sent);
}

type Parts = { readonly path: string; readonly schemas: { readonly [name: string]: Schema } };

function decodeParts(value: Fields, { path, schemas }: Parts, into: { [name: string]: object }): Reject | undefined {
  for (const name in schemas) {
    if (value[name] === undefined) continue;
    const part = decodeMembers(value[name], schemas[name] as Schema, `${path}${name}`);
    if (!part.ok) return part;
    into[name] = part.value;
  }
  return undefined;
}
