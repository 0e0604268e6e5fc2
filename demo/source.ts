/**
 * What a person sends: microphone and camera, as counters that grow with time. What others receive is derived from these
 * counters, so that packets sent, lost and received add up. Pure.
 */
import type { Beacon } from '../shared/beacon.ts';
import { between, type Random } from './random.ts';

/** Opus frames of 20 ms. */
const PACKETS_PER_SECOND = 50;
/** With DTX, Opus still refreshes its comfort noise a few times a second while nobody speaks. */
const DTX_PACKETS_PER_SECOND = 5;
const VIDEO_PACKETS_PER_FRAME = 4;
const FRAMES_PER_SECOND = 25;
/** What an encoder achieves on a bad uplink or a slow device. */
const LIMITED_FRAMES_PER_SECOND = 12;
/** From this loss on, an encoder sends less. */
const LIMITING_LOSS = 0.1;

export type Source = {
  /** The time up to which the other members count. */
  atMs: number;
  isMuted: boolean;
  readonly hasCamera: boolean;
  /** W3C: full scale squared, times seconds; per second. */
  readonly energyPerSecond: number;
  /** The device can't encode as much as the line would carry. */
  readonly isSlow: boolean;
  /** Why the camera sends less than it could, in W3C's words. */
  limitation: 'none' | 'bandwidth' | 'cpu';
  /** Cumulative, with fractions; {@link sentBy} returns whole numbers. */
  packets: number;
  packetsLost: number;
  spokenSeconds: number;
  energy: number;
  frames: number;
  videoPackets: number;
  videoPacketsLost: number;
};

/** What was sent up to now: packets and frames are whole. */
export type Sent = {
  readonly packets: number;
  readonly spokenSeconds: number;
  readonly energy: number;
  readonly frames: number;
  readonly videoPackets: number;
};

export function createSource(options: {
  readonly nowMs: number;
  readonly isHost: boolean;
  readonly random: Random;
}): Source {
  const { nowMs, isHost, random } = options;
  // Speech has a level of 0.05 to 0.15. A few unmuted people say nothing: a quiet room is not a fault.
  const isQuiet = random() < 0.1;
  const level = isQuiet && !isHost ? 0.0005 : between(random, 0.05, 0.15);
  return {
    atMs: nowMs,
    isMuted: !isHost && random() < 0.5,
    hasCamera: isHost || random() < 0.6,
    energyPerSecond: level * level * 0.4,
    isSlow: !isHost && random() < 0.1,
    limitation: 'none',
    packets: 0,
    packetsLost: 0,
    spokenSeconds: 0,
    energy: 0,
    frames: 0,
    videoPackets: 0,
    videoPacketsLost: 0,
  };
}

/**
 * Advances what the source has sent to `nowMs`, in its present state.
 * @param uplinkLoss the share of its packets that its uplink loses
 */
export function advanceSource(source: Source, nowMs: number, uplinkLoss: number): void {
  const seconds = Math.max(0, nowMs - source.atMs) / 1000;
  source.atMs = Math.max(source.atMs, nowMs);
  const packets = seconds * (source.isMuted ? DTX_PACKETS_PER_SECOND : PACKETS_PER_SECOND);
  source.packets += packets;
  source.packetsLost += packets * uplinkLoss;
  if (!source.isMuted) {
    source.spokenSeconds += seconds;
    source.energy += seconds * source.energyPerSecond;
  }
  if (!source.hasCamera) return;
  source.limitation = uplinkLoss > LIMITING_LOSS ? 'bandwidth' : source.isSlow ? 'cpu' : 'none';
  const frames = seconds * (source.limitation === 'none' ? FRAMES_PER_SECOND : LIMITED_FRAMES_PER_SECOND);
  source.frames += frames;
  source.videoPackets += frames * VIDEO_PACKETS_PER_FRAME;
  source.videoPacketsLost += frames * VIDEO_PACKETS_PER_FRAME * uplinkLoss;
}

export function sentBy({ packets, spokenSeconds, energy, frames, videoPackets }: Source): Sent {
  return {
    packets: Math.floor(packets),
    spokenSeconds,
    energy,
    frames: Math.floor(frames),
    videoPackets: Math.floor(videoPackets),
  };
}

/** The members of W3C's outbound and remote inbound statistics. */
export function sentMembers(source: Source): NonNullable<Beacon['sent']> {
  const { packets, videoPackets, energy } = sentBy(source);
  const audio = { packetsSent: packets, packetsLost: Math.floor(source.packetsLost), totalAudioEnergy: energy };
  if (!source.hasCamera) return { audio };
  const { videoPacketsLost, limitation } = source;
  const packetsLost = Math.floor(videoPacketsLost);
  return { audio, video: { packetsSent: videoPackets, packetsLost, qualityLimitationReason: limitation } };
}
