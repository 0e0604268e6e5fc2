/** One simulated participant: its device, its place in the network, what it sends and what it receives. Pure. */
import type { Server } from '../shared/beacon.ts';
import { drawLines, type Place } from './network.ts';
import { between, pick, type Random } from './random.ts';
import type { Reception } from './reception.ts';
import { createSource, type Source } from './source.ts';

export const BEACON_EVERY_MS = 5_000;

export type Caller = Place & {
  readonly meetingId: string;
  readonly participantId: string;
  readonly server: Server;
  /** `w3c`: a browser's getStats; `neteq`: a client with a NetEQ of its own. */
  readonly audio: 'w3c' | 'neteq';
  /** Never mutes itself, hides its page or leaves: episodes of the timetable happen to hosts. */
  readonly isHost: boolean;
  readonly source: Source;
  /** A hidden page or an app in the background. */
  isHidden: boolean;
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
  readonly nowMs: number;
  readonly random: Random;
};

/** Milliseconds of RTT between a region's people and its media server. */
const RTT_MS: { readonly [region: string]: { low: number; high: number } } = {
  'us-east': { low: 18, high: 60 },
  'eu-west': { low: 15, high: 55 },
  apac: { low: 35, high: 110 },
};

export function joinCall({ meetingId, sessionId, region, isHost, nowMs, random }: Joining): Caller {
  const serverHost = `media-${region}-1.example.com`;
  const webrtc: Server = { url: `https://${serverHost}`, type: 'webrtc' };
  const server = isHost
    ? webrtc
    : pick(random, [
        webrtc,
        webrtc,
        { url: `https://${serverHost}`, type: 'webtransport' },
        { url: `wss://${serverHost}`, type: 'websocket' },
      ] satisfies Server[]);
  const { low, high } = RTT_MS[region] ?? { low: 20, high: 120 };
  return {
    meetingId,
    sessionId,
    participantId: `p-${sessionId}`,
    region,
    server,
    serverHost,
    ...drawLines(between(random, low, high) / 1000, random),
    // Media over anything but WebRTC has no getStats for its audio: such clients bring a NetEQ.
    audio: server.type === 'webrtc' ? 'w3c' : 'neteq',
    isHost,
    source: createSource({ nowMs, isHost, random }),
    isHidden: !isHost && random() < 0.15,
    seq: 0,
    lastAtMs: nowMs,
    // Spread over the interval, so that not everybody posts at once.
    nextAtMs: nowMs + random() * BEACON_EVERY_MS,
    receptions: new Map(),
  };
}
