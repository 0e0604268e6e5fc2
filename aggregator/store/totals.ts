/**
 * What an aggregator has counted since it started, per region: plain numbers on the hot path,
 * read by the metrics at a scrape. Nothing here expires or resets.
 */
import { PUBLISH_SECONDS_BUCKETS } from '../../shared/forwarder-counters.ts';
import type { RejectReason } from '../../shared/reject.ts';
import { createHistogram, type Histogram } from '../live/histogram.ts';
import { createJoinTotals, type JoinTotals } from './arrival/joins.ts';
import { CHECKED_FIELDS, type CheckedField } from './arrival/plausibility.ts';

export const INGEST_DELAY_SECONDS_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** Why a packet of a media server is rejected, in the words of the edge. */
export const PACKET_REJECT_REASONS = [
  'damaged_encoding',
  'invalid_id',
  'invalid_field',
  'out_of_range',
  'too_many_peers',
  'duplicate_peer',
] as const satisfies readonly RejectReason[];

export type PacketRejectReason = (typeof PACKET_REJECT_REASONS)[number];

/** Packets of media servers by outcome. */
export type PacketTotals = {
  /** Whether this process reads any. */
  isRead: boolean;
  applied: number;
  duplicate: number;
  late: number;
  /** Of sessions whose own beacons are fresh. */
  superseded: number;
  /** Not handled, because too many waited. */
  dropped: number;
  rejected: { [Reason in PacketRejectReason]: number };
};

export type RegionTotals = {
  /** Beacons by outcome. */
  applied: number;
  duplicate: number;
  late: number;
  invalid: number;
  /** Beacons that were sent, by their sequence numbers, and never arrived. */
  lost: number;
  /** Beacons that clients report to have dropped themselves. */
  clientDropped: number;
  /** What sessions said to have counted and can't have, how often. */
  implausible: { [Field in CheckedField]: number };
  /** Sessions removed: with a `leaving` beacon, or silent for a whole TTL. */
  left: number;
  stale: number;
  /** Sessions that were not taken up because MAX_SESSIONS were alive. */
  refused: number;
  /** Batches that came a second time, skipped whole. */
  repeatedBatches: number;
  ingestDelay: Histogram;
  joins: JoinTotals;
  packets: PacketTotals;
  edge: EdgeTotals;
};

/** What the edge counts, summed over Forwarders and over their restarts. */
export type EdgeTotals = {
  /** Put into the stream. */
  accepted: number;
  rejected: Map<RejectReason, number>;
  spooled: number;
  drained: number;
  droppedExpired: number;
  droppedFull: number;
  droppedUnpublishable: number;
  /** Beacons in spools now, by the Forwarder's slot, as each last said; without those that were silent for too long. */
  inSpool: Map<number, number>;
  publishErrors: number;
  jwksErrors: number;
  overloadedCalls: number;
  publishSeconds: Histogram;
  /** Damaged counters messages of Forwarders. */
  invalidMessages: number;
  /** When the newest canary of the lane that has waited longest left the edge, by the broker's clock; NaN before the first. */
  canarySentAtMs: number;
  /** Canaries that were ignored, since their signature was wrong. */
  canariesRejected: number;
  /** How far the clock of the Forwarder that is furthest off is ahead of the broker's; NaN while not known. */
  skewSeconds: number;
  /** Forwarders heard recently, and whether one of them has a different topology than ours. */
  forwarders: number;
  /** Those of them that publish through another region's NATS. */
  forwardersOnFallback: number;
  hasTopologyMismatch: boolean;
};

export function createTotals(): RegionTotals {
  return {
    applied: 0,
    duplicate: 0,
    late: 0,
    invalid: 0,
    lost: 0,
    clientDropped: 0,
    implausible: Object.fromEntries(CHECKED_FIELDS.map((field) => [field, 0])) as RegionTotals['implausible'],
    left: 0,
    stale: 0,
    refused: 0,
    repeatedBatches: 0,
    ingestDelay: createHistogram(INGEST_DELAY_SECONDS_BUCKETS),
    joins: createJoinTotals(),
    packets: createPacketTotals(),
    edge: {
      accepted: 0,
      rejected: new Map(),
      spooled: 0,
      drained: 0,
      droppedExpired: 0,
      droppedFull: 0,
      droppedUnpublishable: 0,
      inSpool: new Map(),
      publishErrors: 0,
      jwksErrors: 0,
      overloadedCalls: 0,
      publishSeconds: createHistogram(PUBLISH_SECONDS_BUCKETS),
      invalidMessages: 0,
      canarySentAtMs: Number.NaN,
      canariesRejected: 0,
      skewSeconds: Number.NaN,
      forwarders: 0,
      forwardersOnFallback: 0,
      hasTopologyMismatch: false,
    },
  };
}

function createPacketTotals(): PacketTotals {
  return {
    isRead: false,
    applied: 0,
    duplicate: 0,
    late: 0,
    superseded: 0,
    dropped: 0,
    rejected: Object.fromEntries(PACKET_REJECT_REASONS.map((reason) => [reason, 0])) as PacketTotals['rejected'],
  };
}
