/** Reads a beacon straight into a report. */
import { LIMITS, SERVER_TYPES } from '../../../shared/beacon.ts';
import { BEACON_FIELD, SERVER_FIELD } from '../../../shared/beacon-codec.ts';
import { SESSION_FIELD } from '../../../shared/session-codec.ts';
import type { Report, Reports } from '../../store/report/report.ts';
import { BYTES, fieldSet, isKnown, VARINT, type WireReader } from '../wire-reader.ts';
import { createPeerReader } from './peer-reader.ts';
import { createSessionReader } from './session-reader.ts';

/** Fills the report from the beacon that ends at `end`. @returns false when it is damaged */
export type BeaconReader = (report: Report, reports: Reports, end: number) => boolean;

const RTT_MICROS_MAX = LIMITS.rttSeconds * 1e6;

const KNOWN = fieldSet([...Object.values(BEACON_FIELD), ...Object.values(SESSION_FIELD)]);
const KNOWN_OF_SERVER = fieldSet(Object.values(SERVER_FIELD));
const TAG = {
  meetingId: BEACON_FIELD.meetingId * 8 + BYTES,
  sessionId: BEACON_FIELD.sessionId * 8 + BYTES,
  participantId: BEACON_FIELD.participantId * 8 + BYTES,
  seq: BEACON_FIELD.seq * 8 + VARINT,
  dropped: BEACON_FIELD.dropped * 8 + VARINT,
  leaving: BEACON_FIELD.leaving * 8 + VARINT,
  server: BEACON_FIELD.server * 8 + BYTES,
  rtt: BEACON_FIELD.rtt * 8 + BYTES,
  peers: BEACON_FIELD.peers * 8 + BYTES,
  started: BEACON_FIELD.started * 8 + VARINT,
  url: SERVER_FIELD.url * 8 + BYTES,
  serverType: SERVER_FIELD.type * 8 + VARINT,
} as const;

export function createBeaconReader(wire: WireReader): BeaconReader {
  const { values } = wire;
  const readPeer = createPeerReader(wire);
  const session = createSessionReader(wire);

  function readServer(report: Report, end: number): boolean {
    let hasUrl = false;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (tag === TAG.url && !hasUrl) {
        const from = values.pos;
        const urlEnd = wire.endOfMessage(end);
        if (urlEnd === 0 || urlEnd - from > LIMITS.serverUrlLength) return false;
        report.serverUrl = wire.text(values.pos, urlEnd);
        if (report.serverUrl === '' && urlEnd > values.pos) return false;
        values.pos = urlEnd;
        hasUrl = true;
      } else if (tag === TAG.serverType && report.serverType === '') {
        report.serverType = SERVER_TYPES[values.readVarint() - 1] ?? '';
        if (report.serverType === '') return false;
      } else if (!wire.skip(tag, KNOWN_OF_SERVER, end)) return false;
    }
    return hasUrl && report.serverType !== '' && values.pos === end;
  }

  function readRtt(report: Report, reports: Reports, end: number): boolean {
    while (values.pos < end) {
      const micros = values.readVarint();
      if (micros > RTT_MICROS_MAX || report.rttTo - report.rttFrom === LIMITS.rttSamples) return false;
      reports.addRtt(micros / 1e6);
    }
    return values.pos === end;
  }

  /** A field that is no message. */
  function readValue(tag: number, report: Report, end: number): boolean {
    switch (tag) {
      case TAG.meetingId:
        report.meetingId = wire.id(end);
        return report.meetingId !== '';
      case TAG.sessionId:
        report.sessionId = wire.id(end);
        return report.sessionId !== '';
      case TAG.participantId:
        report.participantId = wire.id(end);
        return report.participantId !== '';
      case TAG.seq:
        report.seq = wire.count();
        return report.seq >= 0;
      case TAG.dropped:
        report.dropped = wire.count();
        return report.dropped >= 0;
      case TAG.started:
        report.started = wire.count();
        return report.started >= 0;
      case TAG.leaving:
        report.leaving = values.readVarint() !== 0;
        return true;
      default:
        return wire.skip(tag, KNOWN, end);
    }
  }

  return (report, reports, end) => {
    report.meetingId = '';
    report.sessionId = '';
    report.participantId = '';
    report.seq = Number.NaN;
    session.into(report, reports);
    let seen = 0;
    while (values.pos < end) {
      const tag = values.readVarint();
      if (tag === TAG.peers) {
        const peerEnd = wire.endOfMessage(end);
        if (peerEnd === 0 || !readPeer(report, reports, peerEnd)) return false;
        continue;
      }
      if (isKnown(tag, KNOWN)) {
        const field = 1 << (tag >>> 3);
        if ((seen & field) !== 0) return false;
        seen |= field;
      }
      if (tag === TAG.server || tag === TAG.rtt || session.has(tag)) {
        const partEnd = wire.endOfMessage(end);
        if (partEnd === 0) return false;
        const isRead =
          tag === TAG.server
            ? readServer(report, partEnd)
            : tag === TAG.rtt
              ? readRtt(report, reports, partEnd)
              : session.read(tag, partEnd);
        if (!isRead) return false;
      } else if (!readValue(tag, report, end)) return false;
    }
    if (report.participantId === '') report.participantId = report.sessionId;
    return report.meetingId !== '' && report.sessionId !== '' && report.seq >= 0 && values.pos === end;
  };
}
