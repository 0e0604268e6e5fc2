/** The families that the aggregator exposes about itself: what it read, lost and removed, its limits, its feeds. */
import { NATS_FAULTS } from '../../shared/nats-faults.ts';
import { UNOWNED_REASONS } from '../feed/stream/ownership.ts';
import { STREAM_PROBLEMS } from '../feed/stream/settings.ts';
import { CHECKED_FIELDS } from '../store/arrival/plausibility.ts';
import { INGEST_DELAY_SECONDS_BUCKETS, PACKET_REJECT_REASONS } from '../store/totals.ts';
import type { Family, RegionSeries } from './family.ts';
import type { ProcessReading, RegionReading } from './store-reader.ts';

type RegionValue = (reading: RegionReading) => number;

const BEACON_OUTCOMES = ['applied', 'duplicate', 'late', 'invalid'] as const;
const PACKET_OUTCOMES = ['applied', 'duplicate', 'late', 'superseded', 'dropped'] as const;

export const SELF_FAMILIES: readonly Family[] = [
  byLabel(
    'beacons_total',
    'beacons',
    'Beacons read from NATS by outcome.',
    BEACON_OUTCOMES.map((outcome) => ({ labels: { outcome }, value: ({ totals }) => totals[outcome] })),
  ),
  byLabel(
    'packets_total',
    'packets',
    'Packets of media servers read from NATS by outcome: superseded ones are of sessions whose own beacons are fresh, dropped ones came from core NATS faster than they were handled, rejected ones have a reason. Absent unless MEDIA_SERVER_TYPES is set.',
    [
      ...PACKET_OUTCOMES.map((outcome) => ({
        labels: { outcome, reason: '' },
        value: ({ totals: { packets } }: RegionReading) => (packets.isRead ? packets[outcome] : Number.NaN),
      })),
      ...PACKET_REJECT_REASONS.map((reason) => ({
        labels: { outcome: 'rejected', reason },
        value: ({ totals: { packets } }: RegionReading) => (packets.isRead ? packets.rejected[reason] : Number.NaN),
      })),
    ],
  ),
  counter(
    'beacons_lost_total',
    'beacons',
    'Beacons that never arrived, by gaps in sequence numbers.',
    ({ totals }) => totals.lost,
  ),
  counter(
    'client_dropped_beacons_total',
    'beacons',
    'Beacons that clients gave up sending, as they report in dropped.',
    ({ totals }) => totals.clientDropped,
  ),
  byLabel(
    'implausible_total',
    'values',
    'Values that grew by more than is possible in the time that passed, by their name in the beacon. They are not counted anywhere else; docs/wire-format.md has the limits.',
    CHECKED_FIELDS.map((field) => ({ labels: { field }, value: ({ totals }) => totals.implausible[field] })),
  ),
  byLabel('sessions_reaped_total', 'sessions', 'Sessions removed: after a leaving beacon, or silent for a whole TTL.', [
    { labels: { reason: 'left' }, value: ({ totals }) => totals.left },
    { labels: { reason: 'stale' }, value: ({ totals }) => totals.stale },
  ]),
  counter(
    'sessions_refused_total',
    'sessions',
    'Beacons of sessions that were ignored because MAX_SESSIONS sessions were alive.',
    ({ totals }) => totals.refused,
  ),
  counter(
    'batches_repeated_total',
    'batches',
    'Repeated batches, which were skipped.',
    ({ totals }) => totals.repeatedBatches,
  ),
  ofProcess('session_series', 'gauge', 'Detail series now.', ({ budget }) => budget.used),
  ofProcess('session_series_limit', 'gauge', 'Most detail series, MAX_SESSION_SERIES.', ({ budget }) => budget.limit),
  ofProcess(
    'session_series_dropped_total',
    'counter',
    'Detail series that were left out because of the limit.',
    ({ budget }) => budget.dropped,
  ),
  ofProcess(
    'ended_sessions',
    'gauge',
    'Sessions that ended within the last 15 minutes and that can be looked up.',
    ({ ended }) => ended.count,
    'sessions',
  ),
  ofProcess(
    'ended_sessions_dropped_total',
    'counter',
    'Ended sessions that were forgotten sooner, because too many ended: half of MAX_SESSIONS are kept, and four peers for each of these.',
    ({ ended }) => ended.dropped,
    'sessions',
  ),
  ofProcess(
    'series_bound',
    'gauge',
    'The largest number of series that this configuration can expose to a scrape without collect[].',
    ({ seriesBound }) => seriesBound,
  ),
  {
    name: 'edgepulse_feed_up',
    type: 'gauge',
    unit: '',
    help: '1 while the feed of the region can be heard and has caught up; 0 while it is down, replaying or behind.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ isFeedUp }) => (isFeedUp ? 1 : 0) }],
  },
  {
    name: 'edgepulse_lanes',
    type: 'gauge',
    unit: '',
    help: 'LANES of the topology: how many lanes each region has.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ lanes }) => lanes?.all ?? Number.NaN }],
  },
  {
    name: 'edgepulse_owned_lanes',
    type: 'gauge',
    unit: '',
    help: 'Lanes of the region that this process reads, by SHARD and LANES. Those of all shards, each shard once, add up to edgepulse_lanes: if they are more, some are read twice; if fewer, some by nobody.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ lanes }) => lanes?.owned ?? Number.NaN }],
  },
  {
    name: 'edgepulse_feed_source_up',
    type: 'gauge',
    unit: '',
    help: "1 while a stream of the region is read and has caught up, where the region is read from several: from its own NATS (role home) and from those of its fallback regions (source). Whether the region can be heard is edgepulse_feed_up: with its home lost, it can be while its Forwarders' messages come through a fallback.",
    collect: 'process',
    labels: ['region', 'source', 'role'],
    of: 'region source',
    value: ({ isUp }) => (isUp ? 1 : 0),
  },
  {
    name: 'edgepulse_feed_messages_total',
    type: 'counter',
    unit: 'messages',
    help: 'Messages of the region by the NATS that they were read from, where the region is read from several. Those of role fallback mean that Forwarders of the region do not reach its own.',
    collect: 'process',
    labels: ['region', 'source', 'role'],
    of: 'region source',
    value: ({ messages }) => messages,
  },
  gauge(
    'feed_lag_seconds',
    "How far what has been read of the region's feed is behind the broker's time. Absent until something was read.",
    [{ labels: {}, value: ({ feed }) => feed.lagSeconds }],
  ),
  gauge(
    'clock_skew_seconds',
    "How far a clock is ahead of the broker's: of this host, or of the Forwarder furthest off. Nothing is decided by it.",
    [
      { labels: { clock: 'host' }, value: ({ feed }) => feed.hostSkewSeconds },
      { labels: { clock: 'edge' }, value: ({ totals }) => totals.edge.skewSeconds },
    ],
  ),
  {
    name: 'edgepulse_unowned_subjects',
    type: 'gauge',
    unit: 'subjects',
    help: 'Subjects with messages in the stream that nobody reads, by the part of the subject that is not configured in REGIONS or LANES. Every process counts those of all regions, so take the max; absent while unknown. They stay for as long as the stream keeps their messages.',
    collect: 'process',
    labels: ['reason'],
    of: 'process set',
    set: UNOWNED_REASONS.map((reason) => ({ labels: { reason }, value: ({ stream }) => stream.unowned[reason] })),
  },
  {
    name: 'edgepulse_stream_misconfigured',
    type: 'gauge',
    unit: '',
    help: '1 where a setting of the stream HEALTH loses beacons or hides them, by the name of the setting; 0 where it is right. The log says why. Absent while unknown.',
    collect: 'process',
    labels: ['setting'],
    of: 'process set',
    set: STREAM_PROBLEMS.map((setting) => ({ labels: { setting }, value: ({ stream }) => stream.problems[setting] })),
  },
  {
    name: 'edgepulse_feed_errors_total',
    type: 'counter',
    unit: '',
    help: 'Connections to NATS and requests there that failed, and errors that the server sent, by what is wrong.',
    collect: 'process',
    labels: ['fault'],
    of: 'process set',
    set: NATS_FAULTS.map((fault) => ({
      labels: { fault },
      value: ({ feedErrors }) => feedErrors?.[fault] ?? 0,
    })),
  },
  {
    name: 'edgepulse_stream_reach_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'How far back the stream reaches: its max_age, or less when it is full and removes messages sooner. Under SESSION_TTL_SECONDS, a restart loses living sessions. Absent while unknown.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ stream }) => stream?.reachSeconds ?? Number.NaN }],
  },
  {
    name: 'edgepulse_build_info',
    type: 'gauge',
    unit: '',
    help: 'Always 1, with the version of the aggregator.',
    collect: 'process',
    labels: ['version'],
    of: 'process',
    value: () => 1,
    extraLabels: ({ version }) => ({ version }),
  },
  {
    name: 'edgepulse_ingest_delay_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time from the edge receiving a beacon to the aggregator applying it, or finding it late.',
    collect: 'process',
    labels: ['region', 'le'],
    of: 'region histogram',
    bounds: INGEST_DELAY_SECONDS_BUCKETS,
    histogram: ({ totals }) => totals.ingestDelay,
  },
];

function counter(name: string, unit: string, help: string, value: RegionValue): Family {
  return byLabel(name, unit, help, [{ labels: {}, value }]);
}

function gauge(name: string, help: string, series: readonly RegionSeries[]): Family {
  const labels = ['region', ...Object.keys(series[0]?.labels ?? {})];
  const unit = 'seconds';
  return { name: `edgepulse_${name}`, type: 'gauge', unit, help, collect: 'process', labels, of: 'region', series };
}

function byLabel(name: string, unit: string, help: string, series: readonly RegionSeries[]): Family {
  const labels = ['region', ...Object.keys(series[0]?.labels ?? {})];
  return { name: `edgepulse_${name}`, type: 'counter', unit, help, collect: 'process', labels, of: 'region', series };
}

function ofProcess(
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  value: (reading: ProcessReading) => number,
  unit = 'series',
): Family {
  return { name: `edgepulse_${name}`, type, unit, help, collect: 'process', labels: [], of: 'process', value };
}
