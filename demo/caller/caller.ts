/** One simulated participant: its device, its place in the network, what it sends and what it receives. Pure. */
import type { Server } from '../../shared/beacon.ts';
import { between, pick, type Random } from '../random.ts';
import { createSource, type Source } from '../source.ts';
import { type Device, drawDevice, isRelayed } from './device.ts';
import { drawJoin, type Join } from './join.ts';
import { drawLines, type Place, rttSample } from './network.ts';
import type { Reception } from './reception.ts';

export const BEACON_EVERY_MS = 5_000;

export type Caller = Place & {
  readonly meetingId: string;
  readonly participantId: string;
  readonly server: Server;
  readonly device: Device;
  /** When it began to join. */
  readonly startedMs: number;
  readonly join: Join;
  /** `w3c`: a browser's getStats; `neteq`: a client with a NetEQ of its own. */
  readonly audio: 'w3c' | 'neteq';
  /** Never mutes itself, hides its page or leaves: the timetable's episodes of single people happen to hosts. */
  readonly isHost: boolean;
  readonly source: Source;
  /** A hidden page or an app in the background. */
  isHidden: boolean;
  /** ICE connections that failed and were restarted: a change of Wi-Fi, a train in a tunnel. */
  networkChanges: number;
  seq: number;
  lastAtMs: number;
  nextAtMs: number;
  /** W3C streams by the peer they are received from. */
  readonly receptions: Map<string, Reception>;
};

export type Joining = {
  readonly meetingId: string;
  readonly sessionId: string;
  readonly region: string;
  readonly isHost: boolean;
  /** Who is in the call. */
  readonly others: readonly Caller[];
  readonly nowMs: number;
  /** Since the start of the demo. */
  readonly elapsedMs: number;
  readonly random: Random;
};

/** Milliseconds of RTT between a region's people and its media server. */
const RTT_MS: { readonly [region: string]: { low: number; high: number } } = {
  'us-east': { low: 18, high: 60 },
  'eu-west': { low: 15, high: 55 },
  apac: { low: 35, high: 95 },
};
/** The path through a relay is longer. */
const RELAY_MS = 15;

/** Somebody whose join succeeds, connected from now on. */
export function joinCall(joining: Joining): Caller {
  const { meetingId, sessionId, region, isHost, others, nowMs, elapsedMs, random } = joining;
  const server = isHost ? serversOf(region).webrtc : drawServer(region, random);
  const device = drawDevice(server.type, random);
  const { low, high } = RTT_MS[region] ?? { low: 20, high: 120 };
  const rttMs = between(random, low, high) + (isRelayed(device) ? RELAY_MS : 0);
  const serverHost = serverHostOf(region);
  const place: Place = { region, sessionId, serverHost, ...drawLines(rttMs / 1000, random) };
  const join = drawJoin({
    rttSeconds: rttSample(place, elapsedMs, random),
    device,
    hears: others.length > 0,
    sees: server.type === 'webrtc' && others.some(({ source }) => source.hasCamera),
    random,
  });
  return {
    ...place,
    meetingId,
    participantId: `p-${sessionId}`,
    server,
    device,
    startedMs: Math.round(nowMs - (join.seconds ?? 0) * 1000),
    join,
    // There is no getStats for audio outside WebRTC: such clients have a NetEQ of their own.
    audio: server.type === 'webrtc' ? 'w3c' : 'neteq',
    isHost,
    source: createSource({ nowMs, isHost, random }),
    isHidden: !isHost && random() < 0.15,
    networkChanges: 0,
    seq: 0,
    lastAtMs: nowMs,
    // Spread over the interval, so that not everybody posts at once.
    nextAtMs: nowMs + random() * BEACON_EVERY_MS,
    receptions: new Map(),
  };
}

/** Half of the people use WebRTC. */
export function drawServer(region: string, random: Random): Server {
  const { webrtc, webtransport, websocket } = serversOf(region);
  return pick(random, [webrtc, webrtc, webtransport, websocket]);
}

function serversOf(region: string) {
  const host = serverHostOf(region);
  return {
    webrtc: { url: `https://${host}`, type: 'webrtc' },
    webtransport: { url: `https://${host}`, type: 'webtransport' },
    websocket: { url: `wss://${host}`, type: 'websocket' },
  } as const satisfies { [type: string]: Server };
}

function serverHostOf(region: string): string {
  return `media-${region}-1.example.com`;
}
