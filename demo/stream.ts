/**
 * One received stream of a simulated client: what its jitter buffer did, as W3C counters (cumulative)
 * or as rates of a NetEQ of its own. The figures hang together: every sample that came out was either
 * received or concealed, and the operations of a second add up to 100.
 */
import type { AudioStats, NetEqOperations, NetEqStats, VideoStats } from '../shared/beacon.ts';
import { INCIDENT } from './incident.ts';
import { between, type Random } from './random.ts';

const SAMPLE_RATE = 48_000;
/** Opus frames of 20 ms. */
const PACKETS_PER_SECOND = 50;
/** NetEQ decides one operation every 10 ms. */
const OPERATIONS_PER_SECOND = 100;
const FRAMES_PER_SECOND = 25;
/** W3C: the square of the level (0 to 1) times seconds; speech at a level of 0.1. */
const SPEECH_ENERGY_PER_SECOND = 0.01;

export type Conditions = { readonly seconds: number; readonly incident: boolean; readonly random: Random };

/** What happened in the jitter buffer in a while: rates per second, the delay in seconds. */
type Weather = {
  expand: number;
  silentShare: number;
  accelerate: number;
  decelerate: number;
  buffer: number;
  lossRatio: number;
};

export type W3cStream = { readonly audio: Required<AudioStats>; readonly video: Required<VideoStats> };

export function createW3cStream(): W3cStream {
  return {
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
      framesPerSecond: FRAMES_PER_SECOND,
      framesDecoded: 0,
      framesDropped: 0,
      freezeCount: 0,
      totalFreezesDuration: 0,
      packetsReceived: 0,
      packetsLost: 0,
    },
  };
}

/** Lets time pass: counters only grow. */
export function advanceW3cStream({ audio, video }: W3cStream, conditions: Conditions): void {
  const { seconds } = conditions;
  const weather = weatherOf(conditions);
  const samples = Math.round(SAMPLE_RATE * seconds);
  const concealed = Math.round((samples * weather.expand) / OPERATIONS_PER_SECOND);
  const emitted = samples - concealed;
  // W3C: concealed samples are counted as received too.
  audio.totalSamplesReceived += samples;
  audio.concealedSamples += concealed;
  audio.silentConcealedSamples += Math.round(concealed * weather.silentShare);
  audio.jitterBufferEmittedCount += emitted;
  audio.jitterBufferDelay += emitted * weather.buffer;
  audio.jitterBufferTargetDelay += emitted * targetDelayOf(weather);
  audio.totalAudioEnergy += SPEECH_ENERGY_PER_SECOND * seconds;
  audio.jitter = rounded(weather.buffer / 8);
  audio.removedSamplesForAcceleration += Math.round((samples * weather.accelerate) / OPERATIONS_PER_SECOND / 4);
  audio.insertedSamplesForDeceleration += Math.round((samples * weather.decelerate) / OPERATIONS_PER_SECOND / 4);
  const packets = Math.round(PACKETS_PER_SECOND * seconds);
  const lost = Math.round(packets * weather.lossRatio);
  audio.packetsReceived += packets - lost;
  audio.packetsLost += lost;
  advanceVideo(video, conditions, weather);
}

function advanceVideo(video: Required<VideoStats>, { seconds, incident, random }: Conditions, weather: Weather): void {
  const dropped = Math.round(FRAMES_PER_SECOND * seconds * weather.lossRatio);
  const frames = Math.round(FRAMES_PER_SECOND * seconds) - dropped;
  video.framesPerSecond = seconds > 0 ? Math.max(0, Math.round(frames / seconds)) : FRAMES_PER_SECOND;
  video.framesDecoded += frames;
  video.framesDropped += dropped;
  const packets = frames * 6;
  const lost = Math.round(packets * weather.lossRatio);
  video.packetsReceived += packets - lost;
  video.packetsLost += lost;
  if (incident && seconds > 0 && random() < 0.4) {
    video.freezeCount += 1;
    video.totalFreezesDuration += Math.min(seconds, between(random, 0.2, 0.9));
  }
}

/** What a client with a NetEQ of its own reports of the last seconds. */
export function neteqRates(conditions: Conditions): NetEqStats {
  const weather = weatherOf(conditions);
  const { random } = conditions;
  const operations: Required<NetEqOperations> = {
    normal: 0,
    expand: rounded(weather.expand),
    accelerate: rounded(weather.accelerate * 0.8),
    fast_accelerate: rounded(weather.accelerate * 0.2),
    preemptive_expand: rounded(weather.decelerate),
    merge: rounded(weather.expand * 0.4),
    comfort_noise: rounded(between(random, 0, 3)),
  };
  const special = Object.values(operations).reduce((sum, rate) => sum + rate, 0);
  operations.normal = rounded(OPERATIONS_PER_SECOND - special);
  return {
    buffer: rounded(weather.buffer),
    target_delay: rounded(targetDelayOf(weather)),
    packets_per_second: rounded(PACKETS_PER_SECOND * (1 - weather.lossRatio)),
    operations_per_second: operations,
  };
}

/** The buffer holds somewhat more than what the network asks for. */
function targetDelayOf({ buffer }: Weather): number {
  return buffer * 0.8;
}

function weatherOf({ incident, random }: Conditions): Weather {
  if (!incident) {
    return {
      expand: between(random, 0, 0.6),
      silentShare: between(random, 0.1, 0.4),
      accelerate: between(random, 0.2, 1.5),
      decelerate: between(random, 0.1, 0.8),
      buffer: between(random, 0.04, 0.09),
      lossRatio: random() < 0.8 ? 0 : 0.01,
    };
  }
  return {
    expand: between(random, INCIDENT.expandPerSecond.low, INCIDENT.expandPerSecond.high),
    silentShare: between(random, 0.05, 0.15),
    accelerate: between(random, 4, 9),
    decelerate: between(random, 2, 5),
    buffer: between(random, 0.16, 0.26),
    lossRatio: between(random, 0.06, 0.12),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
