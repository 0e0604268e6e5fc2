/** The beacon that a caller sends every 5 s: what it says about itself, and what it receives from everybody else. Pure. */
import type { Beacon, Peer } from '../../shared/beacon.ts';
import type { Random } from '../random.ts';
import { advanceSource, sentBy, sentMembers } from '../source.ts';
import { suffers } from '../timetable.ts';
import { BEACON_EVERY_MS, type Caller } from './caller.ts';
import { neteqRates } from './neteq.ts';
import { type Descent, descentOf, pathOver, rttSample, uplinkOf } from './network.ts';
import { advanceReception, createReception, type Silencing } from './reception.ts';

export type Moment = {
  readonly nowMs: number;
  /** Since the start of the demo, by which the timetable runs. */
  readonly elapsedMs: number;
  readonly random: Random;
};

const RTT_SAMPLES = 5;
/** How often per beacon people mute or unmute themselves, and switch windows. */
const MUTE_CHANGES = 0.03;
const HIDE_CHANGES = 0.02;
/** How often per beacon ICE fails and has to restart. */
const NETWORK_CHANGES = 0.004;

/** The caller's next beacon; advances its counters and sequence number. */
export function nextBeacon(
  caller: Caller,
  moment: Moment & { readonly others: readonly Caller[]; readonly leaving?: boolean },
): Beacon {
  const { others, leaving = false, ...now } = moment;
  send(caller, now);
  const beacon: Beacon = {
    v: 1,
    meeting_id: caller.meetingId,
    session_id: caller.sessionId,
    participant_id: caller.participantId,
    seq: caller.seq,
    started: caller.startedMs,
    server: caller.server,
    ...aboutItself(caller),
    rtt: Array.from({ length: RTT_SAMPLES }, () => rttSample(caller, now.elapsedMs, now.random)),
    peers: receive(caller, others, now),
  };
  if (leaving) beacon.leaving = true;
  caller.seq += 1;
  caller.lastAtMs = now.nowMs;
  caller.nextAtMs += BEACON_EVERY_MS;
  act(caller, now.random);
  return beacon;
}

type AboutItself = Pick<Beacon, 'client' | 'state' | 'path' | 'connection' | 'join' | 'sent'>;

function aboutItself({ device, source, audio, isHidden, networkChanges, join, seq }: Caller): AboutItself {
  const about: AboutItself = {
    client: device.client,
    state: { visible: !isHidden, audio_sending: !source.isMuted, video_sending: source.hasCamera },
  };
  // The poster repeats the first beacon until it is acknowledged.
  if (seq === 0) about.join = join;
  if (audio === 'neteq') return about;
  if (device.path) about.path = device.path;
  about.connection = { failures: networkChanges, ice_restarts: networkChanges };
  about.sent = sentMembers(source);
  return about;
}

/** Advances what the caller has sent to now. */
function send(caller: Caller, { nowMs, elapsedMs }: Moment): void {
  advanceSource(caller.source, nowMs, uplinkOf(caller, elapsedMs).loss);
}

/** Nobody changes between two beacons, so a beacon's state holds for all the time since the one before. */
function act(caller: Caller, random: Random): void {
  if (caller.isHost) return;
  if (random() < MUTE_CHANGES) caller.source.isMuted = !caller.source.isMuted;
  if (random() < HIDE_CHANGES) caller.isHidden = !caller.isHidden;
  if (random() < NETWORK_CHANGES) caller.networkChanges += 1;
}

function receive(caller: Caller, others: readonly Caller[], moment: Moment): Peer[] {
  const present = new Set(others.map(({ sessionId }) => sessionId));
  for (const id of caller.receptions.keys()) if (!present.has(id)) caller.receptions.delete(id);
  const descent = descentOf(caller, moment.elapsedMs, moment.random);
  return others.map((other) => {
    send(other, moment);
    return peerOf(caller, other, { ...moment, descent });
  });
}

function peerOf(caller: Caller, other: Caller, moment: Moment & { readonly descent: Descent }): Peer {
  const { nowMs, elapsedMs, descent, random } = moment;
  const path = pathOver(uplinkOf(other, elapsedMs), descent);
  const silencing = silencingOf(other.sessionId, elapsedMs);
  const peer: Peer = { peer_id: other.sessionId };
  if (caller.audio === 'neteq') {
    peer.neteq = neteqRates({ path, silencing, isSenderMuted: other.source.isMuted, random });
    return peer;
  }
  const sent = sentBy(other.source);
  const known = caller.receptions.get(other.sessionId);
  // A stream that is new to the client starts its counters at zero.
  const reception = known ?? createReception(sent);
  const seconds = known ? Math.max(0, nowMs - caller.lastAtMs) / 1000 : 0;
  advanceReception(reception, { seconds, sent, path, silencing, isHidden: caller.isHidden, random });
  caller.receptions.set(other.sessionId, reception);
  peer.audio = { ...reception.audio };
  if (other.source.hasCamera) peer.video = { ...reception.video };
  return peer;
}

function silencingOf(sessionId: string, elapsedMs: number): Silencing {
  if (suffers('no_packets', sessionId, elapsedMs)) return 'no_packets';
  return suffers('no_energy', sessionId, elapsedMs) ? 'no_energy' : undefined;
}
