/**
 * The beacons of one message, flat: what the store reads of them, in arrays that are used again
 * for the next message, so that the hot path allocates nothing but the ids. NaN is absent.
 */
import {
  type AudioStats,
  type Beacon,
  NETEQ_OPERATIONS,
  type NetEqStats,
  type Peer,
  type VideoStats,
} from '../../../shared/beacon.ts';
import { numbered } from '../../live/numbered.ts';
import { SESSION_COLUMNS, writeSessionRow } from './session-columns.ts';

/** W3C members that are counters: the store takes differences of them. `packetsLost` is the last of each stream. */
const AUDIO_COUNTERS = [
  'jitterBufferDelay',
  'jitterBufferEmittedCount',
  'jitterBufferTargetDelay',
  'concealedSamples',
  'silentConcealedSamples',
  'removedSamplesForAcceleration',
  'insertedSamplesForDeceleration',
  'totalSamplesReceived',
  'totalAudioEnergy',
  'packetsReceived',
  'packetsLost',
] as const satisfies readonly (keyof AudioStats)[];
const VIDEO_COUNTERS = [
  'framesDecoded',
  'framesDropped',
  'freezeCount',
  'totalFreezesDuration',
  'packetsReceived',
  'packetsLost',
] as const satisfies readonly (keyof VideoStats)[];

/** Members that are values as they stand. */
const AUDIO_VALUES = ['jitter'] as const satisfies readonly (keyof AudioStats)[];
const VIDEO_VALUES = ['framesPerSecond'] as const satisfies readonly (keyof VideoStats)[];
const NETEQ_VALUES = ['buffer', 'target_delay', 'packets_per_second'] as const satisfies readonly (keyof NetEqStats)[];

/** The first columns of a peer's numbers are the counters; this is how many. */
export const COUNTER_COLUMNS = AUDIO_COUNTERS.length + VIDEO_COUNTERS.length;
const FIRST_VIDEO_VALUE = COUNTER_COLUMNS + AUDIO_VALUES.length;
const FIRST_NETEQ_VALUE = FIRST_VIDEO_VALUE + VIDEO_VALUES.length;
const FIRST_OPERATION = FIRST_NETEQ_VALUE + NETEQ_VALUES.length;
const COLUMNS = FIRST_OPERATION + NETEQ_OPERATIONS.length;

/**
 * The column of each number of a peer, by where it stands in the beacon. To read one more, add its name to a
 * list above.
 */
export const PEER_COLUMN = {
  audio: { ...numbered(AUDIO_COUNTERS), ...numbered(AUDIO_VALUES, COUNTER_COLUMNS) },
  video: { ...numbered(VIDEO_COUNTERS, AUDIO_COUNTERS.length), ...numbered(VIDEO_VALUES, FIRST_VIDEO_VALUE) },
  neteq: numbered(NETEQ_VALUES, FIRST_NETEQ_VALUE),
  operations: numbered(NETEQ_OPERATIONS, FIRST_OPERATION),
} as const;

/**
 * The counters of one stream, which start anew together: one that went down says that all of them did. Those
 * from `first` up to and without `packetsLost` only rise; `packetsLost` may fall by itself, and then says nothing.
 */
export type StreamCounters = { readonly first: number; readonly packetsLost: number };

/** Of audio, then of video. */
export const STREAM_COUNTERS: readonly [StreamCounters, StreamCounters] = [
  { first: 0, packetsLost: PEER_COLUMN.audio.packetsLost },
  { first: AUDIO_COUNTERS.length, packetsLost: PEER_COLUMN.video.packetsLost },
];

export type Report = {
  /** When the edge received it, ms since the epoch: by the edge's clock, after {@link Reports.place} by the broker's. */
  receivedAtMs: number;
  /** Ids are texts of their own, as ingest makes them: what the store keeps of them must keep no message. */
  meetingId: string;
  sessionId: string;
  participantId: string;
  /** NaN of a media server's packet, which has no number. */
  seq: number;
  /** Of a packet: the client's clock when it was made, in ms, compared only for equality. NaN when the client does not say. */
  stampMs: number;
  /** NaN when the client does not say. */
  dropped: number;
  leaving: boolean;
  /** The client's clock when this run of the session began, ms: compared only with itself. NaN when the client does not say. */
  started: number;
  /** As the message has it: not yet a label. */
  serverUrl: string;
  /** Empty without an elected server. */
  serverType: string;
  /** Which RTT samples and which peers of {@link Reports} are its own: each up to and without the second. */
  rttFrom: number;
  rttTo: number;
  peersFrom: number;
  peersTo: number;
  /** Where its row of {@link Reports.sessionNumbers} begins. */
  readonly sessionAt: number;
};

/**
 * Written by the ingest a report at a time, read by the store, cleared for the next message. The arrays are
 * read and written as they are: a call for each of a peer's numbers took a tenth of the ingest.
 */
export type Reports = {
  readonly count: number;
  /**
   * The broker's clock when it stored the message, ms since the epoch; of a stream that was away, up to when the region had
   * been read elsewhere when the message came.
   */
  readonly storedAtMs: number;
  /** An earlier process has counted them: they rebuild state and count nothing. Cleared with the reports. */
  isHistory: boolean;
  /** The first {@link count} are of this message; the rest wait to be used again. */
  readonly list: readonly Report[];
  /** RTT samples in seconds; a report's are `rttFrom` up to `rttTo`. */
  readonly rtt: Float64Array;
  /** A report's peers are `peersFrom` up to `peersTo`. */
  readonly peerIds: readonly string[];
  /** A peer's numbers begin at {@link numbersAt}, each at its {@link PEER_COLUMN}. NaN is absent. */
  readonly numbers: Float64Array;
  /** What each session says of itself: a row for each report, of `SESSION_COLUMN`. NaN is absent. */
  readonly sessionNumbers: Float64Array;

  clear(): void;
  /**
   * Places the reports on the broker's clock. Of the edge's clock only a difference is used: how long each
   * waited there.
   * @param sentAtMs when the edge sent the message, by its clock
   * @param arrivedMs by when they are late, if not by when they were stored: of a stream that was away, they come later
   */
  place(sentAtMs: number, storedAtMs: number, arrivedMs?: number): void;
  /**
   * Begins the next report. The caller sets its ids, `seq` and `receivedAtMs`, which are still those of an
   * earlier message; everything else begins absent.
   */
  next(): Report;
  /** Removes the newest report and everything added to it. At most once after {@link next}. */
  dropNewest(): void;
  /** Adds an RTT sample to the newest report. */
  addRtt(seconds: number): void;
  /** Adds a peer to the newest report, its numbers all absent. @returns where they begin in {@link numbers} */
  addPeer(id: string): number;
  /** Adds a decoded beacon as the next report. @param receivedAtMs the edge's clock */
  addBeacon(receivedAtMs: number, beacon: Beacon): void;
};

/** One beacon on its way into the store. */
export type Incoming = { readonly reports: Reports; readonly report: Report };

/** Where the numbers of the peer begin. */
export function numbersAt(peer: number): number {
  return peer * COLUMNS;
}

/** Reports, peers and RTT samples that there is always room for, which most messages are within. */
const KEPT_CAPACITY = 1_024;
/** So many messages in a row that leave three quarters of the room unused make it smaller. */
const SMALL_MESSAGES = 1_000;

export function createReports(): Reports {
  const list: Report[] = [];
  const peerIds: string[] = [];
  let newest = blankReport(0);
  let rttCount = 0;
  let peerCount = 0;
  let smallMessages = 0;

  function next(): Report {
    newest = list[reports.count] ?? blankReport(reports.count);
    list[reports.count++] = newest;
    newest.stampMs = Number.NaN;
    newest.dropped = Number.NaN;
    newest.leaving = false;
    newest.started = Number.NaN;
    newest.serverUrl = '';
    newest.serverType = '';
    newest.rttFrom = rttCount;
    newest.rttTo = rttCount;
    newest.peersFrom = peerCount;
    newest.peersTo = peerCount;
    const { sessionAt } = newest;
    if (sessionAt === reports.sessionNumbers.length) reports.sessionNumbers = grown(reports.sessionNumbers);
    const { sessionNumbers } = reports;
    for (let i = sessionAt; i < sessionAt + SESSION_COLUMNS; i++) sessionNumbers[i] = Number.NaN;
    return newest;
  }

  function addRtt(seconds: number): void {
    if (rttCount === reports.rtt.length) reports.rtt = grown(reports.rtt);
    reports.rtt[rttCount++] = seconds;
    newest.rttTo = rttCount;
  }

  function addPeer(id: string): number {
    const at = numbersAt(peerCount);
    if (at === reports.numbers.length) reports.numbers = grown(reports.numbers);
    const { numbers } = reports;
    // A loop: fill() crosses into C++ for so few.
    for (let i = at; i < at + COLUMNS; i++) numbers[i] = Number.NaN;
    peerIds[peerCount++] = id;
    newest.peersTo = peerCount;
    return at;
  }

  function addMembers(at: number, columns: { readonly [name: string]: number }, members: object | undefined): void {
    if (!members) return;
    for (const [name, value] of Object.entries(members)) {
      const column = columns[name];
      if (column !== undefined) reports.numbers[at + column] = value;
    }
  }

  function addDecodedPeer({ peer_id, audio, neteq, video }: Peer): void {
    const at = addPeer(peer_id);
    addMembers(at, PEER_COLUMN.audio, audio);
    addMembers(at, PEER_COLUMN.video, video);
    addMembers(at, PEER_COLUMN.neteq, neteq);
    addMembers(at, PEER_COLUMN.operations, neteq?.operations_per_second);
  }

  /** After many messages that were all much smaller than the largest one, half of what that one took is given back. */
  function shrink(): void {
    const peers = reports.numbers.length / COLUMNS;
    const isMuch = Math.max(reports.rtt.length, list.length, peers) > KEPT_CAPACITY;
    const isSmall = 4 * rttCount < reports.rtt.length || reports.rtt.length <= KEPT_CAPACITY;
    const hasFewPeers = 4 * peerCount < peers || peers <= KEPT_CAPACITY;
    const hasFewReports = 4 * reports.count < list.length || list.length <= KEPT_CAPACITY;
    smallMessages = isMuch && isSmall && hasFewPeers && hasFewReports ? smallMessages + 1 : 0;
    if (smallMessages < SMALL_MESSAGES) return;
    smallMessages = 0;
    reports.rtt = halved(reports.rtt, KEPT_CAPACITY);
    reports.numbers = halved(reports.numbers, KEPT_CAPACITY * COLUMNS);
    reports.sessionNumbers = halved(reports.sessionNumbers, KEPT_CAPACITY * SESSION_COLUMNS);
    list.length = Math.min(list.length, Math.max(KEPT_CAPACITY, list.length >> 1));
    peerIds.length = Math.min(peerIds.length, reports.numbers.length / COLUMNS);
  }

  const reports = {
    count: 0,
    storedAtMs: 0,
    isHistory: false,
    list,
    rtt: new Float64Array(256),
    peerIds,
    numbers: new Float64Array(256 * COLUMNS),
    sessionNumbers: new Float64Array(256 * SESSION_COLUMNS),
    clear(): void {
      shrink();
      reports.count = 0;
      reports.isHistory = false;
      rttCount = 0;
      peerCount = 0;
    },
    place(sentAtMs: number, storedAtMs: number, arrivedMs = storedAtMs): void {
      reports.storedAtMs = arrivedMs;
      for (let i = 0; i < reports.count; i++) {
        const report = list[i] as Report;
        // Never in the future: an edge whose clock was set back between the two would keep its sessions alive.
        const waitedMs = Math.min(Math.max(0, sentAtMs - report.receivedAtMs), LONGEST_WAIT_MS);
        report.receivedAtMs = storedAtMs - waitedMs;
      }
    },
    next,
    dropNewest(): void {
      reports.count--;
      rttCount = newest.rttFrom;
      peerCount = newest.peersFrom;
    },
    addRtt,
    addPeer,
    addBeacon(receivedAtMs: number, beacon: Beacon): void {
      const report = next();
      report.receivedAtMs = receivedAtMs;
      report.meetingId = beacon.meeting_id;
      report.sessionId = beacon.session_id;
      report.participantId = beacon.participant_id;
      report.seq = beacon.seq;
      report.dropped = beacon.dropped ?? Number.NaN;
      report.leaving = beacon.leaving === true;
      report.started = beacon.started ?? Number.NaN;
      report.serverUrl = beacon.server?.url ?? '';
      report.serverType = beacon.server?.type ?? '';
      writeSessionRow(reports.sessionNumbers, report.sessionAt, beacon);
      for (const sample of beacon.rtt ?? []) addRtt(sample);
      for (const peer of beacon.peers) addDecodedPeer(peer);
    },
  };
  return reports;
}

/** Longer than any TTL: whatever says more is late all the same, and must not take a time out of what numbers hold. */
const LONGEST_WAIT_MS = 24 * 3_600_000;

/** @param index its place in the list */
function blankReport(index: number): Report {
  return {
    receivedAtMs: 0,
    meetingId: '',
    sessionId: '',
    participantId: '',
    seq: 0,
    stampMs: Number.NaN,
    dropped: Number.NaN,
    leaving: false,
    started: Number.NaN,
    serverUrl: '',
    serverType: '',
    rttFrom: 0,
    rttTo: 0,
    peersFrom: 0,
    peersTo: 0,
    sessionAt: index * SESSION_COLUMNS,
  };
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

function halved(array: Float64Array<ArrayBuffer>, least: number): Float64Array<ArrayBuffer> {
  return array.length <= least ? array : new Float64Array(Math.max(least, array.length >> 1));
}
