/** The differences of a stream's counters from one report to the next. */
import type { AudioStats, Beacon, VideoStats } from '../../../shared/beacon.ts';

/** Counters that only rise while their stream goes on. */
const AUDIO_COUNTERS = [
  'jitterBufferDelay',
  'jitterBufferEmittedCount',
  'jitterBufferTargetDelay',
  'concealedSamples',
  'silentConcealedSamples',
  'removedSamplesForAcceleration',
  'insertedSamplesForDeceleration',
  'totalSamplesReceived',
  'totalAudioEnergy',
  'packetsReceived',
] as const satisfies readonly (keyof AudioStats)[];

const VIDEO_COUNTERS = [
  'framesDecoded',
  'framesDropped',
  'freezeCount',
  'totalFreezesDuration',
  'packetsReceived',
] as const satisfies readonly (keyof VideoStats)[];

/** May fall by itself, which is not a reset. */
const FALLING = 'packetsLost';

type Rises<Name extends string> = { readonly [N in Name]?: number };
export type AudioRises = Rises<(typeof AUDIO_COUNTERS)[number] | typeof FALLING>;
export type VideoRises = Rises<(typeof VIDEO_COUNTERS)[number] | typeof FALLING>;

/** Of one peer. */
export type PeerRises = { readonly audio: AudioRises; readonly video: VideoRises };

/**
 * Of the peers of a beacon, in its order.
 * @param before the newest beacon before it of the same run
 */
export function risesOfPeers(beacon: Beacon, before: Beacon | undefined): PeerRises[] {
  // Browsers stop decoding video on a hidden page, so a difference over such a time says nothing about what was seen.
  const wasHidden = before?.state?.visible === false;
  return beacon.peers.map(({ peer_id, audio, video }) => {
    const then = before?.peers.find((peer) => peer.peer_id === peer_id);
    return {
      audio: risesOf(AUDIO_COUNTERS, audio, then?.audio),
      video: wasHidden ? {} : risesOf(VIDEO_COUNTERS, video, then?.video),
    };
  });
}

/** Where either is absent, the difference is unknown. When one counter went down, all of the stream restarted at zero. */
function risesOf<Name extends string>(
  names: readonly Name[],
  now: { readonly [N in Name | typeof FALLING]?: number } = {},
  before: { readonly [N in Name | typeof FALLING]?: number } = {},
): Rises<Name | typeof FALLING> {
  const pairs = [...names, FALLING].flatMap((name) => {
    const [value, then] = [now[name as Name], before[name as Name]];
    return value === undefined || then === undefined ? [] : [{ name, value, then }];
  });
  const wasReset = pairs.some(({ name, value, then }) => name !== FALLING && value < then);
  const rises = pairs.map(({ name, value, then }) => [name, wasReset ? value : value - then]);
  return Object.fromEntries(rises) as Rises<Name | typeof FALLING>;
}
