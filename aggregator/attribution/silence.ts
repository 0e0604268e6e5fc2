/**
 * "I can't hear you" although nothing is lost: the sender reports that it sends audio, but for two consecutive
 * beacons nothing of it arrives. Neither a muted sender nor a quiet person is silent in this sense.
 */
import type { Publisher } from './publisher.ts';

export const SILENCE_CAUSES = ['no_packets', 'no_energy'] as const;
export type SilenceCause = (typeof SILENCE_CAUSES)[number];

/** What a receiver's newest beacon says of the audio of one peer, by its differences. */
export const ARRIVAL = {
  /** Something audible came, or it is not known: a first beacon, absent members, counters that began again. */
  heardOrUnknown: 0,
  noPackets: 1,
  /** Packets came, and their energy did not rise at all. */
  noEnergy: 2,
} as const;
export type Arrival = (typeof ARRIVAL)[keyof typeof ARRIVAL];

/** What is kept of a stream from one beacon to the next. */
export const SILENCE = { none: 0, suspected: 1, noPackets: 2, noEnergy: 3 } as const;
export type Silence = (typeof SILENCE)[keyof typeof SILENCE];

/**
 * A sender whose newest beacon is older than this, when its receiver's comes, says nothing about now: it may have
 * crashed. Healthy clients send a beacon every 7.5 s, so that one may be lost.
 */
const SENDER_STALE_MS = 16_000;

/** When the receiver's beacons came, ms, by the broker's clock. */
export type Beacons = { readonly previousAtMs: number; readonly newestAtMs: number };

/** The state of a stream after the receiver's newest beacon. */
export function nextSilence(before: Silence, arrival: Arrival, publisher: Publisher, beacons: Beacons): Silence {
  if (arrival === ARRIVAL.heardOrUnknown || !isSaidToSend(publisher, beacons.newestAtMs)) return SILENCE.none;
  if (arrival === ARRIVAL.noEnergy) {
    if (!publisher.own?.hasSpoken) return SILENCE.none;
    // It is silent beside what was said meanwhile: the words of an older beacon may have been heard in time, and nothing
    // was said since. Until a newer one comes, it stays as it is.
    if (publisher.own.reportedAtMs < beacons.previousAtMs) {
      return before === SILENCE.noEnergy ? SILENCE.noEnergy : SILENCE.suspected;
    }
  }
  // What was not heard before the sender last muted and unmuted does not count.
  const isSecond = before !== SILENCE.none && sendingSinceMs(publisher) <= beacons.previousAtMs;
  if (!isSecond) return SILENCE.suspected;
  return arrival === ARRIVAL.noPackets ? SILENCE.noPackets : SILENCE.noEnergy;
}

/**
 * The cause of a stream's silence now: the sender may have muted or left since the receiver's newest beacon.
 * @param newestAtMs when the receiver's newest beacon came
 */
export function silenceCause(silence: Silence, publisher: Publisher, newestAtMs: number): SilenceCause | undefined {
  if (silence < SILENCE.noPackets || !isSaidToSend(publisher, newestAtMs)) return undefined;
  if (sendingSinceMs(publisher) > newestAtMs) return undefined;
  return silence === SILENCE.noPackets ? 'no_packets' : 'no_energy';
}

function isSaidToSend({ isHere, own }: Publisher, newestAtMs: number): boolean {
  return isHere && own?.isSending === true && newestAtMs - own.reportedAtMs <= SENDER_STALE_MS;
}

function sendingSinceMs({ own }: Publisher): number {
  return own?.sendingSinceMs ?? Number.NaN;
}
