/** The families of the live population and of what its cells have counted since the start. */
import { MEASURES, type Measure, type MeasureName, RTT } from '../live/measures.ts';
import type { Cell, Cumulative } from '../live/population.ts';
import { CELL_LABELS, type Family } from './family.ts';
import type { RegionReading } from './store-reader.ts';

type CellGauge = Extract<Family, { readonly of: 'living cell' }>;
type RegionGauge = Extract<Family, { readonly of: 'heard region' }>;

export const SESSIONS = livingGauge('sessions', 'sessions', 'Living sessions.', (cell) => cell.sessions);
export const PEER_CONNECTIONS = livingGauge(
  'peer_connections',
  'connections',
  'Peers received by living sessions.',
  (cell) => cell.peers,
);
const OMITTED_PEER_CONNECTIONS = livingGauge(
  'omitted_peer_connections',
  'connections',
  'Peers that living sessions receive and leave out of their beacons, which have room for 64 (state.omitted_peers): the worst and the loudest are in.',
  (cell) => cell.omittedPeers,
);
export const MEETINGS = headcount(
  'meetings',
  'Meetings with a living session in the region.',
  ({ headcount }) => headcount.meetings,
);
export const PARTICIPANTS = headcount(
  'participants',
  'Distinct pairs of meeting and participant with a living session in the region: a person in two meetings counts in each, with two devices in one meeting once. A meeting is on one shard, so shards add up.',
  ({ headcount }) => headcount.participants,
);

/** What is measured, by the measure's name. */
const LIVE_HELP: { readonly [Name in MeasureName]: string } = {
  rtt: 'Newest client-measured RTT of each session to its elected server',
  uplink_packet_loss:
    'Packet loss of what each session sends, as the other end reports it: of audio, or else of video; packetsLost over packetsSent between beacons, at least zero',
  neteq_buffer:
    'NetEQ buffer of each peer connection: jitterBufferDelay over jitterBufferEmittedCount between beacons, or neteq.buffer',
  concealment: 'Audible concealed share of the samples of each peer connection',
  expand: 'NetEQ expand operations of each peer connection',
  acceleration: 'Share of samples removed by acceleration, W3C clients',
  accelerate: 'NetEQ accelerate and fast accelerate operations of each peer connection, NetEQ clients',
  audio_packet_loss:
    'Audio packet loss of each peer connection: packetsLost over packetsLost plus packetsReceived between beacons, at least zero',
  audio_jitter: 'Audio jitter of each peer connection, as its client reports it',
  jitter_buffer_target:
    'Target delay of the jitter buffer of each peer connection: what the network requires, while live_neteq_buffer is the actual delay; jitterBufferTargetDelay over jitterBufferEmittedCount between beacons, or neteq.target_delay',
  audio_mos:
    'Estimated audio quality of each peer connection, 1 to 4.41, by the E-model of ITU-T G.107, from the delay (half the RTT of the session, plus the buffer) and the packet loss, or else the concealment, which say why it is low; absent while one of these is unknown',
  video_packet_loss:
    'Video packet loss of each peer connection: packetsLost over packetsLost plus packetsReceived between beacons, at least zero; hidden pages excluded',
  video_freeze:
    'Share of the time between beacons that the video of each peer connection was frozen: totalFreezesDuration, which counts a freeze when it ends; hidden pages excluded',
  video_frame_rate: 'Video frames per second of each peer connection; hidden pages excluded',
  video_frames_dropped:
    'Share of the video frames of each peer connection that were dropped: framesDropped over framesDropped plus framesDecoded between beacons; hidden pages excluded',
};

/** The buckets and then the quantiles of each measure: adjacent, since one reading of a cell gives both. */
const LIVE = MEASURES.flatMap(liveFamilies);

function liveFamilies({ name, family = name, unit }: Measure, measure: number): Family[] {
  const what = LIVE_HELP[name as MeasureName];
  const ofUnit = unit === '' ? '' : `_${unit}`;
  return [
    {
      name: `edgepulse_live_${family}${ofUnit}`,
      type: 'histogram',
      unit,
      help: `${what}, over living sessions: a gauge histogram, so query it without rate().`,
      collect: 'population',
      labels: [...CELL_LABELS, 'le'],
      of: 'live distribution',
      measure,
    },
    {
      name: `edgepulse_live_${family}_quantile${ofUnit}`,
      type: 'gauge',
      unit,
      help: `${what}, over living sessions: nearest-rank quantile, within 1 % of exact.`,
      collect: 'population',
      labels: [...CELL_LABELS, 'q'],
      of: 'live quantiles',
      measure,
    },
  ];
}

const CUMULATIVE: readonly Family[] = [
  {
    name: 'edgepulse_rtt_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Every client-measured RTT sample.',
    collect: 'population',
    labels: [...CELL_LABELS, 'le'],
    of: 'cell histogram',
    bounds: RTT.bounds,
    histogram: ({ cumulative }) => cumulative.rtt,
  },
  samples('audio', 'audioSamples', 'Audio samples received: totalSamplesReceived, differences.'),
  samples('concealed', 'concealedSamples', 'Concealed samples, silent ones included: concealedSamples, differences.'),
  samples('silent_concealed', 'silentConcealedSamples', 'Concealed samples that were silence, differences.'),
  samples('accelerated', 'acceleratedSamples', 'Samples removed to play faster: removedSamplesForAcceleration.'),
  samples('decelerated', 'deceleratedSamples', 'Samples inserted to play slower: insertedSamplesForDeceleration.'),
  {
    name: 'edgepulse_video_freezes_total',
    type: 'counter',
    unit: 'freezes',
    help: 'Video freezes: freezeCount, differences. Hidden pages are excluded.',
    collect: 'population',
    labels: CELL_LABELS,
    of: 'cell',
    value: ({ cumulative }) => cumulative.videoFreezes,
  },
];

export const POPULATION_FAMILIES: readonly Family[] = [
  SESSIONS,
  PEER_CONNECTIONS,
  OMITTED_PEER_CONNECTIONS,
  MEETINGS,
  PARTICIPANTS,
  ...LIVE,
  ...CUMULATIVE,
];

function livingGauge(name: string, unit: string, help: string, value: (cell: Cell) => number): CellGauge {
  return {
    name: `edgepulse_${name}`,
    type: 'gauge',
    unit,
    help,
    collect: 'population',
    labels: CELL_LABELS,
    of: 'living cell',
    value,
  };
}

function headcount(unit: string, help: string, value: (reading: RegionReading) => number): RegionGauge {
  return {
    name: `edgepulse_${unit}`,
    type: 'gauge',
    unit,
    help,
    collect: 'population',
    labels: ['region'],
    of: 'heard region',
    value,
  };
}

function samples(name: string, member: Exclude<keyof Cumulative, 'rtt'>, help: string): Family {
  return {
    name: `edgepulse_${name}_samples_total`,
    type: 'counter',
    unit: 'samples',
    help,
    collect: 'population',
    labels: CELL_LABELS,
    of: 'cell',
    value: ({ cumulative }) => cumulative[member],
  };
}
