/**
 * Publishes one lane's batches and counts what is in the stream. `accepted` in a batch's header is the number of
 * beacons that its epoch has put into the stream on this lane. A publish whose outcome is unknown ends the epoch, and
 * its batch is tried again with the header that it had: whether one stream has it, or another, or two of them, the
 * aggregator counts it once, by the epoch and `accepted`.
 */
import { encodeBatchHeader } from '../../shared/batch.ts';
import { edgeSubject } from '../../shared/subjects.ts';
import type { Log } from '../log.ts';
import type { Connection, Failure } from './connection/connection.ts';
import type { Counters } from './counters.ts';
import { type Entries, joinBytes } from './entries.ts';
import type { Try } from './tries.ts';

/** Attempts for a batch whose first publish is called a duplicate. */
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

export type Attempt = {
  /** An earlier try of exactly these beacons, which may be in a stream. */
  readonly tried?: Try | undefined;
  /** Called with each try before it is sent. */
  readonly onTry: (made: Try) => void;
};

export type Publisher = {
  /** One at a time. Resolves when it is known whether the batch is in the stream, or it can't be known any more. */
  publish(entries: Entries, attempt: Attempt): Promise<Published>;
};

export function createPublisher(options: PublisherOptions): Publisher {
  const { region, slot, lane, counters, connection, log, now, newId } = options;
  const subject = edgeSubject(region, lane);
  let epoch = newId();
  let accepted = 0;
  let isFailing = false;

  async function publish(entries: Entries, { tried, onTry }: Attempt): Promise<Published> {
    const beacons = entries.lengths.length;
    for (let tries = 0; tries < FIRST_TRIES_MAX; tries++) {
      const made = tried ?? { id: newId(), epoch, accepted: accepted + beacons };
      onTry(made);
      const beganAtMs = now();
      const outcome = await connection.publish({ subject, id: made.id, payload: payloadOf(entries, made) });
      if (outcome.kind !== 'stored') return failed(outcome, tried === undefined);
      // A first publish can't be a repeat: another message with this id is in the stream, not this batch.
      if (outcome.isDuplicate && !tried) {
        log.error('message id is already in the stream; publishing again with a new one', { region, lane });
        counters.publishFailed();
        continue;
      }
      if (!tried) accepted += beacons;
      counters.published(beacons, Math.max(0, now() - beganAtMs) / 1_000);
      if (isFailing) log.info('publish to NATS recovered', { region, lane });
      isFailing = false;
      return 'stored';
    }
    return 'refused';
  }

  function payloadOf(entries: Entries, { epoch, accepted }: Try): Uint8Array {
    return joinBytes([encodeBatchHeader({ slot, epoch, accepted, sentAtMs: now() }), entries.bytes]);
  }

  function failed({ kind, ...reason }: Failure, isFirstTry: boolean): Published {
    counters.publishFailed();
    if (!isFailing) log.warn('publish to NATS failed', { region, lane, ...reason });
    isFailing = true;
    if (kind === 'lost' && isFirstTry) {
      epoch = newId();
      accepted = 0;
    }
    return kind;
  }

  return { publish };
}
