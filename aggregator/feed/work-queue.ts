/**
 * Runs jobs in the order in which they are offered, for at most a few milliseconds in each turn of
 * the event loop. Without it a replay at full speed starved timers and scrapes for seconds.
 *
 * The queue has no bound of its own. JetStream's flow control bounds it: the server stops sending
 * until its request is answered, and the request waits in this queue behind the messages before it.
 */
import { setImmediate as onImmediate } from 'node:timers';

export type WorkQueue = {
  /** Runs the job now if this turn has time left and nothing waits, otherwise later in its order. */
  offer(job: () => void): void;
};

export type WorkQueueOptions = {
  /** Receives what a job threw; the jobs after it still run. */
  readonly onError: (error: unknown) => void;
  /** How long jobs may run in one turn of the event loop; the last one may overrun it. */
  readonly budgetMs?: number;
  /** A clock in milliseconds that never goes back. */
  readonly clock?: () => number;
  /** Calls back once in the next turn of the event loop. */
  readonly defer?: (turn: () => void) => void;
};

export function createWorkQueue({
  onError,
  budgetMs = 4,
  clock = () => performance.now(),
  defer = (turn) => {
    onImmediate(turn);
  },
}: WorkQueueOptions): WorkQueue {
  let queue: (() => void)[] = [];
  let next = 0;
  let spentMs = 0;
  let deferred = false;

  function run(job: () => void): void {
    const startedAt = clock();
    try {
      job();
    } catch (error) {
      onError(error);
    }
    spentMs += clock() - startedAt;
  }

  function deferTurn(): void {
    if (deferred) return;
    deferred = true;
    defer(turn);
  }

  /** Spends on the queue what is left of this turn's budget; the next turn has a new one. */
  function turn(): void {
    deferred = false;
    while (next < queue.length && spentMs < budgetMs) run(queue[next++] as () => void);
    spentMs = 0;
    if (next < queue.length) {
      deferTurn();
    } else {
      queue = [];
      next = 0;
    }
  }

  return {
    offer(job) {
      deferTurn();
      if (next < queue.length || spentMs >= budgetMs) queue.push(job);
      else run(job);
    },
  };
}
