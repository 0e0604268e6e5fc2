/** The packet loss of a session's uplink, as the other end reports it, from differences of its counters. */
import { SESSION_COLUMN } from './report/session-columns.ts';
import { unboxed } from './unboxed.ts';

/** The newest `packetsSent` and `packetsLost` of both streams; {@link NONE} when unknown. */
export type Uplink = { audioSent: number; audioLost: number; videoSent: number; videoLost: number };

export type Uplinks = {
  /** Of a session of which nothing was read yet. */
  begin(): Uplink;
  /**
   * Takes the readings of a beacon in.
   * @param at where the session's row begins in `rows`
   * @returns the share that was lost since the readings before: of audio, or else of video; NaN when unknown
   */
  lossOf(uplink: Uplink, rows: Float64Array, at: number): number;
};

/** `packetsLost` may be negative, but never by so many. */
const NONE = -(2 ** 30);

const { sentAudio, sentVideo } = SESSION_COLUMN;

/** Functions over plain records: a closure for each session would take several times as much. */
export const uplinks: Uplinks = {
  begin: () => ({ audioSent: NONE, audioLost: NONE, videoSent: NONE, videoLost: NONE }),
  lossOf(uplink, rows, at) {
    const audioSent = rows[at + sentAudio.packetsSent] as number;
    const audioLost = rows[at + sentAudio.packetsLost] as number;
    const videoSent = rows[at + sentVideo.packetsSent] as number;
    const videoLost = rows[at + sentVideo.packetsLost] as number;
    const ofAudio = lossSince({ sent: uplink.audioSent, lost: uplink.audioLost }, audioSent, audioLost);
    const ofVideo = lossSince({ sent: uplink.videoSent, lost: uplink.videoLost }, videoSent, videoLost);
    uplink.audioSent = readingOf(audioSent);
    uplink.audioLost = readingOf(audioLost);
    uplink.videoSent = readingOf(videoSent);
    uplink.videoLost = readingOf(videoLost);
    return Number.isNaN(ofAudio) ? ofVideo : ofAudio;
  },
};

/** @returns the share of what was sent since `before` that was lost */
function lossSince(before: { readonly sent: number; readonly lost: number }, sent: number, lost: number): number {
  const wasReset = sent < before.sent;
  const sentSince = differenceOf(wasReset ? 0 : before.sent, sent);
  const lostSince = differenceOf(wasReset ? 0 : before.lost, lost);
  // What the other end reports comes seconds later than what it is about, and packetsLost may fall.
  return sentSince > 0 ? Math.min(1, Math.max(0, lostSince / sentSince)) : Number.NaN;
}

/** NaN when either reading is unknown. */
function differenceOf(before: number, now: number): number {
  return before === NONE ? Number.NaN : now - before;
}

function readingOf(value: number): number {
  return Number.isNaN(value) ? NONE : unboxed(value);
}
