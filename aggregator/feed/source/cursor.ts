/** What the feed reads, and how far it has read: pure bookkeeping, no NATS. */
import type { ServerType } from '../../../shared/beacon.ts';
import { edgeSubject, forwarderSubject, lanesOf, mediaSubjects, type Shard } from '../../../shared/subjects.ts';
import type { FoundStream } from '../stream/stream.ts';

/** Where in the stream a consumer begins. */
export type Start =
  | { readonly from: 'beginning' }
  | { readonly from: 'time'; readonly ms: number }
  | { readonly from: 'sequence'; readonly sequence: number };

/** The position of one subject filter in the stream. It outlives the consumers that move it. */
export type Cursor = {
  readonly filter: string;
  /** Stream sequence of the last message handled; 0 before the first one. */
  readonly lastSequence: number;
  /**
   * After the last message read; before the first message, at `startMs` of the broker's clock: nothing older
   * can still be alive.
   */
  next(startMs: number): Start;
  /** The message with this stream sequence has been handled. */
  advance(sequence: number): void;
  /**
   * Compares the stream that is there with the one that the position counts in.
   * @param readBefore {@link Cursor.lastSequence} when the stream was asked for; by default, now
   * @returns false when it is another: the position is then the new stream's beginning
   */
  confirm(stream: Pick<FoundStream, 'created' | 'lastSequence'>, readBefore?: number): boolean;
};

export type CursorsOptions = {
  readonly region: string;
  readonly shard: Shard;
  readonly lanes: number;
  /** Types of media servers whose packets are read as well. */
  readonly mediaServerTypes?: readonly ServerType[] | undefined;
};

/**
 * The cursors of one region: a single one without shards, or one for each owned lane with them,
 * since nats-server before 2.10 has no consumers with several filters. Media servers' subjects have no lane: every shard
 * reads them.
 */
export function createCursors({ region, shard, lanes, mediaServerTypes = [] }: CursorsOptions): Cursor[] {
  const media = mediaServerTypes.map((type) => mediaSubjects(region, type));
  return [...filtersOf(region, shard, lanes), ...media].map(createCursor);
}

/** The cursor of what the Forwarders of a region say about themselves. Every shard reads all of it. */
export function createForwardersCursor(region: string): Cursor {
  return createCursor(forwarderSubject(region, '*'));
}

/** Without shards all lanes are read, including those of a Forwarder with more LANES than ours. */
function filtersOf(region: string, shard: Shard, lanes: number): string[] {
  if (shard.count === 1) return [edgeSubject(region, '*')];
  return lanesOf(shard, lanes).map((lane) => edgeSubject(region, lane));
}

function createCursor(filter: string): Cursor {
  let lastSequence = 0;
  /** When the stream was created; undefined until a stream has been confirmed. */
  let created: string | undefined;
  /** The stream replaced one that was read before, so all of it is new. */
  let isReplacement = false;

  return {
    filter,
    get lastSequence() {
      return lastSequence;
    },
    next(startMs) {
      if (lastSequence > 0) return { from: 'sequence', sequence: lastSequence + 1 };
      return isReplacement ? { from: 'beginning' } : { from: 'time', ms: startMs };
    },
    advance(sequence) {
      lastSequence = sequence;
    },
    confirm(stream, readBefore = lastSequence) {
      const isSame = created === undefined || (created === stream.created && stream.lastSequence >= readBefore);
      created = stream.created;
      if (isSame) return true;
      isReplacement = true;
      lastSequence = 0;
      return false;
    },
  };
}
