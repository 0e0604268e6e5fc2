/** What a person calls with, and the path of its media to the server. Pure. */
import type { Beacon, ServerType } from '../../shared/beacon.ts';
import { pick, type Random } from '../random.ts';

export type Device = {
  readonly client: NonNullable<Beacon['client']>;
  /** Only with WebRTC: nothing else has candidates. */
  readonly path?: NonNullable<Beacon['path']>;
};

/** Share of the people whose network allows no direct path. */
const RELAYED = 0.12;

const BROWSERS_AND_APPS: readonly Device['client'][] = [
  { platform: 'web', engine: 'chromium' },
  { platform: 'web', engine: 'chromium' },
  { platform: 'web', engine: 'gecko' },
  { platform: 'web', engine: 'webkit' },
  { platform: 'ios', engine: 'native' },
  { platform: 'android', engine: 'native' },
];
/** WebTransport and WebSocket with an audio engine in WebAssembly, or an app. */
const WITHOUT_WEBRTC: readonly Device['client'][] = [
  { platform: 'web', engine: 'chromium' },
  { platform: 'desktop', engine: 'native' },
];

export function drawDevice(serverType: ServerType, random: Random): Device {
  if (serverType !== 'webrtc') return { client: pick(random, WITHOUT_WEBRTC) };
  return { client: pick(random, BROWSERS_AND_APPS), path: drawPath(random) };
}

function drawPath(random: Random): NonNullable<Device['path']> {
  if (random() < RELAYED) {
    return { candidate_type: 'relay', protocol: pick(random, ['udp', 'udp', 'tcp', 'tls'] as const) };
  }
  return { candidate_type: pick(random, ['host', 'srflx', 'srflx', 'prflx'] as const), protocol: 'udp' };
}

export function isRelayed({ path }: Device): boolean {
  return path?.candidate_type === 'relay';
}
