/**
 * A living session as a publisher: what it says of its own sending, and how its receivers hear it. It is a part of
 * the session's record, so that it goes when the session goes; a received stream points to the publisher it comes from.
 */

import type { Share } from './side.ts';

/** Streams by what their receivers say of one kind of media. */
export type Heard = {
  /** Streams whose quality is known. */
  judged: number;
  /** Those over an objective. */
  bad: number;
};

export type Publisher = {
  /** False once its session has left: what still points to it is about nobody. */
  isHere: boolean;
  readonly audio: Heard;
  readonly video: Heard;
  /**
   * Streams that are claimed to be silent, and are not among the bad ones; and those of them that are not among the
   * judged ones either. They count only while it says that it sends.
   */
  silent: number;
  unheard: number;
  /** Its newest beacon says that it sends audio. */
  isSendingAudio: boolean;
  /** Since when its beacons have been saying so, and when the newest one came; ms, by the broker's clock. */
  sendingSinceMs: number;
  reportedAtMs: number;
  /** Its source's cumulative energy, NaN when the newest beacon has none. */
  sourceEnergy: number;
  /** Between its two newest beacons its source was loud enough to be heard. */
  hasSpoken: boolean;
};

/** How its receivers hear its audio, those to whom it is silent among the bad ones. */
export function heardAudio({ audio, silent, unheard, isSendingAudio }: Publisher): Share {
  return isSendingAudio
    ? { bad: audio.bad + silent, of: audio.judged + unheard }
    : { bad: audio.bad, of: audio.judged };
}

/** What a beacon says of its own sender. NaN is absent. */
export type OwnAudio = {
  /** 1 when it sends audio, 0 when it does not. */
  readonly sending: number;
  /** `totalAudioEnergy` of the source. */
  readonly sourceEnergy: number;
};

/**
 * Energy (full scale squared, times seconds) that a source must gain between two beacons to have been heard. A room
 * whose noise is suppressed stays below, and one spoken word is far above: so a quiet person is not taken for a fault.
 */
const AUDIBLE_ENERGY = 1e-5;

export function createPublisher(): Publisher {
  return {
    isHere: true,
    audio: { judged: 0, bad: 0 },
    video: { judged: 0, bad: 0 },
    silent: 0,
    unheard: 0,
    isSendingAudio: false,
    sendingSinceMs: 0,
    reportedAtMs: 0,
    sourceEnergy: Number.NaN,
    hasSpoken: false,
  };
}

/** Takes in what its own newest beacon says. */
export function reportOwnAudio(publisher: Publisher, { sending, sourceEnergy }: OwnAudio, atMs: number): void {
  const isSending = sending === 1;
  if (isSending && !publisher.isSendingAudio) publisher.sendingSinceMs = atMs;
  publisher.isSendingAudio = isSending;
  publisher.reportedAtMs = atMs;
  // False where either is absent, and where the counter began again.
  publisher.hasSpoken = sourceEnergy - publisher.sourceEnergy > AUDIBLE_ENERGY;
  publisher.sourceEnergy = sourceEnergy;
}

/** Its session began again: its source's counter too, and whether it sends is not known until it says so. */
export function forgetOwnAudio(publisher: Publisher): void {
  publisher.isSendingAudio = false;
  publisher.sourceEnergy = Number.NaN;
}
