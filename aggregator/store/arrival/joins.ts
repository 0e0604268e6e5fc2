/**
 * How sessions join: each result of a session's run is counted once, however many beacons report it, since a client
 * repeats it until one has been acknowledged.
 */
import { SERVER_TYPES } from '../../../shared/beacon.ts';
import { NO_SERVER } from '../../../shared/servers.ts';
import { JOIN } from '../../../shared/session-members.ts';
import { createHistogram, type Histogram } from '../../live/histogram.ts';
import type { Incoming } from '../report/report.ts';
import { SESSION_COLUMN } from '../report/session-columns.ts';

/** From the beginning of joining to connected, and to the first media. */
export const JOIN_SECONDS_BUCKETS = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 20, 30, 60] as const;

/** The values of the label `server_type`. */
export const JOIN_SERVER_TYPES = [...SERVER_TYPES, NO_SERVER] as const;

/** Of one server type. */
export type JoinCounts = {
  /** By the place of the result in its set. */
  readonly results: number[];
  /** Of joins that succeeded. */
  readonly seconds: Histogram;
  readonly firstAudioSeconds: Histogram;
  readonly firstVideoSeconds: Histogram;
};

/** By server type. */
export type JoinTotals = { readonly [serverType: string]: JoinCounts };

export function createJoinTotals(): JoinTotals {
  return Object.fromEntries(
    JOIN_SERVER_TYPES.map((serverType) => [
      serverType,
      {
        results: new Array<number>(JOIN.result.length).fill(0),
        seconds: createHistogram(JOIN_SECONDS_BUCKETS),
        firstAudioSeconds: createHistogram(JOIN_SECONDS_BUCKETS),
        firstVideoSeconds: createHistogram(JOIN_SECONDS_BUCKETS),
      },
    ]),
  );
}

/** What was counted of a run, as bits: the results by their places, and the times. */
export type JoinMarks = number;
export const NO_MARKS: JoinMarks = 0;

const { result: RESULT, seconds: SECONDS, first_audio_seconds, first_video_seconds } = SESSION_COLUMN.join;
/** The place of `ok` in a row of a report. */
const OK = JOIN.result.indexOf('ok') + 1;

/** Bits of marks, after those of the results. */
const FIRST_AUDIO_MARK = JOIN.result.length + 1;
const FIRST_VIDEO_MARK = FIRST_AUDIO_MARK + 1;

/** What is remembered of a run. */
export type JoiningRun = { joinMarks: JoinMarks };

/**
 * Counts what the beacon says of joining and was not counted of its run, and marks it.
 * @returns the place of the result that was counted, -1 when none was
 */
export function countJoin(totals: JoinTotals, { reports, report }: Incoming, run: JoiningRun): number {
  const row = reports.sessionNumbers;
  const at = report.sessionAt;
  const result = row[at + RESULT] as number;
  const firstAudio = row[at + first_audio_seconds] as number;
  const firstVideo = row[at + first_video_seconds] as number;
  const counts = totals[report.serverType === '' ? NO_SERVER : report.serverType] as JoinCounts;
  let now = run.joinMarks;
  let counted = -1;
  if (result > 0 && !isMarked(now, result)) {
    now |= 1 << result;
    counted = result - 1;
    counts.results[counted] = (counts.results[counted] as number) + 1;
    const seconds = row[at + SECONDS] as number;
    if (result === OK && seconds >= 0) counts.seconds.observe(seconds);
  }
  if (firstAudio >= 0 && !isMarked(now, FIRST_AUDIO_MARK)) {
    now |= 1 << FIRST_AUDIO_MARK;
    counts.firstAudioSeconds.observe(firstAudio);
  }
  if (firstVideo >= 0 && !isMarked(now, FIRST_VIDEO_MARK)) {
    now |= 1 << FIRST_VIDEO_MARK;
    counts.firstVideoSeconds.observe(firstVideo);
  }
  run.joinMarks = now;
  return counted;
}

/** Whether the beacon says that joining failed: such a session never was in a call. */
export function hasFailedToJoin({ reports, report }: Incoming): boolean {
  const result = reports.sessionNumbers[report.sessionAt + RESULT] as number;
  return result > 0 && result !== OK;
}

function isMarked(marks: JoinMarks, bit: number): boolean {
  return ((marks >> bit) & 1) === 1;
}
