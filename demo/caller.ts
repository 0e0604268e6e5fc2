/** One simulated participant: its connection, its received streams, and the beacon it sends every 5 s. Pure. */
import type { Beacon, Peer, Server } from '../shared/beacon.ts';
import { INCIDENT } from './incident.ts';
import { between, pick, type Random } from './random.ts';
import { advanceW3cStream, createW3cStream, neteqRates, type W3cStream } from './stream.ts';

export const BEACON_EVERY_MS = 5_000;

export type Caller = {
  readonly meetingId: string;
  readonly sessionId: string;
  readonly participantId: string;
  readonly region: string;
  readonly server: Server;
  /** `w3c`: a browser's getStats; `neteq`: a client with a NetEQ of its own. */
  readonly audio: 'w3c' | 'neteq';
  /** RTT to its server on a good day, in seconds. */
  readonly rttSeconds: number;
  seq: number;
  lastAtMs: number;
  nextAtMs: number;
  /** W3C streams by the peer they are received from. */
  readonly streams: Map<string, W3cStream>;
};

export type Joining = {
  readonly meetingId: string;
  readonly sessionId: string;
  readonly region: string;
  readonly nowMs: number;
  readonly random: Random;
};

/** Milliseconds of RTT between a region's people and its media server. */
const RTT_MS: { readonly [region: string]: { low: number; high: number } } = {
  'us-east': { low: 18, high: 60 },
  'eu-west': { low: 15, high: 55 },
  apac: { low: 35, high: 110 },
};

export function joinCall({ meetingId, sessionId, region, nowMs, random }: Joining): Caller {
  const host = `media-${region}-1.example.com`;
  const server = pick<Server>(random, [
    { url: `https://${host}`, type: 'webtransport' },
    { url: `https://${host}`, type: 'webrtc' },
    { url: `wss://${host}`, type: 'websocket' },
  ]);
  const { low, high } = RTT_MS[region] ?? { low: 20, high: 120 };
  return {
    meetingId,
    sessionId,
    participantId: `p-${sessionId}`,
    region,
    server,
    // Media over anything but WebRTC has no getStats for its audio: such clients bring a NetEQ.
    audio: server.type === 'webrtc' ? 'w3c' : 'neteq',
    rttSeconds: between(random, low, high) / 1000,
    seq: 0,
    lastAtMs: nowMs,
    // Spread over the interval, so that not everybody posts at once.
    nextAtMs: nowMs + random() * BEACON_EVERY_MS,
    streams: new Map(),
  };
}

export type BeaconMoment = {
  readonly nowMs: number;
  /** Session ids of the others in the meeting. */
  readonly others: readonly string[];
  /** Whether the caller's region has the incident now. */
  readonly incident: boolean;
  readonly leaving?: boolean;
  readonly random: Random;
};

/** The caller's next beacon; its counters and sequence number move on. */
export function nextBeacon(caller: Caller, moment: BeaconMoment): Beacon {
  const { nowMs, others, incident, leaving = false, random } = moment;
  const seconds = Math.max(0, nowMs - caller.lastAtMs) / 1000;
  caller.lastAtMs = nowMs;
  // After a pause of the machine, one beacon and not a burst of the missed ones.
  caller.nextAtMs = Math.max(caller.nextAtMs + BEACON_EVERY_MS, nowMs);
  for (const id of caller.streams.keys()) if (!others.includes(id)) caller.streams.delete(id);
  const beacon: Beacon = {
    v: 1,
    meeting_id: caller.meetingId,
    session_id: caller.sessionId,
    participant_id: caller.participantId,
    seq: caller.seq++,
    server: caller.server,
    rtt: Array.from({ length: 5 }, () => rttSample(caller, incident, random)),
    peers: others.map((id) => peerOf(caller, { id, seconds, incident, random })),
  };
  if (leaving) beacon.leaving = true;
  return beacon;
}

type Passing = {
  readonly id: string;
  readonly seconds: number;
  readonly incident: boolean;
  readonly random: Random;
};

function peerOf(caller: Caller, { id, ...conditions }: Passing): Peer {
  if (caller.audio === 'neteq') return { peer_id: id, neteq: neteqRates(conditions) };
  const stream = caller.streams.get(id) ?? createW3cStream();
  // A stream that is new to the client starts at zero, as its counters do.
  if (caller.streams.has(id)) advanceW3cStream(stream, conditions);
  caller.streams.set(id, stream);
  return { peer_id: id, audio: { ...stream.audio }, video: { ...stream.video } };
}

function rttSample(caller: Caller, incident: boolean, random: Random): number {
  const { low, high } = INCIDENT.rttSeconds;
  const seconds = incident ? between(random, low, high) : caller.rttSeconds * between(random, 0.9, 1.25);
  return Math.round(seconds * 1e5) / 1e5;
}
