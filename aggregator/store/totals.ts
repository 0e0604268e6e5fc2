/**
 * What an aggregator has counted since it started, per region: plain numbers on the hot path,
 * read by the metrics at a scrape. Nothing here expires or resets.
 */
import { PUBLISH_SECONDS_BUCKETS } from '../../shared/envelope.ts';
import type { RejectReason } from '../../shared/reject.ts';
import { createHistogram, type Histogram } from '../live/histogram.ts';

export const INGEST_DELAY_SECONDS_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

export type RegionTotals = {
  /** Beacons by outcome. */
  applied: number;
  duplicate: number;
  late: number;
  invalid: number;
  /** Beacons that the sequence numbers say were sent and that never came. */
  lost: number;
  /** Beacons that clients say they gave up themselves. */
  clientDropped: number;
  /** Sessions removed: with a `leaving` beacon, or silent for a whole TTL. */
  left: number;
  stale: number;
  /** Sessions that were not taken up because MAX_SESSIONS were alive. */
  refused: number;
  /** Batches that came a second time, skipped whole. */
  repeatedBatches: number;
  ingestDelay: Histogram;
  edge: EdgeTotals;
};

/** The edge's own counters, summed over lanes and over restarts of their Forwarders. */
export type EdgeTotals = {
  accepted: number;
  rejected: Map<RejectReason, number>;
  spooled: number;
  drained: number;
  droppedExpired: number;
  droppedFull: number;
  /** Beacons in spools now, by lane, as each lane last said. */
  spool: Map<string, number>;
  publishErrors: number;
  jwksErrors: number;
  publishSeconds: Histogram;
};

export function createTotals(): RegionTotals {
  return {
    applied: 0,
    duplicate: 0,
    late: 0,
    invalid: 0,
    lost: 0,
    clientDropped: 0,
    left: 0,
    stale: 0,
    refused: 0,
    repeatedBatches: 0,
    ingestDelay: createHistogram(INGEST_DELAY_SECONDS_BUCKETS),
    edge: {
      accepted: 0,
      rejected: new Map(),
      spooled: 0,
      drained: 0,
      droppedExpired: 0,
      droppedFull: 0,
      spool: new Map(),
      publishErrors: 0,
      jwksErrors: 0,
      publishSeconds: createHistogram(PUBLISH_SECONDS_BUCKETS),
    },
  };
}
