/** Time as each part sees it: it passes equally for all, and any wall clock can be set. */
import type { Stamps } from './broker.ts';
import type { Moment } from './model/region-time.ts';

export type Clocks = {
  now(): Moment;
  /** For a message that is sent and stored now. */
  stamps(): Stamps;
  pass(ms: number): void;
  set(whose: 'broker' | 'host' | 'edge', byMs: number): void;
};

const START_MS = 1_800_000_000_000;

export function createClocks(): Clocks {
  const ahead = { broker: START_MS, host: START_MS, edge: START_MS };
  let monotonicMs = 1_000;
  return {
    now: () => ({ brokerMs: monotonicMs + ahead.broker, monotonicMs, hostMs: monotonicMs + ahead.host }),
    stamps: () => ({ sentAtMs: monotonicMs + ahead.edge, storedAtMs: monotonicMs + ahead.broker }),
    pass(ms) {
      monotonicMs += ms;
    },
    set(whose, byMs) {
      ahead[whose] += byMs;
    },
  };
}
