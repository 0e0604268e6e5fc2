/** How long the event loop was held: the longest gap between two turns, from inside the process. */
import { setImmediate as nextTurn } from 'node:timers';

export type LoopWatch = {
  /** The longest hold in ms since the start, or since the last call. */
  longest(): number;
  stop(): void;
};

export function watchLoop(): LoopWatch {
  let last = performance.now();
  let longest = 0;
  let watching = true;
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (watching) nextTurn(turn);
  };
  nextTurn(turn);
  return {
    longest() {
      const held = longest;
      longest = 0;
      last = performance.now();
      return held;
    },
    stop() {
      watching = false;
    },
  };
}
