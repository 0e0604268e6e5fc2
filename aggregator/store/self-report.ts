/** What a session's newest beacon says about itself, as its record keeps it. */
import { type Standing, standingOf } from '../live/breakdown.ts';
import type { Incoming } from './report/report.ts';
import { SESSION_COLUMN } from './report/session-columns.ts';

const { client, state, path, connection, sentAudio, sentVideo } = SESSION_COLUMN;

/** In the place of a reading of a count that is not known. */
export const UNKNOWN_COUNT = -1;

/** What the session is of: its path, its client, whether it sends video. */
export function standingOfBeacon({ reports: { sessionNumbers: row }, report: { sessionAt: at } }: Incoming): Standing {
  const isSending = row[at + state.video_sending] as number;
  const qualityLimitationReason = placeIn(row, at + sentVideo.qualityLimitationReason);
  return standingOf({
    candidateType: placeIn(row, at + path.candidate_type),
    protocol: placeIn(row, at + path.protocol),
    platform: placeIn(row, at + client.platform),
    engine: placeIn(row, at + client.engine),
    // A client that says why its video is limited sends video, unless it says that it does not.
    isSendingVideo: isSending === 1 || (isSending !== 0 && qualityLimitationReason > 0),
    qualityLimitationReason,
  });
}

/** How many peers the beacon leaves out; 0 unless it says so. */
export function omittedPeersOf({ reports: { sessionNumbers: row }, report: { sessionAt: at } }: Incoming): number {
  return (row[at + state.omitted_peers] as number) || 0;
}

/** The place of a text in its set, from 1; 0 when it is absent. */
function placeIn(row: Float64Array, column: number): number {
  return (row[column] as number) || 0;
}

/** Cumulative counts of the connection; NaN when absent. */
export type ConnectionReading = { readonly failures: number; readonly iceRestarts: number };

export function connectionOfBeacon({
  reports: { sessionNumbers: row },
  report: { sessionAt: at },
}: Incoming): ConnectionReading {
  return {
    failures: row[at + connection.failures] as number,
    iceRestarts: row[at + connection.ice_restarts] as number,
  };
}

/** What a count grew by since its reading before: nothing when that is unknown, all of it when it began again. */
export function growth(before: number, now: number): number {
  if (before === UNKNOWN_COUNT) return 0;
  return now >= before ? now - before : now;
}

/** Whether the beacon has packets that the session sent. */
export function saysWhatItSends({ reports: { sessionNumbers: row }, report: { sessionAt: at } }: Incoming): boolean {
  return !(Number.isNaN(row[at + sentAudio.packetsSent]) && Number.isNaN(row[at + sentVideo.packetsSent]));
}
