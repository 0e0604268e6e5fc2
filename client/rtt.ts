/** RTT from the selected candidate pairs of the session's connections, and the samples waiting for a beacon. Pure: the clock is an argument. */
import { RTT_SAMPLES_MAX, RTT_SECONDS_MAX } from '../shared/beacon.ts';
import type { Stat } from './stats.ts';

export type Rtt = {
  /**
   * Reads the selected pairs of all connections, and adds a sample when one has a new measurement.
   * @param pairs by a key of connection and pair: a new pair starts a new measurement
   * @returns the key of the worst connection
   */
  read(pairs: ReadonlyMap<string, Stat>, nowMs: number): string | undefined;
  /** Adds a sample in seconds; anything else is ignored. */
  add(seconds: number, nowMs: number): void;
  /** The newest sample. */
  readonly newest: number | undefined;
  /** The samples since the last call, newest last; if there is none, the newest one again while it is recent enough. */
  take(nowMs: number): number[] | undefined;
  /** Returns samples that were taken but not delivered. */
  giveBack(samples: readonly number[] | undefined): void;
};

type Reading = { readonly key: string; readonly total: number; readonly responses: number; readonly seconds: number };

/**
 * A pair in use is checked at least every 2.5 s, and an RTT that is much older says nothing. Until then it is repeated: a
 * beacon that is sent at once may precede the next check, and without an RTT the session's would become unknown.
 */
const STALE_MS = 10_000;

export function createRtt(): Rtt {
  let readings = new Map<string, Reading>();
  let waiting: number[] = [];
  let newest: number | undefined;
  let newestAtMs = Number.NEGATIVE_INFINITY;

  const keepNewest = (samples: number[]) => {
    waiting = samples.slice(-RTT_SAMPLES_MAX);
  };

  const rtt: Rtt = {
    read(pairs, nowMs) {
      const before = readings;
      readings = new Map();
      let isFresh = false;
      let worst: Reading | undefined;
      for (const [key, pair] of pairs) {
        let reading = before.get(key);
        const [total, responses = 0] = [pair.totalRoundTripTime, pair.responsesReceived] as [number, number?];
        const answered = responses - (reading?.responses ?? 0);
        if (!reading || !responses || answered) {
          // `currentRoundTripTime` is a single check, so it is used only when there is no difference to take.
          const average = (total - (reading?.total ?? Number.NaN)) / answered;
          const seconds = average > 0 ? average : (pair.currentRoundTripTime as number);
          if (!(seconds >= 0)) continue;
          reading = { key, total, responses, seconds };
          isFresh = true;
        }
        readings.set(key, reading);
        if (reading.seconds >= (worst?.seconds ?? 0)) worst = reading;
      }
      if (isFresh) rtt.add(worst?.seconds as number, nowMs);
      return worst?.key;
    },
    add(seconds, nowMs) {
      // The worker would reject the whole beacon, for example for a ping that was under way while the machine slept.
      if (!(seconds >= 0 && seconds <= RTT_SECONDS_MAX)) return;
      // Microseconds: anything finer is noise, and each digit costs a byte.
      newest = Math.round(seconds * 1e6) / 1e6;
      newestAtMs = nowMs;
      keepNewest([...waiting, newest]);
    },
    take(nowMs) {
      const taken = waiting.length || nowMs - newestAtMs > STALE_MS ? waiting : [newest as number];
      waiting = [];
      return taken.length ? taken : undefined;
    },
    get newest() {
      return newest;
    },
    giveBack: (samples = []) => keepNewest([...samples, ...waiting]),
  };
  return rtt;
}
