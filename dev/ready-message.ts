/** What `npm start` prints when everything is up: the addresses and commands that work as printed. */
import type { Settings } from './settings.ts';
import type { Addresses } from './stack.ts';

export type Announcement = {
  readonly addresses: Addresses;
  readonly settings: Settings;
  /** A valid token for {@link SAMPLE}'s session. */
  readonly token: string;
  readonly seconds: number;
};

export const SAMPLE = { meetingId: 'hello', sessionId: 'hello-1' } as const;

/** Lines; the first alone starts with `ready`. */
export function announce({ addresses, settings, token, seconds }: Announcement): string[] {
  const { worker, aggregator } = addresses;
  const bearer = settings.metricsToken === undefined ? '' : ` -H "Authorization: Bearer $METRICS_TOKEN"`;
  return [
    `ready after ${seconds.toFixed(1)} s (Ctrl-C ends everything)`,
    '',
    `  beacons  ${worker}/v1/beacons`,
    `  metrics  ${aggregator}/metrics`,
    `  board    ${aggregator}/`,
    `  NATS     ${addresses.nats}`,
    '',
    "Post a beacon; the answer is 204 (-H 'x-dev-region: NAME' posts it from that region):",
    '',
    `  curl -i ${worker}/v1/beacons -H 'Content-Type: text/plain' -d '${sampleBeacon(token)}'`,
    '',
    `See it; it is gone ${settings.ttlSeconds} s after its last beacon:`,
    '',
    `  curl -s ${aggregator}/metrics${bearer} | grep '${SAMPLE.sessionId}'`,
    '',
  ];
}

/** In single quotes for a shell: it holds none itself. */
function sampleBeacon(token: string): string {
  return JSON.stringify({
    v: 1,
    token,
    meeting_id: SAMPLE.meetingId,
    session_id: SAMPLE.sessionId,
    seq: 0,
    rtt: [0.12],
    peers: [],
  });
}
