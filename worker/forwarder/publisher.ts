/**
 * Publishes one lane's batches and keeps their account. `accepted` in a batch's header counts what its epoch has
 * put into the stream on this lane. A try that may or may not be in the stream ends the lane's epoch: should the
 * broker call a later try a duplicate, then an earlier epoch stored and counted it, and this one must not. So
 * every beacon is counted by the epoch whose message is in the stream, and no place in it has to be compared.
 */
import { encodeBatchHeader } from '../../shared/batch.ts';
import { edgeSubject } from '../../shared/subjects.ts';
import type { Log } from '../log.ts';
import type { Connection, Failure } from './connection.ts';
import type { Counters } from './counters.ts';
import { type Entries, joinBytes } from './entries.ts';

/** Tries of a batch whose first try is called a duplicate. */
const FIRST_TRIES_MAX = 3;

export type PublisherOptions = {
  readonly region: string;
  readonly slot: number;
  readonly lane: string;
  readonly counters: Counters;
  readonly connection: Pick<Connection, 'publish'>;
  readonly log: Log;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
  /** A random id that nobody can guess. */
  readonly newId: () => string;
};

/** `stored`: it is in the stream. For the others see {@link Failure}. */
export type Published = 'stored' | Failure['kind'];

export type Try = {
  /** The id of an earlier try that may be in the stream. */
  readonly triedId?: string | undefined;
  /** Called with the id of each try before it is sent. */
  readonly onTry: (id: string) => void;
};

export type Publisher = {
  /** One at a time. Settles when it is known whether the batch is in the stream, or can't be known any more. */
  publish(entries: Entries, attempt: Try): Promise<Published>;
};

export function createPublisher(options: PublisherOptions): Publisher {
  const { region, slot, lane, counters, connection, log, now, newId } = options;
  const subject = edgeSubject(region, lane);
  let epoch = newId();
  let accepted = 0;
  let isFailing = false;

  async function publish(entries: Entries, { triedId, onTry }: Try): Promise<Published> {
    for (let tries = 0; tries < FIRST_TRIES_MAX; tries++) {
      const id = triedId ?? newId();
      onTry(id);
      const beganAtMs = now();
      const outcome = await connection.publish({ subject, id, payload: payloadOf(entries) });
      if (outcome.kind !== 'stored') return failed(outcome);
      // Only somebody who knew the id can have used it before us: what is in the stream is not this batch.
      if (outcome.isDuplicate && triedId === undefined) {
        log.error('message id was used before its first publish', { region, lane });
        counters.publishFailed();
        continue;
      }
      const beacons = outcome.isDuplicate ? 0 : entries.lengths.length;
      accepted += beacons;
      counters.published(beacons, Math.max(0, now() - beganAtMs) / 1_000);
      if (isFailing) log.info('publishing again', { region, lane });
      isFailing = false;
      return 'stored';
    }
    return 'refused';
  }

  function payloadOf(entries: Entries): Uint8Array {
    const header = { slot, epoch, accepted: accepted + entries.lengths.length, sentAtMs: now() };
    return joinBytes([encodeBatchHeader(header), entries.bytes]);
  }

  function failed({ kind, error }: Failure): Published {
    counters.publishFailed();
    if (!isFailing) log.warn('publish failed', { region, lane, error });
    isFailing = true;
    if (kind === 'lost') {
      epoch = newId();
      accepted = 0;
    }
    return kind;
  }

  return { publish };
}
