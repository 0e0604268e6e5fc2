/**
 * A received stream: one peer of one session. What is known of its quality is a small number, so that a change is
 * seen by comparing two of them, and its publisher's counts are touched only then.
 */
import { OBJECTIVES } from '../../shared/objectives.ts';
import { MEASURE, type MeasureName } from '../live/measures.ts';
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

/** A measure and what is bad of it, in millionths. */
type Judged = { readonly measure: number; readonly bad: number };

function judgedBy(...names: (keyof typeof OBJECTIVES & MeasureName)[]): readonly Judged[] {
  return names.map((name) => ({ measure: MEASURE[name], bad: millionthsOf(OBJECTIVES[name].bad) }));
}

/** By what was played: of a sender who is not speaking, that says nothing about the way to it. */
const AUDIO_PLAYED = judgedBy('concealment', 'expand');
/** By what arrived, however little was sent. */
const AUDIO_PACKETS = judgedBy('audio_packet_loss');
const VIDEO = judgedBy('video_packet_loss', 'video_freeze');

/**
 * The state of a stream by its newest values.
 * @param values the newest ones by measure, in millionths
 * @param isQuiet so few packets come that the sender must be muted or silent, with DTX
 */
export function stateOf(values: Uint32Array, isQuiet: boolean, silence: Silence): StreamState {
  const played = judge(AUDIO_PLAYED, values);
  const audio = (isQuiet && played === JUDGED ? 0 : played) | judge(AUDIO_PACKETS, values);
  return (audio * AUDIO_JUDGED) | (judge(VIDEO, values) * VIDEO_JUDGED) | (silence << SILENCE_SHIFT);
}

const JUDGED = 1;
const BAD = 2;

/** 0 when no value is known. */
function judge(measures: readonly Judged[], values: Uint32Array): number {
  let judgement = 0;
  for (const { measure, bad } of measures) {
    const value = values[measure] as number;
    if (value === UNKNOWN) continue;
    if (value > bad) return JUDGED | BAD;
    judgement = JUDGED;
  }
  return judgement;
}

/** Replaces what a stream contributes to its publisher; 0 is nothing. */
export function replaceState(publisher: Publisher, before: StreamState, after: StreamState): void {
  if (before === after) return;
  contribute(publisher, before, -1);
  contribute(publisher, after, 1);
}

function contribute(publisher: Publisher, state: StreamState, sign: 1 | -1): void {
  const { audio, video } = publisher;
  const isBad = (state & AUDIO_BAD) !== 0;
  const isSilent = !isBad && silenceOf(state) >= SILENCE.noPackets;
  const isJudged = (state & AUDIO_JUDGED) !== 0;
  if (isJudged) audio.judged += sign;
  if (isBad) audio.bad += sign;
  if (isSilent) publisher.silent += sign;
  if (isSilent && !isJudged) publisher.unheard += sign;
  if ((state & VIDEO_JUDGED) !== 0) video.judged += sign;
  if ((state & VIDEO_BAD) !== 0) video.bad += sign;
}
