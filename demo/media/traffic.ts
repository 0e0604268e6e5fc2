/** What a fleet of clients reports through its media servers: meetings of so many people, a packet of each every 5 s. */
import { encodeHealthPacket, type HealthPacket, type PeerStats } from './packets.ts';

export type MediaTraffic = {
  readonly sessions: number;
  /** Number of the first session; default 0. */
  readonly first?: number;
  /** How many others each receives: a meeting has one person more. */
  readonly peers: number;
  readonly serverUrl: string;
};

/** One packet of each session. @param round 0, 1, ...: what they report changes with it */
export function* packetsOf(
  { sessions, first = 0, peers, serverUrl }: MediaTraffic,
  round: number,
  nowMs: () => number,
): Generator<Uint8Array, void, void> {
  for (let i = first; i < first + sessions; i++) {
    yield encodeHealthPacket(packetOf({ i, peers, serverUrl }, round, nowMs()));
  }
}

type Reporter = { readonly i: number; readonly peers: number; readonly serverUrl: string };

function packetOf({ i, peers, serverUrl }: Reporter, round: number, nowMs: number): HealthPacket {
  const meeting = Math.floor(i / (peers + 1));
  const others = Array.from({ length: peers }, (_, k) => meeting * (peers + 1) + ((i + k + 1) % (peers + 1)));
  return {
    session_id: `s-${i}`,
    meeting_id: `m-${meeting}`,
    reporting_user_id: `person-${i}@example.com`,
    timestamp_ms: nowMs,
    reporting_audio_enabled: i % 4 !== 0,
    reporting_video_enabled: true,
    peer_stats: Object.fromEntries(others.map((other) => [`s-${other}`, statsOf(other, round)])),
    active_server_url: `${serverUrl}/lobby?token=a-token-of-${i}`,
    active_server_type: 'webtransport',
    active_server_rtt_ms: 80 + ((i * 7919 + round * 104_729) % 1000) / 10,
    newer: { is_tab_visible: true, display_name: `Person ${i}`, client_os: 'macos' },
  };
}

function statsOf(i: number, round: number): PeerStats {
  const expand = ((i + round) % 40) / 10;
  return {
    can_listen: true,
    can_see: true,
    audio_enabled: i % 4 !== 0,
    video_enabled: true,
    neteq_stats: {
      current_buffer_size_ms: 60 + ((i + round) % 50),
      packets_awaiting_decode: 3,
      packets_per_sec: 50,
      target_delay_ms: 40 + (i % 20),
      operations: { normal: 98 - expand, expand, accelerate: 0.6, preemptive_expand: 0.4, merge: 0.4 },
    },
    video_stats: {
      fps_received: 25 - ((i + round) % 30) / 10,
      frames_decoded: 125 * (round + 1),
      bitrate_kbps: 900,
    },
  };
}
