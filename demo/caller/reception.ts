/**
 * One stream that a browser receives, as the cumulative W3C counters of getStats(): audio, and video where the other
 * has a camera. They follow from what the other has sent and from the path between them. Pure.
 */
import type { AudioStats, VideoStats } from '../../shared/beacon.ts';
import { between, type Random } from '../random.ts';
import type { Sent } from '../source.ts';
import type { Line } from './network.ts';

const SAMPLE_RATE = 48_000;
/** Share of a muted sender's samples that comes out of the jitter buffer; the rest is comfort noise. */
const EMITTED_IN_DTX = 0.1;
/** Concealment of less than this fades into silence; after it there is nothing to hear. */
const AUDIBLE_CONCEALMENT_SECONDS = 0.2;
/** Losses below this are repaired by retransmission before anybody sees them. */
const REPAIRED_LOSS = 0.03;
const FREEZE_SECONDS = 0.4;

/** What is wrong with a stream on a healthy path: nothing is forwarded, or only silence. */
export type Silencing = 'no_packets' | 'no_energy' | undefined;

export type Reception = {
  readonly audio: Required<AudioStats>;
  readonly video: Required<VideoStats>;
  /** What the sender had sent when the stream was last looked at. */
  seen: Sent;
  /** Fractions of lost packets, carried over to the next step. */
  audioLoss: number;
  videoLoss: number;
};

export function createReception(seen: Sent): Reception {
  return {
    seen,
    audioLoss: 0,
    videoLoss: 0,
    audio: {
      jitterBufferDelay: 0,
      jitterBufferEmittedCount: 0,
      jitterBufferTargetDelay: 0,
      concealedSamples: 0,
      silentConcealedSamples: 0,
      insertedSamplesForDeceleration: 0,
      removedSamplesForAcceleration: 0,
      totalSamplesReceived: 0,
      totalAudioEnergy: 0,
      packetsReceived: 0,
      packetsLost: 0,
      jitter: 0,
    },
    video: {
      framesPerSecond: 0,
      framesDecoded: 0,
      framesDropped: 0,
      freezeCount: 0,
      totalFreezesDuration: 0,
      packetsReceived: 0,
      packetsLost: 0,
    },
  };
}

export type Passage = {
  readonly seconds: number;
  readonly sent: Sent;
  readonly path: Line;
  readonly silencing: Silencing;
  /** The page is hidden: its browser stops decoding video, though packets still arrive. */
  readonly isHidden: boolean;
  readonly random: Random;
};

/** Advances a stream in time. */
export function advanceReception(reception: Reception, passage: Passage): void {
  if (passage.silencing === 'no_packets') starveAudio(reception, passage);
  else advanceAudio(reception, passage);
  advanceVideo(reception, passage);
  reception.seen = passage.sent;
}

function advanceAudio(reception: Reception, { seconds, sent, path, silencing, random }: Passage): void {
  const { audio, seen } = reception;
  const samples = Math.round(SAMPLE_RATE * seconds);
  const spoken = seconds > 0 ? Math.min(1, (sent.spokenSeconds - seen.spokenSeconds) / seconds) : 0;
  const spokenSamples = Math.round(samples * spoken);
  const concealed = Math.round(spokenSamples * (path.loss + path.late));
  const emitted = spokenSamples - concealed + Math.round((samples - spokenSamples) * EMITTED_IN_DTX);
  const { target, buffer, accelerate, decelerate } = bufferOver(path, random);
  // W3C: concealed samples are counted as received too.
  audio.totalSamplesReceived += samples;
  audio.concealedSamples += concealed;
  audio.silentConcealedSamples += Math.round(concealed * between(random, 0.05, 0.15));
  audio.jitterBufferEmittedCount += emitted;
  audio.jitterBufferDelay += emitted * buffer;
  audio.jitterBufferTargetDelay += emitted * target;
  // An operation of 10 ms removes or inserts about one pitch period.
  audio.removedSamplesForAcceleration += Math.round((spokenSamples * accelerate) / 400);
  audio.insertedSamplesForDeceleration += Math.round((spokenSamples * decelerate) / 400);
  if (silencing !== 'no_energy') audio.totalAudioEnergy += (sent.energy - seen.energy) * (1 - path.loss);
  audio.jitter = Math.round(path.jitterSeconds * between(random, 0.9, 1.1) * 1e6) / 1e6;
  const packets = sent.packets - seen.packets;
  reception.audioLoss += packets * path.loss;
  const lost = Math.floor(reception.audioLoss);
  reception.audioLoss -= lost;
  audio.packetsLost += lost;
  audio.packetsReceived += packets - lost;
}

/** No packet arrives, so none counts as lost: everything is concealed, and after a moment silently. */
function starveAudio({ audio }: Reception, { seconds }: Passage): void {
  const samples = Math.round(SAMPLE_RATE * seconds);
  audio.totalSamplesReceived += samples;
  audio.concealedSamples += samples;
  audio.silentConcealedSamples += Math.max(0, samples - SAMPLE_RATE * AUDIBLE_CONCEALMENT_SECONDS);
}

function advanceVideo(reception: Reception, { seconds, sent, path, isHidden, random }: Passage): void {
  const { video, seen } = reception;
  const packets = sent.videoPackets - seen.videoPackets;
  reception.videoLoss += packets * path.loss;
  const lost = Math.floor(reception.videoLoss);
  reception.videoLoss -= lost;
  video.packetsLost += lost;
  video.packetsReceived += packets - lost;
  video.framesPerSecond = 0;
  if (isHidden || seconds <= 0) return;
  const frozen = path.loss < REPAIRED_LOSS ? 0 : Math.min(0.6, 1.6 * path.loss) * between(random, 0.9, 1.1);
  const frames = sent.frames - seen.frames;
  const dropped = Math.round((frames * path.loss) / 4);
  const decoded = Math.max(0, Math.round(frames * (1 - frozen)) - dropped);
  video.framesDropped += dropped;
  video.framesDecoded += decoded;
  video.framesPerSecond = Math.round(decoded / seconds);
  video.freezeCount += Math.ceil((frozen * seconds) / FREEZE_SECONDS);
  video.totalFreezesDuration += frozen * seconds;
}

/** How a jitter buffer responds to a path: seconds, and operations a second. */
export type Buffering = {
  readonly target: number;
  readonly buffer: number;
  readonly accelerate: number;
  readonly decelerate: number;
};

export function bufferOver({ jitterSeconds }: Line, random: Random): Buffering {
  // Nearly all packets arrive within three times the mean deviation; the buffer holds somewhat more than that.
  const target = 0.02 + 3 * jitterSeconds;
  return {
    target,
    buffer: target * between(random, 1.1, 1.3),
    accelerate: jitterSeconds * between(random, 80, 160),
    decelerate: jitterSeconds * between(random, 40, 90),
  };
}
