/**
 * Reads a `HealthPacket` of packets.proto straight into a report. Whoever may publish on a media server's subject may write
 * anything there, so it is checked as strictly as a beacon: wire types, lengths, ranges, how many, what must be there,
 * what may come once.
 */
import { LIMITS, type ServerType } from '../../../shared/beacon.ts';
import { CONNECTION } from '../../../shared/session-members.ts';
import type { Report, Reports } from '../../store/report/report.ts';
import { SESSION_COLUMN } from '../../store/report/session-columns.ts';
import type { PacketRejectReason } from '../../store/totals.ts';
import { BYTES, createWireReader, FIXED64, VARINT } from '../wire-reader.ts';
import { OUT_OF_RANGE, READ, type ReadOutcome } from './doubles-reader.ts';
import type { IdHash } from './id-hash.ts';
import { createPeerEntries } from './peer-entries.ts';
import { createPeerStatsReader } from './peer-stats-reader.ts';
import { knownFields, NOTHING_KNOWN, TAG_MAX } from './tags.ts';
import { createTextReader } from './text-reader.ts';

/** The packet is of a meeting that another shard keeps: what follows in it was not read. */
export const ELSEWHERE = 'elsewhere';

/** The packet is the only report; or there is none, for a reason. */
export type PacketRead = 'read' | typeof ELSEWHERE | PacketRejectReason;

/** Clears the reports and adds the packet. Never throws for what it contains. @param serverType as its subject says */
export type HealthReader = (data: Uint8Array, serverType: ServerType, reports: Reports) => PacketRead;

export type HealthReaderOptions = {
  readonly hash: IdHash;
  /** Whether the meeting is on one of this shard's lanes. */
  readonly isOurs: (meetingId: string) => boolean;
};

const RTT_MS_MAX = LIMITS.rttSeconds * 1000;

const TAG = {
  sessionId: 1 * 8 + BYTES,
  meetingId: 2 * 8 + BYTES,
  userId: 3 * 8 + BYTES,
  timestamp: 4 * 8 + VARINT,
  audioEnabled: 5 * 8 + VARINT,
  videoEnabled: 6 * 8 + VARINT,
  peers: 7 * 8 + BYTES,
  serverUrl: 8 * 8 + BYTES,
  rtt: 10 * 8 + FIXED64,
  visible: 11 * 8 + VARINT,
  throttled: 15 * 8 + VARINT,
  handshakeFailures: 54 * 8 + VARINT,
  sessionDrops: 55 * 8 + VARINT,
} as const;
/** Clients before the newer branch have no field above it. */
const LAST_OF_FIRST_BRANCH = 10;
const ONCE = Object.values(TAG).filter((tag) => tag !== TAG.peers);
const KNOWN = knownFields(Object.fromEntries(ONCE.map((tag) => [tag >>> 3, tag & 7])), { 7: BYTES });

/** What of a packet is only known at its end; proto3 leaves out what is zero. */
type Flags = {
  isAudioEnabled: boolean;
  isVideoEnabled: boolean;
  isVisible: boolean;
  isThrottled: boolean;
  /** Of the newer branch, where what is left out is false and not unknown. */
  isNewer: boolean;
  failures: number;
};

const { visible, audio_sending, video_sending, omitted_peers } = SESSION_COLUMN.state;
const FAILURES = SESSION_COLUMN.connection.failures;

export function createHealthReader({ hash, isOurs }: HealthReaderOptions): HealthReader {
  const wire = createWireReader();
  const { values } = wire;
  const texts = createTextReader(wire, hash);
  const entries = createPeerEntries(wire, texts);
  const readPeer = createPeerStatsReader(wire);

  function readIds(tag: number, report: Report, end: number): PacketRead {
    if (tag === TAG.userId) {
      const participantId = texts.hashed(end);
      if (participantId === undefined) return 'invalid_id';
      report.participantId = participantId;
      return 'read';
    }
    const id = texts.id(end);
    if (id === '') return 'invalid_id';
    if (tag === TAG.sessionId) report.sessionId = id;
    else report.meetingId = id;
    return tag === TAG.meetingId && !isOurs(id) ? ELSEWHERE : 'read';
  }

  function readRtt(reports: Reports, end: number): PacketRead {
    if (values.pos + 8 > end) return 'damaged_encoding';
    const ms = values.readDouble();
    if (!(ms >= 0 && ms <= RTT_MS_MAX)) return 'out_of_range';
    // Zero is no measurement yet.
    if (ms > 0) reports.addRtt(ms / 1000);
    return 'read';
  }

  function readFlag(tag: number, report: Report, flags: Flags): void {
    // A whole number also where it is a boolean.
    const value = values.readVarint();
    switch (tag) {
      case TAG.timestamp:
        report.stampMs = value;
        break;
      case TAG.audioEnabled:
        flags.isAudioEnabled = value !== 0;
        break;
      case TAG.videoEnabled:
        flags.isVideoEnabled = value !== 0;
        break;
      case TAG.visible:
        flags.isVisible = value !== 0;
        break;
      case TAG.throttled:
        flags.isThrottled = value !== 0;
        break;
      default:
        flags.failures += value;
    }
  }

  function readField(tag: number, report: Report, reports: Reports, flags: Flags): PacketRead {
    const end = values.length;
    switch (tag) {
      case TAG.sessionId:
      case TAG.meetingId:
      case TAG.userId:
        return readIds(tag, report, end);
      case TAG.peers:
        return entries.read(end);
      case TAG.serverUrl: {
        const origin = texts.origin(end);
        if (origin === undefined) return 'invalid_field';
        report.serverUrl = origin;
        return 'read';
      }
      case TAG.rtt:
        return readRtt(reports, end);
      default:
        if ((tag & 7) === VARINT && KNOWN.bitOf(tag >>> 3) !== 0) readFlag(tag, report, flags);
        else if (!wire.skip(tag, NOTHING_KNOWN, end)) return 'damaged_encoding';
        return 'read';
    }
  }

  function addPeers(reports: Reports): PacketRead {
    for (let i = 0; i < entries.chosen; i++) {
      const at = reports.addPeer(entries.id(i));
      const end = entries.open(i);
      const outcome = readPeer(reports.numbers, at, end);
      if (outcome !== READ) return reasonOf(outcome);
    }
    return 'read';
  }

  function writeFlags(flags: Flags, report: Report, { sessionNumbers: row }: Reports): PacketRead {
    const { isNewer, failures } = flags;
    const at = report.sessionAt;
    row[at + audio_sending] = Number(flags.isAudioEnabled);
    row[at + video_sending] = Number(flags.isVideoEnabled);
    row[at + omitted_peers] = entries.omitted;
    if (!isNewer) return 'read';
    if (failures > CONNECTION.failures) return 'out_of_range';
    row[at + FAILURES] = failures;
    // Timers of a throttled page are late, and so is what it measures with them.
    row[at + visible] = Number(flags.isVisible && !flags.isThrottled);
    return 'read';
  }

  function readPacket(report: Report, reports: Reports): PacketRead {
    const flags = noFlags();
    let seen = 0;
    while (values.pos < values.length) {
      const tag = values.readVarint();
      if (tag > TAG_MAX || KNOWN.isDamaged(tag)) return 'damaged_encoding';
      const field = tag >>> 3;
      const bit = KNOWN.bitOf(field);
      if ((seen & bit) !== 0) return 'damaged_encoding';
      seen |= bit;
      if (field > LAST_OF_FIRST_BRANCH) flags.isNewer = true;
      const outcome = readField(tag, report, reports, flags);
      if (outcome !== 'read') return outcome;
    }
    if (values.pos !== values.length) return 'damaged_encoding';
    if (report.sessionId === '' || report.meetingId === '') return 'invalid_id';
    if (report.participantId === '') report.participantId = report.sessionId;
    if (!entries.choose(LIMITS.peers)) return 'duplicate_peer';
    const outcome = writeFlags(flags, report, reports);
    return outcome === 'read' ? addPeers(reports) : outcome;
  }

  return (data, serverType, reports) => {
    wire.open(data);
    entries.clear();
    reports.clear();
    const report = reports.next();
    report.receivedAtMs = 0;
    report.meetingId = '';
    report.sessionId = '';
    report.participantId = '';
    report.seq = Number.NaN;
    report.serverType = serverType;
    let outcome: PacketRead = 'damaged_encoding';
    try {
      outcome = readPacket(report, reports);
    } catch {
      // What pbf throws: a varint of more than ten bytes, or the end of the message.
    }
    if (outcome !== 'read') reports.dropNewest();
    return outcome;
  };
}

function noFlags(): Flags {
  return {
    isAudioEnabled: false,
    isVideoEnabled: false,
    isVisible: false,
    isThrottled: false,
    isNewer: false,
    failures: 0,
  };
}

function reasonOf(outcome: Exclude<ReadOutcome, typeof READ>): PacketRejectReason {
  return outcome === OUT_OF_RANGE ? 'out_of_range' : 'damaged_encoding';
}
