/** The families of what sessions say of themselves: how they join, by which path, with what client, what they send. */
import { JOIN } from '../../shared/session-members.ts';
import { BREAKDOWNS, type BreakdownKind, COMBINATIONS } from '../live/breakdown.ts';
import type { ConnectionCounts } from '../live/measures.ts';
import { JOIN_SECONDS_BUCKETS, JOIN_SERVER_TYPES, type JoinCounts } from '../store/joins.ts';
import { CELL_LABELS, type Family } from './family.ts';
import type { RegionReading } from './store-reader.ts';

/** Living sessions, by what they are of. */
const LIVE: readonly Family[] = [
  breakdown(
    'sessions_by_path',
    'path',
    'Living sessions by the local candidate of their path and its protocol, of those that say so; relay is TURN.',
  ),
  breakdown('sessions_by_client', 'client', 'Living sessions by the client that they run in, of those that say so.'),
  breakdown(
    'video_senders',
    'videoSender',
    'Living sessions that send video, by what limits its quality: qualityLimitationReason.',
  ),
];

const CUMULATIVE: readonly Family[] = [
  {
    name: 'edgepulse_joins_total',
    type: 'counter',
    unit: 'joins',
    help: 'Joins by result: ok, or the stage that failed (signaling, ice, dtls or media). Each result of a session, or of a run of it by `started`, once. A session that failed to join is counted here alone: it never was in a call.',
    collect: 'population',
    labels: ['region', 'server_type', 'result'],
    of: 'region',
    series: JOIN_SERVER_TYPES.flatMap((serverType) =>
      JOIN.result.map((result, place) => ({
        labels: { server_type: serverType, result },
        value: (reading: RegionReading) => joinsOf(reading, serverType).results[place] as number,
      })),
    ),
  },
  {
    name: 'edgepulse_join_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'From the beginning of joining to connected, of joins that succeeded.',
    collect: 'population',
    labels: ['region', 'server_type', 'le'],
    of: 'region histogram set',
    bounds: JOIN_SECONDS_BUCKETS,
    series: JOIN_SERVER_TYPES.map((serverType) => ({
      labels: { server_type: serverType },
      histogram: (reading) => joinsOf(reading, serverType).seconds,
    })),
  },
  {
    name: 'edgepulse_first_media_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'From the beginning of joining to the first audio or video received. Who waits for the others waits here, too.',
    collect: 'population',
    labels: ['region', 'server_type', 'kind', 'le'],
    of: 'region histogram set',
    bounds: JOIN_SECONDS_BUCKETS,
    series: JOIN_SERVER_TYPES.flatMap((serverType) => [
      firstMedia(serverType, 'audio', ({ firstAudioSeconds }) => firstAudioSeconds),
      firstMedia(serverType, 'video', ({ firstVideoSeconds }) => firstVideoSeconds),
    ]),
  },
  connection(
    'connection_failures',
    'failures',
    'connectionFailures',
    'Connections that failed: connection.failures, differences.',
  ),
  connection('ice_restarts', 'restarts', 'iceRestarts', 'ICE restarts: connection.ice_restarts, differences.'),
];

export const SESSION_FAMILIES: readonly Family[] = [...LIVE, ...CUMULATIVE];

function breakdown(name: string, kind: BreakdownKind, help: string): Family {
  return {
    name: `edgepulse_${name}`,
    type: 'gauge',
    unit: 'sessions',
    help,
    collect: 'population',
    labels: ['region', ...BREAKDOWNS[kind].map(({ label }) => label)],
    of: 'heard region set',
    series: COMBINATIONS[kind].map(({ number, labels }) => ({
      labels,
      // Where nobody says so, nobody is known to be: absent, and not zero.
      value: ({ region, breakdown: { count } }) => count(region, kind, number) || Number.NaN,
    })),
  };
}

function joinsOf({ totals }: RegionReading, serverType: string): JoinCounts {
  return totals.joins[serverType] as JoinCounts;
}

function firstMedia(serverType: string, kind: string, of: (counts: JoinCounts) => JoinCounts['seconds']) {
  return {
    labels: { server_type: serverType, kind },
    histogram: (reading: RegionReading) => of(joinsOf(reading, serverType)),
  };
}

function connection(name: string, unit: string, count: keyof ConnectionCounts, help: string): Family {
  return {
    name: `edgepulse_${name}_total`,
    type: 'counter',
    unit,
    help,
    collect: 'population',
    labels: CELL_LABELS,
    of: 'cell',
    value: ({ cumulative }) => cumulative[count],
  };
}
