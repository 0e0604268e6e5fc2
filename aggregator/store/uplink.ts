/** What the other end received of what a session sends: the packet loss of its uplink, from differences of its counters. */
import { SESSION_COLUMN } from './session-columns.ts';

/** The newest readings of both streams. */
export type Uplink = { readonly audio: Readings; readonly video: Readings };

/** `packetsSent` and `packetsLost`; {@link NONE} when unknown. */
type Readings = { sent: number; lost: number };

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

/** A small whole number, because V8 keeps those without a box. `packetsLost` may be negative, but never by so many. */
const NONE = -(2 ** 30);

const { sentAudio, sentVideo } = SESSION_COLUMN;

/** Functions over plain records: a closure for each session would take several times as much. */
export const uplinks: Uplinks = {
  begin: () => ({ audio: { sent: NONE, lost: NONE }, video: { sent: NONE, lost: NONE } }),
  lossOf({ audio, video }, rows, at) {
    const ofAudio = takeReadings(
      audio,
      rows[at + sentAudio.packetsSent] as number,
      rows[at + sentAudio.packetsLost] as number,
    );
    const ofVideo = takeReadings(
      video,
      rows[at + sentVideo.packetsSent] as number,
      rows[at + sentVideo.packetsLost] as number,
    );
    return Number.isNaN(ofAudio) ? ofVideo : ofAudio;
  },
};

/** @returns the share of what was sent since `before` that was lost */
function takeReadings(before: Readings, sent: number, lost: number): number {
  const wasReset = sent < before.sent;
  const sentSince = differenceOf(wasReset ? 0 : before.sent, sent);
  const lostSince = differenceOf(wasReset ? 0 : before.lost, lost);
  before.sent = Number.isNaN(sent) ? NONE : sent;
  before.lost = Number.isNaN(lost) ? NONE : lost;
  // What the other end reports comes seconds later than what it is about, and packetsLost may fall.
  return sentSince > 0 ? Math.min(1, Math.max(0, lostSince / sentSince)) : Number.NaN;
}

/** NaN when either reading is unknown. */
function differenceOf(before: number, now: number): number {
  return before === NONE ? Number.NaN : now - before;
}
