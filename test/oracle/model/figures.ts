/** Figures from a peer's newest report and the one before: the definitions of the live population. */
import { NETEQ_OPERATIONS, type NetEqOperations, type NetEqStats, type Peer } from '../../../shared/beacon.ts';
import { meanOpinion } from './mean-opinion.ts';
import type { PeerRises } from './rises.ts';

/** Figures of the live distributions of peer connections, by their names. */
export const PEER_MEASURES = [
  'neteq_buffer',
  'concealment',
  'expand',
  'acceleration',
  'accelerate',
  'audio_packet_loss',
  'audio_jitter',
  'jitter_buffer_target',
  'audio_mos',
  'video_packet_loss',
  'video_freeze',
  'video_frame_rate',
  'video_frames_dropped',
] as const;
export type PeerMeasure = (typeof PEER_MEASURES)[number];

/** Absent means unknown. */
export type Figures = { readonly [Name in PeerMeasure]?: number };

/** One peer of the newest beacon of its session. */
export type Heard = {
  readonly peer: Peer;
  /** Since the beacon before. */
  readonly rises: PeerRises;
  /** Of the session. */
  readonly rttSeconds: number | undefined;
  /** Between the two beacons; undefined when there is no earlier one. */
  readonly elapsedSeconds: number | undefined;
  /** Whether the page is hidden: its video figures don't count. */
  readonly isHidden: boolean;
};

type Known = number | undefined;

const BUFFER_SECONDS_MAX = 60;
/** A NetEQ with fewer packets receives silence; that is not loss. */
const SPEECH_PACKETS_PER_SECOND = 2;
/** Beacons closer together were delayed somewhere and arrived at once. */
const ELAPSED_SECONDS_MIN = 0.5;

export function figuresOf(heard: Heard): Figures {
  const figures = { ...audioOf(heard), ...(heard.isHidden ? {} : videoOf(heard)) };
  const known = Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, toMillionth(value)]));
}

function audioOf({ peer: { audio, neteq }, rises: { audio: rises }, rttSeconds }: Heard): {
  [Name in PeerMeasure]?: Known;
} {
  const rates = neteq?.operations_per_second;
  const expandRate = isSilent(neteq) ? undefined : rates?.expand;
  const samples = rises.totalSamplesReceived;
  const audible = minus(rises.concealedSamples, rises.silentConcealedSamples);
  const buffer = neteq?.buffer ?? delayOf(rises.jitterBufferDelay, rises.jitterBufferEmittedCount);
  const loss = packetLoss(rises.packetsLost, rises.packetsReceived);
  const concealment = expandRate === undefined ? share(audible, samples) : Math.min(1, expandRate / 100);
  const impairment = loss ?? concealment;
  const isHeard = rttSeconds !== undefined && buffer !== undefined && impairment !== undefined;
  return {
    neteq_buffer: buffer,
    concealment,
    expand: expandRate ?? times(100, share(rises.concealedSamples, samples)),
    acceleration: share(rises.removedSamplesForAcceleration, samples),
    accelerate: plus(rates?.accelerate, rates?.fast_accelerate),
    audio_packet_loss: loss,
    audio_jitter: audio?.jitter,
    jitter_buffer_target: neteq?.target_delay ?? delayOf(rises.jitterBufferTargetDelay, rises.jitterBufferEmittedCount),
    audio_mos: isHeard ? meanOpinion(rttSeconds / 2 + buffer, impairment) : undefined,
  };
}

function videoOf({ peer: { video }, rises: { video: rises }, elapsedSeconds }: Heard): {
  [Name in PeerMeasure]?: Known;
} {
  const isApart = elapsedSeconds !== undefined && elapsedSeconds >= ELAPSED_SECONDS_MIN;
  return {
    video_packet_loss: packetLoss(rises.packetsLost, rises.packetsReceived),
    video_freeze: isApart ? share(rises.totalFreezesDuration, elapsedSeconds) : undefined,
    video_frame_rate: video?.framesPerSecond,
    video_frames_dropped: share(rises.framesDropped, both(rises.framesDropped, rises.framesDecoded)),
  };
}

/** The rates of NetEQ operations in the report. */
export function operationsOf({ neteq }: Peer): [keyof NetEqOperations, number][] {
  const rates = neteq?.operations_per_second ?? {};
  return NETEQ_OPERATIONS.flatMap((name) => {
    const rate = rates[name];
    const isUnknown = rate === undefined || (name === 'expand' && isSilent(neteq));
    return isUnknown ? [] : [[name, toMillionth(rate)]];
  });
}

/** Live values are kept to a millionth (docs/adr/0001). */
export function toMillionth(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

/** A client that does not report packets is not silent. */
function isSilent(neteq: NetEqStats | undefined): boolean {
  return neteq?.packets_per_second !== undefined && neteq.packets_per_second < SPEECH_PACKETS_PER_SECOND;
}

/** At least zero: packets that had counted as lost may arrive later. */
function packetLoss(lost: Known, received: Known): Known {
  if (lost === undefined || received === undefined) return undefined;
  return share(Math.max(0, lost), Math.max(0, lost) + received);
}

function delayOf(seconds: Known, count: Known): Known {
  if (seconds === undefined || !count) return undefined;
  return Math.min(BUFFER_SECONDS_MAX, seconds / count);
}

/** A ratio from 0 to 1, whatever a client claims; unknown when the whole is zero. */
function share(part: Known, whole: Known): Known {
  return part === undefined || !whole ? undefined : Math.min(1, Math.max(0, part / whole));
}

function both(one: Known, other: Known): Known {
  return one === undefined || other === undefined ? undefined : one + other;
}

function minus(one: Known, other: Known): Known {
  return one === undefined || other === undefined ? undefined : one - other;
}

function times(factor: number, value: Known): Known {
  return value === undefined ? undefined : factor * value;
}

/** One of the two is enough. */
function plus(one: Known, other: Known): Known {
  return one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0);
}
