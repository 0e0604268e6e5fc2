/**
 * Numbers and ids of a Forwarder's envelopes, and what an acknowledgement says of them. An id,
 * `{epoch}.{number}`, is the `Nats-Msg-Id` of every try of a batch, so that the broker stores it once.
 */
import type { Ack } from './connection.ts';
import type { Outcome } from './tally.ts';

/** `isNew`: no try before this one had the number. */
export type Numbered = { readonly id: string; readonly number: number; readonly isNew: boolean };

export type Numbering = {
  /** The id that the next fresh envelope will have. */
  upcoming(): string;
  /** Uses up the next number. */
  fresh(): Numbered;
  /** The number of a batch that has an id already; one from an earlier epoch is given one of this epoch, once. */
  again(id: string): Numbered;
  /**
   * The envelope was surely not stored: a new number is used for the next one. So an epoch's first envelope
   * in the stream is number 0, by which a consumer knows that it sees an epoch from its start.
   */
  takeBack(name: Numbered): void;
  /** Whether an envelope of this epoch is known to be in the stream. */
  hasBegun(): boolean;
  /** Whose copy of the envelope the broker has stored. */
  read(id: string, ack: Ack): Outcome;
};

export function createNumbering(epoch: string): Numbering {
  const prefix = `${epoch}.`;
  let next = 0;
  let adopted: Numbered | undefined;
  let firstSeq: number | undefined;

  function fresh(): Numbered {
    const number = next;
    next += 1;
    return { id: prefix + number, number, isNew: true };
  }

  function again(id: string): Numbered {
    if (id.startsWith(prefix)) {
      const number = Number(id.slice(prefix.length));
      const isNew = number >= next;
      next = Math.max(next, number + 1);
      return { id, number, isNew };
    }
    if (adopted?.id === id) return { ...adopted, isNew: false };
    adopted = { ...fresh(), id };
    return adopted;
  }

  function takeBack({ number, isNew }: Numbered): void {
    if (!isNew) return;
    next = number;
    if (adopted?.number === number) adopted = undefined;
  }

  function read(id: string, { duplicate, seq }: Ack): Outcome {
    if (!duplicate) {
      firstSeq ??= seq;
      return 'stored';
    }
    // The copy in the stream is an earlier epoch's when it lies before everything of this one.
    const ours = id.startsWith(prefix) || (firstSeq !== undefined && seq > firstSeq);
    return ours ? 'repeated' : 'foreign';
  }

  return { upcoming: () => prefix + next, fresh, again, takeBack, hasBegun: () => firstSeq !== undefined, read };
}
