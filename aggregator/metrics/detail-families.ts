/** The families of single sessions, peers and meetings, within the limit of MAX_SESSION_SERIES. */
import { DETAIL_OPERATIONS, OTHER_OPERATIONS } from '../store/detail/detail.ts';
import type { Family } from './family.ts';
import { audioPacketLoss, concealment, neteqBuffer } from './store-reader.ts';

const PEER_LABELS = ['region', 'meeting_id', 'session_id', 'peer_id'] as const;

export const DETAIL_FAMILIES: readonly Family[] = [
  {
    name: 'edgepulse_session_rtt_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Newest client-measured RTT of the session.',
    collect: 'sessions',
    labels: ['region', 'meeting_id', 'session_id', 'server_url', 'server_type'],
    of: 'session',
    value: ({ rtt }) => rtt,
  },
  {
    name: 'edgepulse_peer_neteq_buffer_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'NetEQ buffer of the peer connection.',
    collect: 'sessions',
    labels: PEER_LABELS,
    of: 'peer',
    value: neteqBuffer,
  },
  {
    name: 'edgepulse_peer_concealment_ratio',
    type: 'gauge',
    unit: 'ratio',
    help: 'Audible concealed share of the samples of the peer connection.',
    collect: 'sessions',
    labels: PEER_LABELS,
    of: 'peer',
    value: concealment,
  },
  {
    name: 'edgepulse_peer_audio_packet_loss_ratio',
    type: 'gauge',
    unit: 'ratio',
    help: 'Audio packet loss of the peer connection: packetsLost over packetsLost plus packetsReceived between beacons, W3C clients.',
    collect: 'sessions',
    labels: PEER_LABELS,
    of: 'peer',
    value: audioPacketLoss,
  },
  {
    name: 'edgepulse_peer_neteq_operations_per_second',
    type: 'gauge',
    unit: 'operations_per_second',
    help: 'NetEQ operations of the peer connection, NetEQ clients: expand and accelerate; the others with collect[]=operations.',
    collect: 'sessions',
    labels: [...PEER_LABELS, 'operation'],
    of: 'peer operation',
    operations: { sessions: DETAIL_OPERATIONS, operations: OTHER_OPERATIONS },
  },
  {
    name: 'edgepulse_meeting_participants',
    type: 'gauge',
    unit: 'participants',
    help: 'Distinct participants of the meeting in the region.',
    collect: 'sessions',
    labels: ['region', 'meeting_id'],
    of: 'meeting',
    value: ({ participants }) => participants.size,
  },
];
