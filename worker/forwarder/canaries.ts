/**
 * Publishes the canaries of a Cron Trigger, one on each lane's subject, beside the lane's own publishes. They count
 * nothing and are never spooled: while a lane can't publish, none arrives, which is what they are for.
 */
import { encodeCanary } from '../../shared/batch.ts';
import { edgeSubject, laneName } from '../../shared/subjects.ts';
import type { CanaryAnswer, CanaryCall, ForwarderPlace } from '../forward/call.ts';
import { within } from '../forward/deadline.ts';
import type { Connection } from './connection/connection.ts';

/** After that it is too late to say so; a publish under way goes on, and an aggregator takes it for as old as it is. */
const CANARY_MS = 10_000;

export type CanariesOptions = {
  readonly place: ForwarderPlace;
  readonly connection: Pick<Connection, 'open' | 'publish'>;
  /** The call came from an isolate with this topology: it is reported also where nobody calls. */
  readonly onTopology: (topology: string) => void;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
  /** A random id that nobody can guess. */
  readonly newId: () => string;
};

export type Canaries = {
  /** Resolves within about 10 s. Never rejects. */
  publish(call: CanaryCall): Promise<CanaryAnswer>;
};

export function createCanaries({ place, connection, onTopology, now, newId }: CanariesOptions): Canaries {
  async function isStored(lane: string, canary: { sentAtMs: number; signature: string }): Promise<boolean> {
    // An older aggregator takes the epoch for one that has counted nothing yet: with the lane's own, or the same each
    // time, it would count a repeated batch.
    const id = newId();
    const payload = encodeCanary({ slot: place.slot, id, sentAtMs: now() }, canary);
    const publishing = connection.publish({ subject: edgeSubject(place.region, lane), id, payload });
    return (await within(publishing, CANARY_MS, undefined))?.kind === 'stored';
  }

  return {
    async publish({ sentAtMs, signatures, topology }) {
      onTopology(topology);
      await connection.open();
      const lanes = signatures.map((signature, lane) => ({ lane: laneName(lane), signature }));
      const stored = await Promise.all(lanes.map(({ lane, signature }) => isStored(lane, { sentAtMs, signature })));
      return { missing: lanes.flatMap(({ lane }, i) => (stored[i] ? [] : [lane])) };
    },
  };
}
