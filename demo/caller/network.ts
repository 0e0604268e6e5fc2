/**
 * The path from a person who speaks to one who listens: the speaker's uplink, the listener's media server and the
 * listener's downlink. A fault in one of them affects everybody whose media passes through it. Pure.
 */
import { INCIDENT } from '../incident.ts';
import { between, type Random } from '../random.ts';
import { suffers } from '../timetable.ts';

export type Line = {
  readonly delaySeconds: number;
  /** RFC 3550's interarrival jitter. */
  readonly jitterSeconds: number;
  /** Share of the packets that it loses. */
  readonly loss: number;
  /** Share of the packets that come too late to be played. */
  readonly late: number;
};

/** A person's place in the network, and their lines without faults. */
export type Place = {
  readonly region: string;
  readonly sessionId: string;
  /** Host name of its media server. */
  readonly serverHost: string;
  readonly uplink: Line;
  readonly downlink: Line;
};

const HEALTHY_SERVER: Line = { delaySeconds: 0, jitterSeconds: 0, loss: 0, late: 0 };
const OVERLOADED_SERVER: Line = { delaySeconds: 0.04, jitterSeconds: 0.015, loss: 0.2, late: 0.01 };
/** A crowded Wi-Fi, or an upload on the same line: packets are lost, and the others wait in a queue. */
const BAD_LINE = { addedDelaySeconds: 0.03, jitterSeconds: 0.025, loss: 0.2, late: 0.01 };

/** A person's lines without faults: the RTT to the server is the delay of both. */
export function drawLines(rttSeconds: number, random: Random): Pick<Place, 'uplink' | 'downlink'> {
  const draw = (): Line => ({
    delaySeconds: rttSeconds / 2,
    jitterSeconds: between(random, 0.002, 0.006),
    loss: between(random, 0, 0.002),
    late: between(random, 0, 0.001),
  });
  return { uplink: draw(), downlink: draw() };
}

export function uplinkOf({ uplink, sessionId }: Place, elapsedMs: number): Line {
  return suffers('uplink', sessionId, elapsedMs) ? bad(uplink) : uplink;
}

/** What the server and the person's own line do now to everything that the person receives. */
export type Descent = { readonly server: Line; readonly downlink: Line };

export function descentOf(place: Place, elapsedMs: number, random: Random): Descent {
  const { region, sessionId, serverHost, downlink } = place;
  const server = suffers('server', serverHost, elapsedMs) ? OVERLOADED_SERVER : HEALTHY_SERVER;
  if (suffers('incident', region, elapsedMs)) return { server, downlink: incidentLine(downlink, random) };
  if (suffers('downlink', sessionId, elapsedMs)) return { server, downlink: bad(downlink) };
  // Small losses that nobody notices.
  const loss = downlink.loss + (random() < 0.8 ? 0 : between(random, 0, 0.008));
  return { server, downlink: { ...downlink, loss, late: between(random, 0, 0.002) } };
}

/** One RTT sample to the person's server. */
export function rttSample(place: Place, elapsedMs: number, random: Random): number {
  const { low, high } = INCIDENT.rttSeconds;
  if (suffers('incident', place.region, elapsedMs)) return rounded(between(random, low, high));
  const { server, downlink } = descentOf(place, elapsedMs, random);
  const seconds = uplinkOf(place, elapsedMs).delaySeconds + server.delaySeconds + downlink.delaySeconds;
  return rounded(seconds * between(random, 0.9, 1.25));
}

/** The path of one stream from its speaker to its listener. */
export function pathOver(uplink: Line, { server, downlink }: Descent): Line {
  const lines = [uplink, server, downlink];
  const arrived = lines.reduce((share, { loss }) => share * (1 - loss), 1);
  return {
    delaySeconds: lines.reduce((sum, { delaySeconds }) => sum + delaySeconds, 0),
    jitterSeconds: Math.hypot(...lines.map(({ jitterSeconds }) => jitterSeconds)),
    loss: 1 - arrived,
    late: arrived * (1 - lines.reduce((share, { late }) => share * (1 - late), 1)),
  };
}

function bad({ delaySeconds }: Line): Line {
  const { addedDelaySeconds, ...line } = BAD_LINE;
  return { ...line, delaySeconds: delaySeconds + addedDelaySeconds };
}

/** Lost and late packets together make NetEQ expand as often as the incident says; the margins are for the uplink's own losses. */
function incidentLine(line: Line, random: Random): Line {
  const { low, high } = INCIDENT.expandPerSecond;
  const missing = between(random, low + 0.5, high - 1) / 100;
  const loss = between(random, 0.06, 0.12);
  return { ...line, jitterSeconds: between(random, 0.045, 0.065), loss, late: (missing - loss) / (1 - loss) };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1e5) / 1e5;
}
