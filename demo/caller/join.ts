/** How a person gets into a call: how long it takes, or at which stage it fails. Pure. */
import type { Beacon, Server } from '../../shared/beacon.ts';
import { between, pick, type Random } from '../random.ts';
import { suffers } from '../timetable.ts';
import { type Device, isRelayed } from './device.ts';

export type Join = NonNullable<Beacon['join']>;
export type FailedStage = Exclude<Join['result'], 'ok' | undefined>;

/** Share of joins that fail outside the episode. */
const FAILURES = 0.025;
/** Of signaling, ICE and DTLS together. */
const ROUND_TRIPS = 4;

/** A join that succeeds. `hears` and `sees`: whether there is anybody to hear and to see. */
export function drawJoin(options: {
  readonly rttSeconds: number;
  readonly device: Device;
  readonly hears: boolean;
  readonly sees: boolean;
  readonly random: Random;
}): Join {
  const { rttSeconds, device, hears, sees, random } = options;
  // A relay is tried last, when nothing else has answered.
  const relaySeconds = isRelayed(device) ? between(random, 0.4, 0.9) : 0;
  const seconds = between(random, 0.15, 0.4) + ROUND_TRIPS * rttSeconds + relaySeconds;
  const join: Join = { result: 'ok', seconds: rounded(seconds) };
  if (hears) join.first_audio_seconds = rounded(seconds + rttSeconds + between(random, 0.05, 0.2));
  // Video starts with a key frame, which has to be requested.
  if (sees) join.first_video_seconds = rounded(seconds + 2 * rttSeconds + between(random, 0.1, 0.4));
  return join;
}

/** The stage at which a join fails now; undefined when it succeeds. */
export function drawFailure(region: string, elapsedMs: number, random: Random): FailedStage | undefined {
  if (suffers('joins', region, elapsedMs)) return 'ice';
  return random() < FAILURES ? pick(random, ['signaling', 'ice', 'dtls', 'media'] as const) : undefined;
}

export type FailedJoin = {
  readonly meetingId: string;
  readonly sessionId: string;
  readonly server: Server;
  readonly device: Device;
  readonly result: FailedStage;
  readonly nowMs: number;
};

/** The only beacon of a session that never was in its call. */
export function failedJoin({ meetingId, sessionId, server, device, result, nowMs }: FailedJoin): Beacon {
  return {
    v: 1,
    meeting_id: meetingId,
    session_id: sessionId,
    participant_id: `p-${sessionId}`,
    seq: 0,
    started: Math.round(nowMs),
    server,
    client: device.client,
    join: { result },
    peers: [],
  };
}

function rounded(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
