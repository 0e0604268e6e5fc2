/**
 * How long the event loop was held: the longest turn, from inside the process. By the clock, and by the
 * thread's CPU time, which leaves out what other processes of a busy machine took in between.
 */
import { setImmediate as nextTurn } from 'node:timers';
import { median } from './figures.ts';

export type Hold = { readonly wallMs: number; readonly cpuMs: number };

export type LoopWatch = {
  /** The longest turns since the start, or since the last call. */
  longest(): Hold;
  stop(): void;
};

export function watchLoop(): LoopWatch {
  let last = { wall: performance.now(), cpu: cpuMs() };
  let wallMs = 0;
  let cpu = 0;
  let watching = true;
  const turn = (): void => {
    const now = { wall: performance.now(), cpu: cpuMs() };
    wallMs = Math.max(wallMs, now.wall - last.wall);
    cpu = Math.max(cpu, now.cpu - last.cpu);
    last = now;
    if (watching) nextTurn(turn);
  };
  nextTurn(turn);
  return {
    longest() {
      const held = { wallMs, cpuMs: cpu };
      wallMs = 0;
      cpu = 0;
      last = { wall: performance.now(), cpu: cpuMs() };
      return held;
    },
    stop() {
      watching = false;
    },
  };
}

export function medianHold(holds: readonly Hold[]): Hold {
  return { wallMs: median(holds.map((hold) => hold.wallMs)), cpuMs: median(holds.map((hold) => hold.cpuMs)) };
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
