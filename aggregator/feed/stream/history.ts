/**
 * What was in the stream when this process started. It rebuilds the sessions and counts nothing, since an earlier process
 * has counted it. One sequence number is enough, because all lanes and regions are in one stream. Pure.
 */
import type { FoundStream } from './stream.ts';

type Look = Pick<FoundStream, 'created' | 'lastSequence'>;

export type History = {
  /**
   * To be called before the stream is asked for; what it returns takes the answer in. The first answer decides what is
   * history, however long NATS could not be reached before. Later ones find out that the stream was replaced: the new
   * one counts from 1, and all of it is new.
   */
  look(): (found: Look) => void;
  /** Whether the message with this stream sequence, which was delivered now, is history. */
  includes(sequence: number): boolean;
};

export function createHistory(): History {
  let lastSequence = 0;
  /** The highest number of the stream that was seen. */
  let newest = 0;
  /** When the stream was created; undefined before the first look. */
  let created: string | undefined;

  return {
    look() {
      // The answers of readers that ask at the same time can overtake each other. Only one that was asked for later
      // proves by a lower number that the messages are gone.
      const least = created === undefined ? 0 : newest;
      return (found) => {
        if (created === undefined) lastSequence = found.lastSequence;
        // A stream in memory keeps its time of creation when its server starts again, and begins at 1 too.
        else if (created !== found.created || found.lastSequence < least) lastSequence = newest = 0;
        created = found.created;
        newest = Math.max(newest, found.lastSequence);
      };
    },
    includes(sequence) {
      newest = Math.max(newest, sequence);
      return sequence <= lastSequence;
    },
  };
}
