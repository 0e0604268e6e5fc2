/**
 * A living session as a publisher: what it says of its own sending, and how its receivers hear it. It is a part of
 * the session's record, so that it goes when the session goes; a received stream points to the publisher it comes from.
 */
import type { Share } from './side.ts';

export type Publisher = {
  /** False once its session has left: what still points to it is about nobody. */
  isHere: boolean;
  /** Streams from it whose audio, or video, is known, and those that are over an objective. */
  audioJudged: number;
  audioBad: number;
  videoJudged: number;
  videoBad: number;
  /**
   * Streams that are claimed to be silent, and are not among the bad ones; and those of them that are not among the
   * judged ones either. They count only while it says that it sends.
   */
  silent: number;
  unheard: number;
  /** Absent while it says nothing of itself, as most older clients never do. */
  own: OwnAudio | undefined;
};

/** What its beacons say of its own audio. Times are ms, by the broker's clock. */
export type OwnAudio = {
  isSending: boolean;
  /** Since when its beacons have been saying so, and when the newest one came. */
  sendingSinceMs: number;
  reportedAtMs: number;
  /** Its source's cumulative energy, NaN when the newest beacon has none. */
  sourceEnergy: number;
  /** Between its two newest beacons its source was loud enough to be heard. */
  hasSpoken: boolean;
};

/** What one beacon says of it. NaN is absent. */
export type OwnReport = {
  readonly atMs: number;
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
    audioJudged: 0,
    audioBad: 0,
    videoJudged: 0,
    videoBad: 0,
    silent: 0,
    unheard: 0,
    own: undefined,
  };
}

export function isSendingAudio({ own }: Publisher): boolean {
  return own?.isSending === true;
}

/** How its receivers hear its audio, those to whom it is silent among the bad ones. */
export function heardAudio(publisher: Publisher): Share {
  const { audioBad, audioJudged, silent, unheard } = publisher;
  return isSendingAudio(publisher)
    ? { bad: audioBad + silent, of: audioJudged + unheard }
    : { bad: audioBad, of: audioJudged };
}

/** How its receivers see its video. */
export function seenVideo({ videoBad, videoJudged }: Publisher): Share {
  return { bad: videoBad, of: videoJudged };
}

/** Takes in what its own newest beacon says. */
export function reportOwnAudio(publisher: Publisher, { atMs, sending, sourceEnergy }: OwnReport): void {
  if (Number.isNaN(sending) && Number.isNaN(sourceEnergy)) {
    publisher.own = undefined;
    return;
  }
  const own = publisher.own ?? beginOwnAudio();
  publisher.own = own;
  if (sending === 1 && !own.isSending) own.sendingSinceMs = atMs;
  own.isSending = sending === 1;
  own.reportedAtMs = atMs;
  // False where either is absent, and where the counter began again.
  own.hasSpoken = sourceEnergy - own.sourceEnergy > AUDIBLE_ENERGY;
  own.sourceEnergy = sourceEnergy;
}

function beginOwnAudio(): OwnAudio {
  return { isSending: false, sendingSinceMs: 0, reportedAtMs: 0, sourceEnergy: Number.NaN, hasSpoken: false };
}
