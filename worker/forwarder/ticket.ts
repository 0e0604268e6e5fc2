/** The answer to one call, complete once each of its parts is safe or rejected. */
import type { ForwardAnswer, ForwardRejectReason, RejectedBeacon } from '../forward/call.ts';

export type Ticket = {
  /** Adds a part that must be settled. */
  expect(): void;
  /** Settles a part; `rejected` are indexes in the call. */
  settle(rejected?: readonly number[], reason?: ForwardRejectReason): void;
  readonly answer: Promise<ForwardAnswer>;
};

export function createTicket(): Ticket {
  const { promise, resolve } = Promise.withResolvers<ForwardAnswer>();
  const rejected: RejectedBeacon[] = [];
  let expected = 0;
  return {
    expect() {
      expected += 1;
    },
    settle(indexes = [], reason = 'unavailable') {
      for (const index of indexes) rejected.push({ index, reason });
      expected -= 1;
      if (expected === 0) resolve({ rejected });
    },
    answer: promise,
  };
}
