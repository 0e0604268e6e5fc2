/**
 * Reads a message as our own edge writes it, straight from the bytes into flat reports: two
 * to three times as fast as JSON.parse and the decoder (`npm run bench -- decoder`).
 *
 * It knows one spelling of each message: `encodeEnvelope` of decoded beacons, whose members stand
 * in the schema's order without white space. Whatever differs, valid or not, it declines, and the
 * caller decodes the message the general way: so it decides nothing about what is valid, and a
 * test holds it to the decoder's every answer.
 */
import { AUDIO_MAX, LIMITS, NETEQ_MAX, OPERATIONS_MAX, SERVER_TYPES, VIDEO_MAX } from '../../shared/beacon.ts';
import { isLane, isRegionName } from '../../shared/subjects.ts';
import { PEER_COLUMN, type Report, type Reports } from '../store/report.ts';
import { bytesOf, type Literal, literal, standsAt } from './literal.ts';

/** What surrounds the beacons. `edge` is parsed JSON, not yet decoded. */
export type ScannedMessage = { readonly region: string; readonly lane: string; readonly edge: unknown };

/** Fills the reports; undefined (and then whatever is in the reports is void) for a message in another spelling. */
export type Scanner = (data: Uint8Array, reports: Reports) => ScannedMessage | undefined;

/** A number by its name, and the column that it goes to (-1: checked, not kept), or an object of such. */
type Member = {
  readonly key: Literal;
  readonly max: number;
  readonly column: number;
  readonly nested?: readonly Member[];
};

const QUOTE = 0x22;
const COMMA = 0x2c;
const DOT = 0x2e;
const ZERO = 0x30;
const CLOSE_ARRAY = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** By byte: 1 for those of an id. */
const ID_BYTES = bytesOf((char) => /[A-Za-z0-9_.-]/.test(char));
/** By byte: 1 for those that a string needs no escape for, in ASCII. */
const PLAIN_BYTES = bytesOf((char) => /[ !#-[\]-~]/.test(char));

const HEAD = literal('{"v":1,"region":"');
const LANE = literal('","lane":"');
const BEACONS = literal('","beacons":[');
const EDGE_TEXT = '],"edge":';
const RECEIVED_AT = literal('{"received_at":');
const COLO = literal(',"colo":"');
const BEACON = literal('","beacon":{"v":1,"meeting_id":"');
const SESSION_ID = literal('","session_id":"');
const PARTICIPANT_ID = literal('","participant_id":"');
const SEQ = literal('","seq":');
const PEERS = literal(',"peers":[');
const DROPPED = literal(',"dropped":');
const LEAVING = literal(',"leaving":true');
const SERVER = literal(',"server":{"url":"');
const TYPES = SERVER_TYPES.map((type) => ({ type, text: literal(`","type":"${type}"}`) }));
const RTT = literal(',"rtt":[');
const PEER_ID = literal('{"peer_id":"');

const AUDIO = literal(',"audio":');
const NETEQ = literal(',"neteq":');
const VIDEO = literal(',"video":');
const AUDIO_MEMBERS = membersOf(AUDIO_MAX, PEER_COLUMN.audio);
const VIDEO_MEMBERS = membersOf(VIDEO_MAX, {});
const NETEQ_MEMBERS: readonly Member[] = [
  ...membersOf(NETEQ_MAX, PEER_COLUMN.neteq),
  {
    key: literal('"operations_per_second":'),
    max: 0,
    column: -1,
    nested: membersOf(OPERATIONS_MAX, PEER_COLUMN.operations),
  },
];

/** A scanner with its own position; messages are scanned one at a time. */
export function createScanner(): Scanner {
  let bytes: Uint8Array = new Uint8Array(0);
  let view = new DataView(bytes.buffer);
  let text = '';
  let at = 0;

  function take(text: Literal): boolean {
    if (!standsAt(view, at, text)) return false;
    at += text.length;
    return true;
  }

  function takeByte(byte: number): boolean {
    if (bytes[at] !== byte) return false;
    at++;
    return true;
  }

  /** Text up to its closing quote, which it leaves; undefined for other bytes, or for none or too many. */
  function string(allowed: Uint8Array, least: number, most: number): string | undefined {
    const from = at;
    while (allowed[bytes[at] as number] === 1) at++;
    const length = at - from;
    return length < least || length > most ? undefined : text.slice(from, at);
  }

  function id(): string | undefined {
    return string(ID_BYTES, 1, LIMITS.idLength);
  }

  /** A whole number without leading zeros, NaN for anything else. Fifteen digits are always exact. */
  function integer(): number {
    const from = at;
    let value = 0;
    for (let digit = (bytes[at] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[at] as number) - ZERO) {
      value = value * 10 + digit;
      at++;
    }
    const digits = at - from;
    return digits === 0 || digits > 15 || (digits > 1 && bytes[from] === ZERO) ? Number.NaN : value;
  }

  /** A number from 0 to `max`, NaN for anything else. An exponent is another spelling: the edge's are too small to matter. */
  function number(max: number): number {
    const from = at;
    let value = integer();
    if (bytes[at] === DOT && !Number.isNaN(value)) {
      const digits = at - from;
      const fraction = ++at;
      let mantissa = value;
      for (let digit = (bytes[at] as number) - ZERO; digit >= 0 && digit <= 9; digit = (bytes[at] as number) - ZERO) {
        mantissa = mantissa * 10 + digit;
        at++;
      }
      const decimals = at - fraction;
      if (decimals === 0) return Number.NaN;
      // Both sides of the division are exact up to here, so that its result is the nearest double.
      value = digits + decimals <= 15 ? mantissa / (POWERS_OF_TEN[decimals] as number) : Number(text.slice(from, at));
    }
    return value <= max ? value : Number.NaN;
  }

  function members(table: readonly Member[], numbers: Float64Array, base: number): boolean {
    if (!takeByte(OPEN)) return false;
    if (takeByte(CLOSE)) return true;
    let i = 0;
    do {
      while (i < table.length && !take((table[i] as Member).key)) i++;
      const member = table[i++];
      if (!member) return false;
      if (member.nested) {
        if (!members(member.nested, numbers, base)) return false;
      } else {
        const value = number(member.max);
        if (Number.isNaN(value)) return false;
        if (member.column >= 0) numbers[base + member.column] = value;
      }
    } while (takeByte(COMMA));
    return takeByte(CLOSE);
  }

  function peer(reports: Reports, report: Report): boolean {
    if (!take(PEER_ID)) return false;
    const peerId = id();
    if (peerId === undefined || !takeByte(QUOTE)) return false;
    for (let i = report.peersFrom; i < report.peersTo; i++) if (reports.peerIds[i] === peerId) return false;
    const base = reports.addPeer(peerId);
    if (take(AUDIO) && !members(AUDIO_MEMBERS, reports.numbers, base)) return false;
    if (take(NETEQ) && !members(NETEQ_MEMBERS, reports.numbers, base)) return false;
    if (take(VIDEO) && !members(VIDEO_MEMBERS, reports.numbers, base)) return false;
    return takeByte(CLOSE);
  }

  function peers(reports: Reports, report: Report): boolean {
    if (takeByte(CLOSE_ARRAY)) return true;
    do if (!peer(reports, report)) return false;
    while (takeByte(COMMA));
    return report.peersTo - report.peersFrom <= LIMITS.peers && takeByte(CLOSE_ARRAY);
  }

  function server(report: Report): boolean {
    const url = string(PLAIN_BYTES, 0, LIMITS.serverUrlLength);
    if (url === undefined) return false;
    for (const { type, text: rest } of TYPES) {
      if (!take(rest)) continue;
      report.serverUrl = url;
      report.serverType = type;
      return true;
    }
    return false;
  }

  function rtt(reports: Reports, report: Report): boolean {
    if (takeByte(CLOSE_ARRAY)) return true;
    do {
      const sample = number(LIMITS.rttSeconds);
      if (Number.isNaN(sample)) return false;
      reports.addRtt(sample);
    } while (takeByte(COMMA));
    return report.rttTo - report.rttFrom <= LIMITS.rttSamples && takeByte(CLOSE_ARRAY);
  }

  /** The members of a beacon that every beacon has. */
  function identity(report: Report): boolean {
    const meetingId = id();
    if (meetingId === undefined || !take(SESSION_ID)) return false;
    const sessionId = id();
    if (sessionId === undefined || !take(PARTICIPANT_ID)) return false;
    const participantId = id();
    if (participantId === undefined || !take(SEQ)) return false;
    report.meetingId = meetingId;
    report.sessionId = sessionId;
    report.participantId = participantId;
    report.seq = integer();
    return !Number.isNaN(report.seq);
  }

  function entry(reports: Reports): boolean {
    const report = reports.next();
    if (!take(RECEIVED_AT)) return false;
    report.receivedAtMs = integer();
    if (Number.isNaN(report.receivedAtMs) || !take(COLO)) return false;
    if (string(ID_BYTES, 0, LIMITS.idLength) === undefined || !take(BEACON)) return false;
    if (!identity(report) || !take(PEERS) || !peers(reports, report)) return false;
    if (take(DROPPED)) {
      report.dropped = integer();
      if (Number.isNaN(report.dropped)) return false;
    }
    report.leaving = take(LEAVING);
    if (take(SERVER) && !server(report)) return false;
    if (take(RTT) && !rtt(reports, report)) return false;
    return takeByte(CLOSE) && takeByte(CLOSE);
  }

  return (data, reports) => {
    bytes = data;
    view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
    at = 0;
    reports.clear();
    if (!take(HEAD)) return undefined;
    const region = id();
    if (!isRegionName(region) || !take(LANE)) return undefined;
    const lane = id();
    if (!isLane(lane) || !take(BEACONS)) return undefined;
    const end = text.lastIndexOf(EDGE_TEXT);
    if (at < end) {
      do if (!entry(reports)) return undefined;
      while (takeByte(COMMA));
    }
    if (at !== end || text.charCodeAt(text.length - 1) !== CLOSE) return undefined;
    const edge = parse(text.slice(end + EDGE_TEXT.length, -1));
    return edge === undefined ? undefined : { region, lane, edge };
  };
}

const POWERS_OF_TEN = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function membersOf(
  limits: { readonly [name: string]: number },
  columns: { readonly [name: string]: number },
): Member[] {
  return Object.entries(limits).map(([name, max]) => ({
    key: literal(`"${name}":`),
    max,
    column: columns[name] ?? -1,
  }));
}
