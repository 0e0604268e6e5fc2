/** The families of the edge, which is not scraped: its counters travel with the batches. */
import { PUBLISH_SECONDS_BUCKETS } from '../../shared/envelope.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { EdgeTotals } from '../store/totals.ts';
import type { Family, RegionSeries } from './family.ts';
import type { RegionReading } from './store-reader.ts';

/** Beacons that the edge has answered with 204, wherever they are now. */
export function acceptedBeacons({ totals: { edge } }: RegionReading): number {
  // An envelope counts the beacons that it carries as accepted. So was what waits in a spool, or was dropped from one.
  return edge.accepted + inSpools(edge) + edge.droppedExpired + edge.droppedFull;
}

export function rejectedBeacons({ totals: { edge } }: RegionReading, reason: (typeof REJECT_REASONS)[number]): number {
  return edge.rejected.get(reason) ?? 0;
}

export function spooledNow({ totals: { edge } }: RegionReading): number {
  return inSpools(edge);
}

function inSpools({ spool }: EdgeTotals): number {
  let beacons = 0;
  for (const ofLane of spool.values()) beacons += ofLane;
  return beacons;
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
];

export const EDGE_FAMILIES: readonly Family[] = [
  {
    name: 'edgepulse_edge_beacons_total',
    type: 'counter',
    unit: 'beacons',
    help: 'Beacons at the edge by outcome: accepted (answered 204, wherever they are now), rejected or dropped for a reason, spooled, drained from the spool.',
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
    name: 'edgepulse_edge_spool_beacons',
    type: 'gauge',
    unit: 'beacons',
    help: 'Beacons that wait at the edge for NATS, as each lane last reported.',
    collect: 'process',
    labels: ['region'],
    of: 'region',
    series: [{ labels: {}, value: spooledNow }],
  },
  {
    name: 'edgepulse_edge_publish_seconds',
    type: 'histogram',
    unit: 'seconds',
    help: 'From the edge publishing a batch to its acknowledgement by NATS.',
    collect: 'process',
    labels: ['region', 'le'],
    of: 'region histogram',
    bounds: PUBLISH_SECONDS_BUCKETS,
    histogram: ({ totals }) => totals.edge.publishSeconds,
  },
];
