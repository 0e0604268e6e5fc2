/**
 * The beacons of one message, flat: what the store reads of them, in arrays that are used again
 * for the next message, so that the hot path allocates nothing but the ids. NaN is absent.
 */
import { type AudioStats, type Beacon, NETEQ_OPERATIONS, type NetEqStats, type Peer } from '../../shared/beacon.ts';

/** W3C members that are counters: the store takes differences of them. */
const AUDIO_COUNTERS = [
  'jitterBufferDelay',
  'jitterBufferEmittedCount',
  'concealedSamples',
  'silentConcealedSamples',
  'removedSamplesForAcceleration',
  'insertedSamplesForDeceleration',
  'totalSamplesReceived',
] as const satisfies readonly (keyof AudioStats)[];

/** Members of `neteq` that are values as they stand. */
const NETEQ_VALUES = ['buffer'] as const satisfies readonly (keyof NetEqStats)[];

/** The first so many columns of a peer's numbers are counters. */
export const COUNTER_COLUMNS = AUDIO_COUNTERS.length;
const FIRST_OPERATION_COLUMN = COUNTER_COLUMNS + NETEQ_VALUES.length;
const COLUMNS = FIRST_OPERATION_COLUMN + NETEQ_OPERATIONS.length;

/**
 * The column of each number of a peer that the store reads, by where it stands in the beacon. A member
 * that is not here is validated and not kept. To read one more, add its name to a list above.
 */
export const PEER_COLUMN = {
  audio: numbered(AUDIO_COUNTERS, 0),
  neteq: numbered(NETEQ_VALUES, COUNTER_COLUMNS),
  operations: numbered(NETEQ_OPERATIONS, FIRST_OPERATION_COLUMN),
} as const;

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
  /** The numbers of its RTT samples and of its peers, each up to and without the second. */
  rttFrom: number;
  rttTo: number;
  peersFrom: number;
  peersTo: number;
};

/** Written by the ingest a report at a time, read by the store, cleared for the next message. */
export type Reports = {
  /** How many there are. */
  readonly count: number;
  /** The report of that number, from 0. Its record is used again after {@link clear}. */
  at(index: number): Report;
  /** RTT sample of that number, seconds. */
  rtt(sample: number): number;
  peerId(peer: number): string;
  /** @param column one of {@link PEER_COLUMN}'s @returns NaN when absent */
  peerNumber(peer: number, column: number): number;

  clear(): void;
  /**
   * Begins the next report. The caller sets its ids, `seq` and `receivedAtMs`, which are still those of an
   * earlier message; everything else begins absent.
   */
  next(): Report;
  /** Adds an RTT sample to the newest report. */
  addRtt(seconds: number): void;
  /** Adds a peer to the newest report, all of its numbers absent. @returns the peer's number */
  addPeer(id: string): number;
  /** @param column one of {@link PEER_COLUMN}'s */
  setPeerNumber(peer: number, column: number, value: number): void;
  /** Adds a decoded beacon as the next report. @param receivedAtMs the edge's clock */
  addBeacon(receivedAtMs: number, beacon: Beacon): void;
};

export function createReports(): Reports {
  const list: Report[] = [];
  const peerIds: string[] = [];
  let rtt = new Float64Array(256);
  let numbers = new Float64Array(256 * COLUMNS);
  let count = 0;
  let rttCount = 0;
  let peerCount = 0;
  let newest = blankReport();

  function next(): Report {
    newest = list[count] ?? blankReport();
    list[count++] = newest;
    newest.dropped = Number.NaN;
    newest.leaving = false;
    newest.serverUrl = '';
    newest.serverType = '';
    newest.rttFrom = rttCount;
    newest.rttTo = rttCount;
    newest.peersFrom = peerCount;
    newest.peersTo = peerCount;
    return newest;
  }

  function addRtt(seconds: number): void {
    if (rttCount === rtt.length) rtt = grown(rtt);
    rtt[rttCount++] = seconds;
    newest.rttTo = rttCount;
  }

  function addPeer(id: string): number {
    const peer = peerCount++;
    const from = peer * COLUMNS;
    if (from === numbers.length) numbers = grown(numbers);
    numbers.fill(Number.NaN, from, from + COLUMNS);
    peerIds[peer] = id;
    newest.peersTo = peerCount;
    return peer;
  }

  function setPeerNumber(peer: number, column: number, value: number): void {
    numbers[peer * COLUMNS + column] = value;
  }

  function addMembers(peer: number, columns: { readonly [name: string]: number }, members: object | undefined): void {
    if (!members) return;
    for (const [name, value] of Object.entries(members)) {
      const column = columns[name];
      if (column !== undefined) setPeerNumber(peer, column, value);
    }
  }

  function addDecodedPeer({ peer_id, audio, neteq }: Peer): void {
    const peer = addPeer(peer_id);
    addMembers(peer, PEER_COLUMN.audio, audio);
    addMembers(peer, PEER_COLUMN.neteq, neteq);
    addMembers(peer, PEER_COLUMN.operations, neteq?.operations_per_second);
  }

  return {
    get count() {
      return count;
    },
    at: (index) => list[index] as Report,
    rtt: (sample) => rtt[sample] as number,
    peerId: (peer) => peerIds[peer] as string,
    peerNumber: (peer, column) => numbers[peer * COLUMNS + column] as number,
    clear() {
      count = 0;
      rttCount = 0;
      peerCount = 0;
    },
    next,
    addRtt,
    addPeer,
    setPeerNumber,
    addBeacon(receivedAtMs, beacon) {
      const report = next();
      report.receivedAtMs = receivedAtMs;
      report.meetingId = beacon.meeting_id;
      report.sessionId = beacon.session_id;
      report.participantId = beacon.participant_id;
      report.seq = beacon.seq;
      report.dropped = beacon.dropped ?? Number.NaN;
      report.leaving = beacon.leaving === true;
      report.serverUrl = beacon.server?.url ?? '';
      report.serverType = beacon.server?.type ?? '';
      for (const sample of beacon.rtt ?? []) addRtt(sample);
      for (const peer of beacon.peers) addDecodedPeer(peer);
    },
  };
}

function blankReport(): Report {
  return {
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
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}

function numbered<Name extends string>(names: readonly Name[], first: number): { readonly [K in Name]: number } {
  return Object.fromEntries(names.map((name, i) => [name, first + i])) as { [K in Name]: number };
}

/**
 * A copy of an id that is to be kept: a slice of a message's text would keep the whole message.
 */
export function ownCopy(id: string): string {
  return Buffer.from(id, 'latin1').toString('latin1');
}
