/**
 * The beacons of one message, flat: what the store reads of them, in arrays that are used again
 * for the next message, so that the hot path allocates nothing but the ids. NaN is absent.
 */
import { type AudioStats, type Beacon, NETEQ_OPERATIONS, type Peer } from '../../shared/beacon.ts';

/** W3C counters that differences are taken of, in the order of their columns. */
export const COUNTERS = [
  'jitterBufferDelay',
  'jitterBufferEmittedCount',
  'concealedSamples',
  'silentConcealedSamples',
  'removedSamplesForAcceleration',
  'insertedSamplesForDeceleration',
  'totalSamplesReceived',
] as const satisfies readonly (keyof AudioStats)[];

/** Columns of a peer's numbers: the W3C counters, NetEQ's own buffer, NetEQ's operations. */
export const BUFFER_COLUMN = COUNTERS.length;
export const OPERATION_COLUMNS = BUFFER_COLUMN + 1;
export const REPORT_COLUMNS = OPERATION_COLUMNS + NETEQ_OPERATIONS.length;

export type Report = {
  /** The edge's clock, ms since the epoch. */
  receivedAtMs: number;
  meetingId: string;
  sessionId: string;
  participantId: string;
  seq: number;
  /** NaN when the client does not say. */
  dropped: number;
  leaving: boolean;
  /** As the message has it: not yet a label. */
  serverUrl: string;
  /** Empty without an elected server. */
  serverType: string;
  /** Its samples in {@link Reports.rtt}, and its peers' rows in {@link Reports.numbers} and {@link Reports.peerIds}. */
  rttFrom: number;
  rttTo: number;
  peersFrom: number;
  peersTo: number;
};

export type Reports = {
  /** The first `count` are of this message; the rest wait to be used again. */
  readonly list: Report[];
  count: number;
  rtt: Float64Array;
  rttCount: number;
  numbers: Float64Array;
  readonly peerIds: string[];
  peerCount: number;
};

export function createReports(): Reports {
  return {
    list: [],
    count: 0,
    rtt: new Float64Array(256),
    rttCount: 0,
    numbers: new Float64Array(256 * REPORT_COLUMNS),
    peerIds: [],
    peerCount: 0,
  };
}

export function clearReports(reports: Reports): void {
  reports.count = 0;
  reports.rttCount = 0;
  reports.peerCount = 0;
}

/** The next report, its fields still those of an earlier message but for where its samples and peers begin. */
export function nextReport(reports: Reports): Report {
  let report = reports.list[reports.count];
  if (!report) {
    report = {
      receivedAtMs: 0,
      meetingId: '',
      sessionId: '',
      participantId: '',
      seq: 0,
      dropped: Number.NaN,
      leaving: false,
      serverUrl: '',
      serverType: '',
      rttFrom: 0,
      rttTo: 0,
      peersFrom: 0,
      peersTo: 0,
    };
    reports.list.push(report);
  }
  reports.count++;
  report.dropped = Number.NaN;
  report.leaving = false;
  report.serverUrl = '';
  report.serverType = '';
  report.rttFrom = reports.rttCount;
  report.rttTo = reports.rttCount;
  report.peersFrom = reports.peerCount;
  report.peersTo = reports.peerCount;
  return report;
}

/** One more RTT sample of the newest report. */
export function pushRtt(reports: Reports, report: Report, seconds: number): void {
  if (reports.rttCount === reports.rtt.length) reports.rtt = grown(reports.rtt);
  reports.rtt[reports.rttCount++] = seconds;
  report.rttTo = reports.rttCount;
}

/** One more peer of the newest report, everything about it absent. @returns where its numbers begin */
export function pushPeer(reports: Reports, report: Report, id: string): number {
  const at = reports.peerCount * REPORT_COLUMNS;
  if (at === reports.numbers.length) reports.numbers = grown(reports.numbers);
  reports.numbers.fill(Number.NaN, at, at + REPORT_COLUMNS);
  reports.peerIds[reports.peerCount++] = id;
  report.peersTo = reports.peerCount;
  return at;
}

/** Flattens a decoded beacon. */
export function pushBeacon(reports: Reports, receivedAtMs: number, beacon: Beacon): Report {
  const report = nextReport(reports);
  report.receivedAtMs = receivedAtMs;
  report.meetingId = beacon.meeting_id;
  report.sessionId = beacon.session_id;
  report.participantId = beacon.participant_id;
  report.seq = beacon.seq;
  report.dropped = beacon.dropped ?? Number.NaN;
  report.leaving = beacon.leaving === true;
  report.serverUrl = beacon.server?.url ?? '';
  report.serverType = beacon.server?.type ?? '';
  for (const sample of beacon.rtt ?? []) pushRtt(reports, report, sample);
  for (const peer of beacon.peers) flattenPeer(reports, pushPeer(reports, report, peer.peer_id), peer);
  return report;
}

function flattenPeer({ numbers }: Reports, at: number, { audio, neteq }: Peer): void {
  COUNTERS.forEach((name, i) => {
    numbers[at + i] = audio?.[name] ?? Number.NaN;
  });
  numbers[at + BUFFER_COLUMN] = neteq?.buffer ?? Number.NaN;
  NETEQ_OPERATIONS.forEach((name, i) => {
    numbers[at + OPERATION_COLUMNS + i] = neteq?.operations_per_second?.[name] ?? Number.NaN;
  });
}

function grown(array: Float64Array): Float64Array {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

/**
 * A copy of an id that is to be kept: a slice of a message's text would keep the whole message.
 */
export function ownCopy(id: string): string {
  return Buffer.from(id, 'latin1').toString('latin1');
}
