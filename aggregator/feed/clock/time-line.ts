/**
 * One line of time for what several brokers store. Their clocks differ, by seconds where nobody keeps them together, so
 * that a time of one says nothing among the times of another. An age does: how long ago a message was stored, by the
 * clock of the broker that stored it, is how long ago it was. Pure.
 */
import type { BrokerClock } from './broker-clock.ts';

/** The clock of a broker, as far as the line reads it. */
export type ReadableClock = Pick<BrokerClock, 'timeAt'>;

export type TimeLine = {
  /** The time now, ms since the epoch; NaN before any broker's clock was seen. */
  timeAt(monotonicMs: number): number;
  /**
   * To be called for each broker before any time is asked for. The line goes by the clock of the first one in this order
   * that is known when it is asked for the first time, and keeps to it, also when that broker is lost: a line that
   * changed its clock would make everybody seconds older or younger.
   * @returns where on the line a time of the broker is: as long ago as it is by the broker's own clock
   */
  add(clock: ReadableClock): (brokerMs: number) => number;
};

export function createTimeLine(): TimeLine {
  const clocks: ReadableClock[] = [];
  let chosen: ReadableClock | undefined;

  function reference(): ReadableClock | undefined {
    chosen ??= clocks.find((clock) => !Number.isNaN(clock.timeAt(0)));
    return chosen;
  }

  return {
    timeAt: (monotonicMs) => reference()?.timeAt(monotonicMs) ?? Number.NaN,
    add(clock) {
      clocks.push(clock);
      return (brokerMs) => {
        const line = reference();
        if (line === undefined) return Number.NaN;
        return line === clock ? brokerMs : brokerMs + (line.timeAt(0) - clock.timeAt(0));
      };
    },
  };
}
