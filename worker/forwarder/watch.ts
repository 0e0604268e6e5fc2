/**
 * How an operator learns of a Forwarder that can't reach NATS, and so can't publish its counters: data points in
 * Workers Analytics Engine, and one log line a minute while there is trouble.
 */
import type { ForwarderCounters } from '../../shared/forwarder-counters.ts';
import type { ForwarderPlace } from '../forward/call.ts';
import type { Log } from '../log.ts';

export const TROUBLE_EVERY_MS = 60_000;
export const POINT_EVERY_MS = 10_000;

export type WatchOptions = {
  readonly place: ForwarderPlace;
  readonly snapshot: () => Pick<
    ForwarderCounters,
    'accepted' | 'rejected' | 'spooled' | 'inSpool' | 'publishErrors' | 'droppedExpired' | 'droppedUnpublishable'
  >;
  readonly isConnected: () => boolean;
  /** The region whose NATS is published through. */
  readonly via: () => string;
  /** Absent where the account has no Analytics Engine. */
  readonly dataset: Pick<AnalyticsEngineDataset, 'writeDataPoint'> | undefined;
  readonly log: Pick<Log, 'error'>;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
};

export type Watch = {
  /** Called whenever counters may have changed, and about once a second while the spool holds anything. */
  observe(): void;
};

/** In the order of the data point's `double1`, `double2`, ... */
type Totals = {
  readonly accepted: number;
  readonly rejected: number;
  readonly spooled: number;
  readonly dropped: number;
  readonly publishErrors: number;
};

const NOTHING: Totals = { accepted: 0, rejected: 0, spooled: 0, dropped: 0, publishErrors: 0 };

export function createWatch({ place, snapshot, isConnected, via, dataset, log, now }: WatchOptions): Watch {
  const point = { atMs: now(), totals: NOTHING };
  const trouble = { atMs: Number.NEGATIVE_INFINITY, totals: NOTHING };

  function writePoint(totals: Totals, inSpool: number): void {
    const { accepted, rejected, spooled, dropped, publishErrors } = difference(totals, point.totals);
    if (inSpool + accepted + rejected + spooled + dropped + publishErrors === 0) return;
    dataset?.writeDataPoint({
      indexes: [place.region],
      blobs: [place.region, String(place.slot), isConnected() ? 'connected' : 'disconnected', via()],
      doubles: [accepted, rejected, spooled, dropped, publishErrors, inSpool],
    });
  }

  function logTrouble(totals: Totals, inSpool: number): boolean {
    const { publishErrors, dropped, spooled } = difference(totals, trouble.totals);
    if (inSpool + publishErrors + dropped + spooled === 0) return false;
    log.error('forwarder in trouble', {
      ...place,
      connected: isConnected(),
      via: via(),
      in_spool: inSpool,
      spooled,
      dropped,
      publish_errors: publishErrors,
    });
    return true;
  }

  return {
    observe() {
      const nowMs = now();
      const isPointDue = Math.abs(nowMs - point.atMs) >= POINT_EVERY_MS;
      const isTroubleDue = Math.abs(nowMs - trouble.atMs) >= TROUBLE_EVERY_MS;
      if (!isPointDue && !isTroubleDue) return;
      const { inSpool, ...counters } = snapshot();
      const totals = totalsOf(counters);
      if (isPointDue) {
        writePoint(totals, inSpool);
        Object.assign(point, { atMs: nowMs, totals });
      }
      if (isTroubleDue && logTrouble(totals, inSpool)) Object.assign(trouble, { atMs: nowMs, totals });
    },
  };
}

function totalsOf(counters: Omit<ReturnType<WatchOptions['snapshot']>, 'inSpool'>): Totals {
  const { accepted, rejected, spooled, publishErrors, droppedExpired, droppedUnpublishable } = counters;
  return {
    accepted,
    rejected: Object.values(rejected).reduce((sum, count) => sum + count, 0),
    spooled,
    dropped: droppedExpired + droppedUnpublishable,
    publishErrors,
  };
}

function difference(now: Totals, before: Totals): Totals {
  return {
    accepted: now.accepted - before.accepted,
    rejected: now.rejected - before.rejected,
    spooled: now.spooled - before.spooled,
    dropped: now.dropped - before.dropped,
    publishErrors: now.publishErrors - before.publishErrors,
  };
}
