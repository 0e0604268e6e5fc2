/** The families of the edge, which is not scraped: its Forwarders publish their counters. */
import { PUBLISH_SECONDS_BUCKETS } from '../../shared/forwarder-counters.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { Family, RegionSeries } from './family.ts';
import type { RegionReading } from './store-reader.ts';

/**
 * Beacons that the edge has answered with 204 and that are in the stream or were dropped by a spool. Those in a spool
 * count when they leave it: a Forwarder's report of its spool arrives later than the batches that drain it, so a sum of
 * both rose and fell.
 */
export function acceptedBeacons({ totals: { edge } }: RegionReading): number {
  return edge.accepted + edge.droppedExpired + edge.droppedFull + edge.droppedUnpublishable;
}

export function rejectedBeacons({ totals: { edge } }: RegionReading, reason: (typeof REJECT_REASONS)[number]): number {
  return edge.rejected.get(reason) ?? 0;
}

export function spooledNow({ totals: { edge } }: RegionReading): number {
  let beacons = 0;
  for (const ofSlot of edge.inSpool.values()) beacons += ofSlot;
  return beacons;
}

/** Seconds since the oldest lane's newest canary was sent; NaN while that is not known. */
export function canaryAge({ totals: { edge }, feed, isFeedUp }: RegionReading): number {
  if (!isFeedUp || feed.readMs === undefined) return Number.NaN;
  return Math.max(0, feed.readMs - edge.canarySentAtMs) / 1000;
}

const BEACON_SERIES: readonly RegionSeries[] = [
  { labels: { outcome: 'accepted', reason: '' }, value: acceptedBeacons },
  ...REJECT_REASONS.map(
    (reason): RegionSeries => ({
      labels: { outcome: 'rejected', reason },
      value: (reading) => rejectedBeacons(reading, reason),
    }),
  ),
  { labels: { outcome: 'spooled', reason: '' }, value: ({ totals }) => totals.edge.spooled },
  { labels: { outcome: 'drained', reason: '' }, value: ({ totals }) => totals.edge.drained },
  { labels: { outcome: 'dropped', reason: 'expired' }, value: ({ totals }) => totals.edge.droppedExpired },
  { labels: { outcome: 'dropped', reason: 'full' }, value: ({ totals }) => totals.edge.droppedFull },
  { labels: { outcome: 'dropped', reason: 'unpublishable' }, value: ({ totals }) => totals.edge.droppedUnpublishable },
];

export const EDGE_FAMILIES: readonly Family[] = [
  {
    name: 'edgepulse_edge_beacons_total',
    type: 'counter',
    unit: 'beacons',
    help: 'Beacons at the edge by outcome: accepted (answered 204, and by now stored by NATS or dropped; those in edgepulse_edge_spool_beacons are not counted yet), rejected or dropped for a reason, spooled, drained from the spool.',
    collect: 'process',
    labels: ['region', 'outcome', 'reason'],
    of: 'region',
    series: BEACON_SERIES,
  },
  {
    name: 'edgepulse_edge_publish_errors_total',
    type: 'counter',
    unit: '',
    help: 'Publishes that NATS refused or did not acknowledge.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => totals.edge.publishErrors }],
  },
  {
    name: 'edgepulse_edge_jwks_errors_total',
    type: 'counter',
    unit: '',
    help: 'JWKS fetches that failed; the last good keys stayed in use.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => totals.edge.jwksErrors }],
  },
  {
    name: 'edgepulse_edge_overloaded_calls_total',
    type: 'counter',
    unit: '',
    help: 'Calls that failed because the Forwarder was overloaded; each was retried on another one if there is one.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => totals.edge.overloadedCalls }],
  },
  {
    name: 'edgepulse_forwarder_messages_invalid_total',
    type: 'counter',
    unit: '',
    help: 'Damaged counters messages of Forwarders, which were skipped.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => totals.edge.invalidMessages }],
  },
  {
    name: 'edgepulse_forwarders',
    type: 'gauge',
    unit: '',
    help: 'Forwarders heard within the last 30 s: those that are awake and can reach NATS.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => totals.edge.forwarders }],
  },
  {
    name: 'edgepulse_canary_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    help: 'Time since the Cron Trigger sent the newest canary that has come through; of the lane that has waited longest. It stays below 2 minutes while the way from the edge works, whether or not anybody is calling. Absent before the first canary, and while the feed is down.',
    collect: 'process',
    labels: ['region'],
    of: 'heard region set',
    series: [{ labels: {}, value: canaryAge }],
  },
  {
    name: 'edgepulse_canaries_rejected_total',
    type: 'counter',
    unit: '',
    help: 'Canaries that were ignored, because their signature is not that of CANARY_SECRET.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => totals.edge.canariesRejected }],
  },
  {
    name: 'edgepulse_forwarders_on_fallback',
    type: 'gauge',
    unit: '',
    help: "Forwarders heard within the last 30 s that publish through another region's NATS, because their own could not be reached.",
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => totals.edge.forwardersOnFallback }],
  },
  {
    name: 'edgepulse_topology_mismatch',
    type: 'gauge',
    unit: '',
    help: '1 while a Forwarder heard within the last 30 s has a different topology (REGIONS, SERVERS, LANES, SESSION_TTL_SECONDS) than this aggregator. Expected for minutes during a rollout.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: ({ totals }) => (totals.edge.hasTopologyMismatch ? 1 : 0) }],
  },
  {
    name: 'edgepulse_edge_spool_beacons',
    type: 'gauge',
    unit: 'beacons',
    help: 'Beacons in the spools of the Forwarders, as each reported within the last 10 minutes, after which a spool drops them.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: spooledNow }],
  },
  {
    name: 'edgepulse_edge_publish_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'Time from the edge publishing a batch to its acknowledgement by NATS.',
    collect: 'process',
    labels: ['region', 'le'],
    of: 'region histogram',
    bounds: PUBLISH_SECONDS_BUCKETS,
    histogram: ({ totals }) => totals.edge.publishSeconds,
  },
];
