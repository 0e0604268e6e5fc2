/** What the feed reads of each region, and how far it has read: pure bookkeeping, no NATS. */
import { edgeSubject, lanesOf, type Shard } from '../../shared/subjects.ts';
import type { OrderedConsumer, Start } from './ordered-consumer.ts';

export type Ownership = { readonly shard: Shard; readonly lanes: number };

/** One subject filter of one region, and how far it has been read. */
export type Track = {
  readonly region: string;
  readonly filter: string;
  consumer: OrderedConsumer | undefined;
  /** The consumer is known to read the stream that we think it reads. */
  open: boolean;
  caughtUp: boolean;
  /** When the stream that `lastSeq` counts in was made; undefined before the first. */
  stream: string | undefined;
  /** The stream replaced one that was read before: all of it is new to us. */
  replaced: boolean;
  /** 0 before the first message of the stream. */
  lastSeq: number;
};

/** The tracks of one region: one of all lanes, or one for each owned lane when there are shards. */
export function createTracks(region: string, ownership: Ownership): Track[] {
  return filtersOf(region, ownership).map((filter) => ({
    region,
    filter,
    consumer: undefined,
    open: false,
    caughtUp: false,
    stream: undefined,
    replaced: false,
    lastSeq: 0,
  }));
}

/** Without shards every lane is ours, also one that a forwarder with more LANES than we know writes to. */
function filtersOf(region: string, { shard, lanes }: Ownership): string[] {
  if (shard.count === 1) return [edgeSubject(region, '*')];
  return lanesOf(shard, lanes).map((lane) => edgeSubject(region, lane));
}

/** After the last message; else from one TTL before we started, which is all that can still be alive. */
export function startOf({ lastSeq, replaced }: Track, startMs: number): Start {
  if (lastSeq > 0) return { from: 'sequence', sequence: lastSeq + 1 };
  return replaced ? { from: 'beginning' } : { from: 'time', ms: startMs };
}
