/** The families of live distributions, as docs/metrics.md lists them. */
import type { PeerMeasure } from './figures.ts';

export type LiveMeasure = 'rtt' | PeerMeasure;

type LiveFamily = {
  readonly family: string;
  /** The family of its quantiles. */
  readonly quantiles: string;
  readonly bounds: readonly number[];
};

const RATIO = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5];
const OPERATIONS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 25, 50];
const BUFFER = [0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 2];
const RTT = [0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.75, 1, 1.5, 2];
const JITTER = [0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.5, 1];
const MOS = [1, 1.5, 2, 2.58, 3.1, 3.35, 3.6, 3.8, 4.03, 4.2, 4.34, 4.4, 4.5];
const FRAME_RATE = [1, 2.5, 5, 7.5, 10, 12, 15, 20, 24, 25, 30, 45, 60];

export const LIVE: { readonly [Name in LiveMeasure]: LiveFamily } = {
  rtt: live('rtt', 'seconds', RTT),
  neteq_buffer: live('neteq_buffer', 'seconds', BUFFER),
  concealment: live('concealment', 'ratio', RATIO),
  expand: live('expand', 'operations_per_second', OPERATIONS),
  acceleration: live('acceleration', 'ratio', RATIO),
  accelerate: live('accelerate', 'operations_per_second', OPERATIONS),
  audio_packet_loss: live('audio_packet_loss', 'ratio', RATIO),
  audio_jitter: live('audio_jitter', 'seconds', JITTER),
  jitter_buffer_target: live('jitter_buffer_target', 'seconds', BUFFER),
  audio_mos: { family: 'edgepulse_live_audio_mos', quantiles: 'edgepulse_live_audio_mos_quantile', bounds: MOS },
  video_packet_loss: live('video_packet_loss', 'ratio', RATIO),
  video_freeze: live('video_freeze', 'ratio', RATIO),
  video_frame_rate: live('video', 'frames_per_second', FRAME_RATE),
  video_frames_dropped: live('video_frames_dropped', 'ratio', RATIO),
};

/** In percent. Where small values are the bad ones, those of the low end too. */
export function quantilesOf(measure: LiveMeasure): readonly number[] {
  const isLowBad = measure === 'audio_mos' || measure === 'video_frame_rate';
  return isLowBad ? [1, 5, 50, 95, 99] : [50, 95, 99];
}

function live(name: string, unit: string, bounds: readonly number[]): LiveFamily {
  return { family: `edgepulse_live_${name}_${unit}`, quantiles: `edgepulse_live_${name}_quantile_${unit}`, bounds };
}
