/** Messages that wait in the work queue, of which there may be so many: core NATS has no flow control. Pure. */
import type { WorkQueue } from '../work-queue.ts';

export type Waiting = {
  /** Handles the message now or later, in its order. @returns false when too many wait: it is never handled */
  offer(handle: () => void): boolean;
};

export function createWaiting(queue: WorkQueue, max: number): Waiting {
  let waiting = 0;
  return {
    offer(handle) {
      if (waiting === max) return false;
      waiting++;
      queue.offer(() => {
        waiting--;
        handle();
      });
      return true;
    },
  };
}
