/**
 * Writes the packets that media servers publish (aggregator/ingest/packets/packets.proto), as a proto3 encoder does: what
 * is zero, false or empty is left out. A few fields that nobody reads are among them, as in the real ones.
 */
import { PbfWriter } from 'pbf';

/** Members are those of `HealthPacket`; milliseconds where they say so. */
export type HealthPacket = {
  readonly session_id: string;
  readonly meeting_id: string;
  readonly reporting_user_id: string;
  readonly timestamp_ms: number;
  readonly reporting_audio_enabled: boolean;
  readonly reporting_video_enabled: boolean;
  readonly peer_stats: { readonly [peer: string]: PeerStats };
  readonly active_server_url: string;
  readonly active_server_type: string;
  readonly active_server_rtt_ms: number;
  /** Of a client of the newer branch; without it, of one of the first. */
  readonly newer?: NewerMembers;
};

export type NewerMembers = {
  readonly is_tab_visible?: boolean;
  readonly is_tab_throttled?: boolean;
  readonly display_name?: string;
  readonly connection_handshake_failures_total?: number;
  readonly connection_session_drops_total?: number;
  readonly client_os?: string;
};

export type PeerStats = {
  readonly can_listen?: boolean;
  readonly can_see?: boolean;
  readonly audio_enabled?: boolean;
  readonly video_enabled?: boolean;
  readonly neteq_stats?: NetEqStats;
  readonly video_stats?: VideoStats;
};

export type NetEqStats = {
  readonly current_buffer_size_ms?: number;
  readonly packets_awaiting_decode?: number;
  readonly packets_per_sec?: number;
  readonly target_delay_ms?: number;
  /** Each a second; without it, the message `network` is left out. */
  readonly operations?: { readonly [Name in OperationName]?: number };
};

export type VideoStats = {
  readonly fps_received?: number;
  readonly frames_decoded?: number;
  readonly bitrate_kbps?: number;
};

/** In the order of their fields. */
const OPERATIONS = [
  'normal',
  'expand',
  'accelerate',
  'fast_accelerate',
  'preemptive_expand',
  'merge',
  'comfort_noise',
] as const;
type OperationName = (typeof OPERATIONS)[number];

export function encodeHealthPacket(packet: HealthPacket): Uint8Array {
  const out = new PbfWriter(room);
  text(out, 1, packet.session_id);
  text(out, 2, packet.meeting_id);
  text(out, 3, packet.reporting_user_id);
  count(out, 4, packet.timestamp_ms);
  flag(out, 5, packet.reporting_audio_enabled);
  flag(out, 6, packet.reporting_video_enabled);
  for (const entry of Object.entries(packet.peer_stats)) out.writeMessage(7, writePeer, entry);
  text(out, 8, packet.active_server_url);
  text(out, 9, packet.active_server_type);
  double(out, 10, packet.active_server_rtt_ms);
  if (packet.newer) writeNewer(packet.newer, out);
  room = out.buf;
  return out.finish().slice();
}

/** Used again by the next packet, so that a fleet's packets don't grow it each time. */
let room: Uint8Array = new Uint8Array(1_024);

function writeNewer(newer: NewerMembers, out: PbfWriter): void {
  flag(out, 11, newer.is_tab_visible);
  count(out, 12, 183_500_800);
  flag(out, 15, newer.is_tab_throttled);
  text(out, 19, newer.display_name);
  count(out, 54, newer.connection_handshake_failures_total);
  count(out, 55, newer.connection_session_drops_total);
  text(out, 87, newer.client_os);
}

function writePeer([peer, stats]: readonly [string, PeerStats], out: PbfWriter): void {
  text(out, 1, peer);
  out.writeMessage(2, writeStats, stats);
}

function writeStats(stats: PeerStats, out: PbfWriter): void {
  flag(out, 1, stats.can_listen);
  flag(out, 2, stats.can_see);
  flag(out, 3, stats.audio_enabled);
  flag(out, 4, stats.video_enabled);
  if (stats.neteq_stats) out.writeMessage(5, writeNetEq, stats.neteq_stats);
  if (stats.video_stats) out.writeMessage(6, writeVideo, stats.video_stats);
}

function writeNetEq(neteq: NetEqStats, out: PbfWriter): void {
  double(out, 1, neteq.current_buffer_size_ms);
  double(out, 2, neteq.packets_awaiting_decode);
  if (neteq.operations) out.writeMessage(3, writeNetwork, neteq.operations);
  double(out, 4, neteq.packets_per_sec);
  double(out, 5, neteq.target_delay_ms);
}

function writeNetwork(operations: NonNullable<NetEqStats['operations']>, out: PbfWriter): void {
  out.writeMessage(1, writeOperations, operations);
}

function writeOperations(operations: NonNullable<NetEqStats['operations']>, out: PbfWriter): void {
  for (const [i, name] of OPERATIONS.entries()) double(out, i + 1, operations[name]);
}

function writeVideo(video: VideoStats, out: PbfWriter): void {
  double(out, 1, video.fps_received);
  count(out, 3, video.frames_decoded);
  count(out, 4, video.bitrate_kbps);
}

function text(out: PbfWriter, field: number, value = ''): void {
  if (value !== '') out.writeStringField(field, value);
}

function count(out: PbfWriter, field: number, value = 0): void {
  if (value !== 0) out.writeVarintField(field, value);
}

function flag(out: PbfWriter, field: number, value = false): void {
  if (value) out.writeBooleanField(field, value);
}

function double(out: PbfWriter, field: number, value = 0): void {
  if (value !== 0) out.writeDoubleField(field, value);
}
