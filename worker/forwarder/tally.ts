/**
 * What one Forwarder has counted since it started, and how an envelope says it: as it will be true
 * once that envelope is stored. What must outlive a restart (spooled, dropped) is counted by the spool.
 */
import { type EdgeCounters, PUBLISH_SECONDS_BUCKETS } from '../../shared/envelope.ts';
import { REJECT_REASONS } from '../../shared/reject.ts';
import type { Refusals } from '../forward/call.ts';
import type { SpoolCounts } from './spool.ts';

type Spooled = Pick<SpoolCounts, 'beacons' | 'spooled' | 'expired' | 'full'>;

/** An envelope about to be published: its number in the epoch, its beacons, and whether they wait in the spool. */
export type Outgoing = { readonly batch: number; readonly beacons: number; readonly spooled: boolean };

/**
 * `stored`: in the stream with the stamp it was given. `repeated`: an earlier try of this epoch is in
 * the stream, with that try's stamp. `foreign`: a try of an earlier epoch is, which counted it there.
 */
export type Outcome = 'stored' | 'repeated' | 'foreign';

export type Tally = {
  /** Adds what an isolate refused by itself. */
  refuse(refused: Refusals, jwksErrors: number): void;
  /** A publish that NATS refused or did not acknowledge. */
  fail(): void;
  /** The counters for an envelope. */
  stamp(outgoing: Outgoing, spool: Spooled): EdgeCounters;
  /** An acknowledged envelope, and how long its acknowledgement took. */
  settle(outgoing: Outgoing, outcome: Outcome, seconds: number): void;
  /** Whether counters have moved that no stored envelope has told. Latency alone is not worth an envelope. */
  isBehind(spool: Spooled): boolean;
};

export function createTally(epoch: string): Tally {
  const rejected: EdgeCounters['rejected'] = {};
  const buckets: number[] = new Array(PUBLISH_SECONDS_BUCKETS.length + 1).fill(0);
  let accepted = 0;
  let drained = 0;
  let publishErrors = 0;
  let jwksErrors = 0;
  let sum = 0;
  let stamped: string;
  let told = fingerprint({ beacons: 0, spooled: 0, expired: 0, full: 0 }, 0);

  function fingerprint({ beacons, spooled, expired, full }: Spooled, drainedThen: number): string {
    return JSON.stringify([rejected, publishErrors, jwksErrors, drainedThen, spooled, expired, full, beacons]);
  }

  function stamp({ batch, beacons, spooled }: Outgoing, now: Spooled): EdgeCounters {
    const fromSpool = spooled ? beacons : 0;
    const then = { ...now, beacons: now.beacons - fromSpool };
    stamped = fingerprint(then, drained + fromSpool);
    return {
      epoch,
      batch,
      accepted: accepted + beacons,
      rejected: { ...rejected },
      spooled: then.spooled,
      drained: drained + fromSpool,
      dropped: { expired: then.expired, full: then.full },
      spool: then.beacons,
      publish_errors: publishErrors,
      jwks_errors: jwksErrors,
      publish_seconds: { buckets: [...buckets], sum },
    };
  }

  return {
    refuse(refused, errors) {
      for (const reason of REJECT_REASONS) {
        const count = refused[reason];
        if (count) rejected[reason] = (rejected[reason] ?? 0) + count;
      }
      jwksErrors += errors;
    },
    fail() {
      publishErrors += 1;
    },
    stamp,
    settle({ beacons, spooled }, outcome, seconds) {
      if (outcome !== 'foreign') accepted += beacons;
      if (spooled) drained += beacons;
      if (outcome === 'stored') told = stamped;
      const bucket = PUBLISH_SECONDS_BUCKETS.findIndex((bound) => seconds <= bound);
      const index = bucket === -1 ? PUBLISH_SECONDS_BUCKETS.length : bucket;
      buckets[index] = (buckets[index] ?? 0) + 1;
      sum += seconds;
    },
    isBehind: (spool) => fingerprint(spool, drained) !== told,
  };
}
