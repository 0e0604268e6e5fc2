/**
 * Runs long work in slices between turns of the event loop. Scrapes and queries share one slice per
 * turn, so many of them at once delay ingest no longer than one does.
 */
import { setImmediate as onImmediate } from 'node:timers';

export type Pacer = {
  /** The source's text in chunks, each the work of one turn. Returning early also ends the source. */
  text(source: Generator<string, void, void>): AsyncGenerator<string, void, void>;
  /** Runs the source to its end and resolves with its result. */
  run<T>(source: Generator<void, T, void>): Promise<T>;
  /** Resolves when it is the caller's turn. */
  turn(): Promise<void>;
};

export type PacerOptions = {
  /** How long a slice may take; the step that is running then still finishes. */
  readonly sliceMs?: number;
  /** A clock in milliseconds that never goes back. */
  readonly clock?: () => number;
  /** Calls back once in the next turn of the event loop. */
  readonly defer?: (turn: () => void) => void;
};

/** In characters. Bounded, because encoding and compressing a chunk holds up the event loop too. */
const CHUNK_LENGTH = 128 * 1024;

export function createPacer({
  sliceMs = 2,
  clock = () => performance.now(),
  defer = (turn) => {
    onImmediate(turn);
  },
}: PacerOptions = {}): Pacer {
  const waiting: (() => void)[] = [];

  function nextTurn(): void {
    waiting.shift()?.();
    if (waiting.length > 0) defer(nextTurn);
  }

  function turn(): Promise<void> {
    if (waiting.length === 0) defer(nextTurn);
    return new Promise((resolve) => waiting.push(resolve));
  }

  return {
    turn,
    async *text(source) {
      try {
        for (let done = false; !done; ) {
          await turn();
          const endsAt = clock() + sliceMs;
          let chunk = '';
          do {
            const step = source.next();
            if (step.done) done = true;
            else chunk += step.value;
          } while (!done && chunk.length < CHUNK_LENGTH && clock() < endsAt);
          if (chunk !== '') yield chunk;
        }
      } finally {
        source.return();
      }
    },
    async run(source) {
      for (;;) {
        await turn();
        const endsAt = clock() + sliceMs;
        do {
          const step = source.next();
          if (step.done) return step.value;
        } while (clock() < endsAt);
      }
    },
  };
}
