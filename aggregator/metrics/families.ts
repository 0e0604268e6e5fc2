/**
 * The metric families that we write ourselves: name, type, help and labels, once, for the
 * exposition and for docs/metrics.md. What prom-client writes is defined in metrics.ts.
 */

import { MEASURES, type Measure } from '../live/measures.ts';

export type Family = {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly unit: 'seconds' | 'ratio' | 'samples' | 'operations_per_second' | '';
  readonly help: string;
  readonly labels: readonly string[];
};

/** How a live distribution is exposed. */
export type LiveFamilies = {
  /** Family of the buckets, a gauge histogram. */
  readonly histogram: Family;
  readonly quantile: Family;
};

const CELL_LABELS = ['region', 'server_url', 'server_type'] as const;
const PEER_LABELS = ['region', 'meeting_id', 'session_id', 'peer_id'] as const;

const LIVE_HELP: { readonly [name: string]: string } = {
  rtt: 'Newest client-measured RTT of each session to its elected server',
  neteq_buffer:
    'NetEQ buffer of each peer connection: jitterBufferDelay over jitterBufferEmittedCount between beacons, or neteq.buffer',
  concealment: 'Audible concealed share of the samples of each peer connection',
  expand: 'NetEQ expand operations of each peer connection',
  acceleration: 'Share of samples removed by acceleration, W3C clients',
  accelerate: 'NetEQ accelerate and fast accelerate operations of each peer connection, NetEQ clients',
};

/** In the order of {@link MEASURES}. */
export const LIVE: readonly LiveFamilies[] = MEASURES.map(liveFamilies);

function liveFamilies({ name, unit }: Measure): LiveFamilies {
  const what = LIVE_HELP[name];
  return {
    histogram: {
      name: `edgepulse_live_${name}_${unit}`,
      type: 'histogram',
      unit,
      help: `${what}, over the living: a gauge histogram, so query it without rate().`,
      labels: [...CELL_LABELS, 'le'],
    },
    quantile: {
      name: `edgepulse_live_${name}_quantile_${unit}`,
      type: 'gauge',
      unit,
      help: `${what}, over the living: nearest-rank quantile, within 1 % of exact.`,
      labels: [...CELL_LABELS, 'quantile'],
    },
  };
}

function gauge(name: string, unit: Family['unit'], labels: readonly string[], help: string): Family {
  return { name: `edgepulse_${name}`, type: 'gauge', unit, labels, help };
}

function counter(name: string, help: string): Family {
  return { name: `edgepulse_${name}_samples_total`, type: 'counter', unit: 'samples', labels: CELL_LABELS, help };
}

export const POPULATION = {
  sessions: gauge('sessions', '', CELL_LABELS, 'Living sessions.'),
  peerConnections: gauge('peer_connections', '', CELL_LABELS, 'Peers received by living sessions.'),
  meetings: gauge('meetings', '', ['region'], 'Meetings with a living session in the region.'),
  participants: gauge('participants', '', ['region'], 'Distinct participants of living sessions in the region.'),
} as const;

export const CUMULATIVE = {
  rtt: {
    name: 'edgepulse_rtt_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [...CELL_LABELS, 'le'],
    help: 'Every client-measured RTT sample.',
  },
  audioSamples: counter('audio', 'Audio samples received: totalSamplesReceived, differences.'),
  concealedSamples: counter('concealed', 'Concealed samples, silent ones included: concealedSamples, differences.'),
  silentConcealedSamples: counter('silent_concealed', 'Concealed samples that were silence, differences.'),
  acceleratedSamples: counter('accelerated', 'Samples removed to play faster: removedSamplesForAcceleration.'),
  deceleratedSamples: counter('decelerated', 'Samples inserted to play slower: insertedSamplesForDeceleration.'),
} as const satisfies { [name: string]: Family };

export const DETAIL = {
  sessionRtt: gauge(
    'session_rtt_seconds',
    'seconds',
    ['region', 'meeting_id', 'session_id', 'server_url', 'server_type'],
    'Newest client-measured RTT of the session.',
  ),
  peerBuffer: gauge('peer_neteq_buffer_seconds', 'seconds', PEER_LABELS, 'NetEQ buffer of the peer connection.'),
  peerConcealment: gauge(
    'peer_concealment_ratio',
    'ratio',
    PEER_LABELS,
    'Audible concealed share of the samples of the peer connection.',
  ),
  peerOperations: gauge(
    'peer_neteq_operations_per_second',
    'operations_per_second',
    [...PEER_LABELS, 'operation'],
    'NetEQ operations of the peer connection, NetEQ clients.',
  ),
  meetingParticipants: gauge(
    'meeting_participants',
    '',
    ['region', 'meeting_id'],
    'Distinct participants of the meeting in the region.',
  ),
} as const;

export const INGEST_DELAY: Family = {
  name: 'edgepulse_ingest_delay_seconds',
  type: 'histogram',
  unit: 'seconds',
  labels: ['region', 'le'],
  help: 'From the edge receiving a beacon to its being applied.',
};

export const PUBLISH_SECONDS: Family = {
  name: 'edgepulse_edge_publish_seconds',
  type: 'histogram',
  unit: 'seconds',
  labels: ['region', 'le'],
  help: 'From the edge publishing a batch to its acknowledgement by NATS.',
};

/** All of them, in the order of the exposition. */
export const FAMILIES: readonly Family[] = [
  ...Object.values(POPULATION),
  ...LIVE.flatMap(({ histogram, quantile }) => [histogram, quantile]),
  ...Object.values(CUMULATIVE),
  INGEST_DELAY,
  PUBLISH_SECONDS,
  ...Object.values(DETAIL),
];
