/**
 * Does work in the order in which it is offered, at most a budget of it in each turn of the event
 * loop, so that a replay at full speed holds up neither timers nor scrapes. The queue's bound is
 * the offerer's: JetStream's flow control, whose requests wait in the same queue to be answered.
 */
import { setImmediate as onImmediate } from 'node:timers';

export type Intake = {
  offer(job: () => void): void;
  readonly waiting: number;
};

export type IntakeOptions = {
  /** What a job threw; the jobs after it are done all the same. */
  readonly onError: (error: unknown) => void;
  readonly budgetMs?: number;
  /** A clock in milliseconds that never goes back. */
  readonly clock?: () => number;
  /** Calls back once in the next turn of the event loop. */
  readonly defer?: (turn: () => void) => void;
};

export function createIntake({
  onError,
  budgetMs = 4,
  clock = () => performance.now(),
  defer = (turn) => {
    onImmediate(turn);
  },
}: IntakeOptions): Intake {
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

  /** The end of a turn: what is left of its budget goes to the queue, and the next has a new one. */
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
    get waiting() {
      return queue.length - next;
    },
  };
}
