/** Packets of media servers as tests write them: a valid one with overrides, and packets.proto as protobufjs reads it. */
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import type { HealthPacket, PeerStats } from '../../../demo/media/packets.ts';

const source = readFileSync(new URL('../../../aggregator/ingest/packets/packets.proto', import.meta.url), 'utf8');
const { root } = protobuf.parse(source, { keepCase: true });

/** Of a client of the first branch, alone in its meeting. */
export function validPacket(overrides: Partial<HealthPacket> = {}): HealthPacket {
  return {
    session_id: 's-1',
    meeting_id: 'm-1',
    reporting_user_id: 'alice@example.com',
    timestamp_ms: 1_800_000_000_000,
    reporting_audio_enabled: true,
    reporting_video_enabled: true,
    peer_stats: {},
    active_server_url: 'https://media-1.example.com/lobby?token=secret',
    active_server_type: 'webtransport',
    active_server_rtt_ms: 80,
    ...overrides,
  };
}

/** A peer that is heard and seen well. */
export function validPeer(overrides: PeerStats = {}): PeerStats {
  return {
    can_listen: true,
    can_see: true,
    audio_enabled: true,
    video_enabled: true,
    neteq_stats: {
      current_buffer_size_ms: 80,
      packets_awaiting_decode: 4,
      packets_per_sec: 50,
      target_delay_ms: 60,
      operations: { normal: 97, expand: 2, accelerate: 1 },
    },
    video_stats: { fps_received: 30, frames_decoded: 900, bitrate_kbps: 1_200 },
    ...overrides,
  };
}

/** The fields that the packet has, by the names of packets.proto, as an implementation that is not ours reads them. */
export function decodePacketProto(data: Uint8Array): { [name: string]: unknown } {
  const type = root.lookupType('edgepulse.media.v1.HealthPacket');
  return type.toObject(type.decode(data), { longs: Number, bytes: Array });
}
