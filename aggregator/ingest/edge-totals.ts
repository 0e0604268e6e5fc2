/**
 * The edge's own counters, out of the envelopes: each Forwarder's are cumulative since its start
 * (its epoch); here their differences are added up per region, so that a Forwarder that was
 * restarted never makes a counter go down.
 */
import type { EdgeCounters } from '../../shared/envelope.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { EdgeTotals } from '../store/totals.ts';

/** A lane remembers this many of its Forwarder's epochs: replays may reach back over a restart. */
const EPOCHS_MAX = 4;

/** The newest counters of each epoch of one lane, oldest epoch first. */
export type LaneEpochs = Map<string, EdgeCounters>;

/**
 * Adds what the counters moved by since the lane's last envelope.
 * @param carried beacons in this envelope: all that is certain when we join an epoch midway
 * @returns false for an envelope that was taken in before: it is to be skipped whole
 */
export function absorb(
  totals: EdgeTotals,
  epochs: LaneEpochs,
  { lane, counters, carried }: { lane: string; counters: EdgeCounters; carried: number },
): boolean {
  const known = epochs.get(counters.epoch);
  if (known && counters.batch <= known.batch) return false;
  const before = known ?? (counters.batch === 0 ? undefined : joinedAt(counters, carried));
  epochs.set(counters.epoch, counters);
  if (epochs.size > EPOCHS_MAX) epochs.delete(oldestOf(epochs));
  totals.accepted += gain(counters.accepted, before?.accepted);
  totals.spooled += gain(counters.spooled, before?.spooled);
  totals.drained += gain(counters.drained, before?.drained);
  totals.droppedExpired += gain(counters.dropped.expired, before?.dropped.expired);
  totals.droppedFull += gain(counters.dropped.full, before?.dropped.full);
  totals.publishErrors += gain(counters.publish_errors, before?.publish_errors);
  totals.jwksErrors += gain(counters.jwks_errors, before?.jwks_errors);
  totals.spool.set(lane, counters.spool);
  for (const reason of REJECT_REASONS) {
    const more = gain(counters.rejected[reason], before?.rejected[reason]);
    if (more > 0) totals.rejected.set(reason, (totals.rejected.get(reason) ?? 0) + more);
  }
  const { counts } = totals.publishSeconds;
  for (let i = 0; i < counts.length; i++) {
    counts[i] = (counts[i] as number) + gain(counters.publish_seconds.buckets[i], before?.publish_seconds.buckets[i]);
  }
  totals.publishSeconds.sum += gain(counters.publish_seconds.sum, before?.publish_seconds.sum);
  return true;
}

function oldestOf(epochs: LaneEpochs): string {
  return epochs.keys().next().value ?? '';
}

/** An epoch that began before our time: its past is not counted, its beacons before us never came here either. */
function joinedAt(counters: EdgeCounters, carried: number): EdgeCounters {
  return { ...counters, accepted: Math.max(0, counters.accepted - carried) };
}

function gain(now: number | undefined, before: number | undefined): number {
  return Math.max(0, (now ?? 0) - (before ?? 0));
}
