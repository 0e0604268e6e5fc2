/** What `npm start` prints when everything is up: the addresses, and commands that work as printed. */
import type { Settings } from './settings.ts';
import type { Addresses, RegionAddresses } from './stack.ts';

export type Ready = {
  readonly addresses: Addresses;
  readonly settings: Pick<Settings, 'metricsToken' | 'regions' | 'ttlSeconds'>;
  /** A valid token for {@link SAMPLE}'s session. */
  readonly token: string;
  /** How long the start took. */
  readonly seconds: number;
};

/** The session that the printed commands post for. */
export const SAMPLE = { meetingId: 'hello', sessionId: 'hello-1' } as const;

/** Lines; the first alone starts with `ready`. */
export function readyMessage({ addresses, settings, token, seconds }: Ready): string[] {
  const { worker, aggregator, regions: joined } = addresses;
  const { metricsToken, ttlSeconds } = settings;
  const regions = joined?.map(({ region }) => region) ?? settings.regions;
  const bearer = metricsToken === undefined ? '' : ' -H "Authorization: Bearer $METRICS_TOKEN"';
  const login = metricsToken === undefined ? '' : '  (any user name; the password is METRICS_TOKEN)';
  return [
    `ready after ${seconds.toFixed(1)} s (press Ctrl-C to stop everything)`,
    '',
    `  beacons  ${worker}/v1/beacons`,
    ...(joined ? joined.flatMap(regionLines(login)) : addressLines(addresses, login)),
    '',
    'Post a beacon (the answer is 204):',
    '',
    `  curl -i ${worker}/v1/beacons -H 'Content-Type: text/plain' -d ${sampleBeacon(token)}`,
    '',
    `Add -H 'x-dev-region: NAME' to post it from another region: ${regions.join(', ')}.`,
    '',
    `See it in the metrics; it disappears ${ttlSeconds} s after its last beacon:`,
    '',
    `  curl -s ${aggregator}/metrics${bearer} | grep '${SAMPLE.sessionId}'`,
    '',
    'Watch the messages on NATS as JSON:',
    '',
    `  NATS_URL=${joined?.[0]?.natsOperator ?? addresses.nats} npm run -s tail -- 'health.diagnostics.>'`,
    '',
  ];
}

function addressLines({ aggregator, nats }: Addresses, login: string): string[] {
  return [`  metrics  ${aggregator}/metrics`, `  board    ${aggregator}/${login}`, `  NATS     ${nats}`];
}

/** A process that is stopped keeps its connections and answers nothing: what an outage often looks like. */
const regionLines =
  (login: string) =>
  ({ region, aggregator, nats, natsPid }: RegionAddresses): string[] => [
    '',
    `  ${region}`,
    `    metrics  ${aggregator}/metrics`,
    `    board    ${aggregator}/${login}`,
    `    NATS     ${nats}; an outage: kill -STOP ${natsPid}, and its end: kill -CONT ${natsPid}`,
  ];

/**
 * One word of a shell (sh, bash, zsh). Each time is another run of the session, by `started`, or it would repeat the last
 * beacon.
 */
function sampleBeacon(token: string): string {
  const { meetingId: meeting_id, sessionId: session_id } = SAMPLE;
  const json = JSON.stringify({ v: 1, token, meeting_id, session_id, started: 0, seq: 0, rtt: [0.12], peers: [] });
  return `'${json.replace('"started":0', `"started":'$(date +%s)'000`)}'`;
}
