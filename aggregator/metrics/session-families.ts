/** The families of what sessions say about themselves: how they join, by which path, with what client, what they send. */
import { JOIN } from '../../shared/session-members.ts';
import { BREAKDOWNS, type BreakdownKind, COMBINATIONS } from '../live/breakdown.ts';
import type { ConnectionCounts } from '../live/measures.ts';
import { JOIN_SECONDS_BUCKETS, JOIN_SERVER_TYPES, type JoinCounts } from '../store/arrival/joins.ts';
import { CELL_LABELS, type Family } from './family.ts';
import type { RegionReading } from './store-reader.ts';

/** Living sessions, by a label that they report. */
const LIVE: readonly Family[] = [
  breakdown(
    'sessions_by_path',
    'path',
    'Living sessions that report a path, by its local candidate and protocol; relay is TURN.',
  ),
  breakdown('sessions_by_client', 'client', 'Living sessions that report a client, by its platform and engine.'),
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
    help: 'Joins by result: ok, or the stage that failed (signaling, ice, dtls or media). Each result counts once per session, or per run of it by `started`. A session that failed to join is counted only here: it never was in a call.',
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
    help: 'Time from the beginning of joining until connected, for joins that succeeded.',
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
    help: 'Time from the beginning of joining until the first audio or video was received, including the wait for others to join.',
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
      // Where no session reports it, nothing is known: absent, not zero.
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
