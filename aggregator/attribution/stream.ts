/**
 * A received stream: one peer of one session. What is known of its quality is a small number, so that a change is
 * seen by comparing two of them, and its publisher's counts are touched only then.
 */
import { OBJECTIVES } from '../../shared/objectives.ts';
import { MEASURE } from '../live/measures.ts';
import { millionthsOf, UNKNOWN } from '../live/millionths.ts';
import type { Publisher } from './publisher.ts';
import { SILENCE, type Silence } from './silence.ts';

export const AUDIO_JUDGED = 1;
export const AUDIO_BAD = 2;
export const VIDEO_JUDGED = 4;
export const VIDEO_BAD = 8;
const SILENCE_SHIFT = 4;

/** What is known of a stream: the bits above, and its {@link Silence}. */
export type StreamState = number;

export function silenceOf(state: StreamState): Silence {
  return (state >> SILENCE_SHIFT) as Silence;
}

export function withoutSilence(state: StreamState): StreamState {
  return state & ((1 << SILENCE_SHIFT) - 1);
}

/** Whether it may count as bad: of a claimed silence, only its publisher knows. */
export function isSuspect(state: StreamState): boolean {
  return (state & (AUDIO_BAD | VIDEO_BAD)) !== 0 || silenceOf(state) >= SILENCE.noPackets;
}

// Numbers of their own, compared one by one: this is done for each peer of each beacon.
const { concealment, expand, audio_packet_loss, video_packet_loss, video_freeze } = MEASURE;
const CONCEALMENT_BAD = millionthsOf(OBJECTIVES.concealment.bad);
const EXPAND_BAD = millionthsOf(OBJECTIVES.expand.bad);
const AUDIO_LOSS_BAD = millionthsOf(OBJECTIVES.audio_packet_loss.bad);
const VIDEO_LOSS_BAD = millionthsOf(OBJECTIVES.video_packet_loss.bad);
const FREEZE_BAD = millionthsOf(OBJECTIVES.video_freeze.bad);

const JUDGED = 1;
const BAD = 2;

/**
 * The state of a stream by its newest values.
 * @param values the newest ones by measure, in millionths
 * @param isQuiet so few packets come that the sender must be muted or silent, with DTX
 */
export function stateOf(values: Uint32Array, isQuiet: boolean, silence: Silence): StreamState {
  // What was played of a sender who is not speaking says nothing about the way to it; what arrived does.
  const played = judge(values[concealment] as number, CONCEALMENT_BAD) | judge(values[expand] as number, EXPAND_BAD);
  const arrived = judge(values[audio_packet_loss] as number, AUDIO_LOSS_BAD);
  const audio = (isQuiet && played === JUDGED ? 0 : played) | arrived;
  const video =
    judge(values[video_packet_loss] as number, VIDEO_LOSS_BAD) | judge(values[video_freeze] as number, FREEZE_BAD);
  return (audio * AUDIO_JUDGED) | (video * VIDEO_JUDGED) | (silence << SILENCE_SHIFT);
}

function judge(value: number, bad: number): number {
  if (value === UNKNOWN) return 0;
  return value > bad ? JUDGED | BAD : JUDGED;
}

/** Replaces what a stream contributes to its publisher; 0 is nothing. */
export function replaceState(publisher: Publisher, before: StreamState, after: StreamState): void {
  if (before === after) return;
  contribute(publisher, before, -1);
  contribute(publisher, after, 1);
}

function contribute(publisher: Publisher, state: StreamState, sign: 1 | -1): void {
  const isJudged = (state & AUDIO_JUDGED) !== 0;
  const isBad = (state & AUDIO_BAD) !== 0;
  const isSilent = !isBad && silenceOf(state) >= SILENCE.noPackets;
  if (isJudged) publisher.audioJudged += sign;
  if (isBad) publisher.audioBad += sign;
  if (isSilent) publisher.silent += sign;
  if (isSilent && !isJudged) publisher.unheard += sign;
  if ((state & VIDEO_JUDGED) !== 0) publisher.videoJudged += sign;
  if ((state & VIDEO_BAD) !== 0) publisher.videoBad += sign;
}
