/**
 * Posts the fleet's beacons over HTTP, as clients do: one of a session at a time, a bounded number
 * in all, a bounded queue behind them, and a pause when the edge asks for one (429, 503) or can't be reached.
 */
import type { Beacon } from '../shared/beacon.ts';

export const POSTER_LIMITS = { inFlight: 16, queue: 1_000, requestMs: 10_000 } as const;

export type Outgoing = { readonly region: string; readonly beacon: Beacon };

export type PosterOptions = {
  /** The worker's base address. */
  readonly url: string;
  /** A token for the beacon's session. */
  readonly tokenFor: (beacon: Beacon) => Promise<string>;
  /** Called once for each status that a valid beacon should not get. */
  readonly report: (line: string) => void;
};

export type Poster = { post(outgoing: Outgoing): void; stop(): void };

export function createPoster({ url, tokenFor, report }: PosterOptions): Poster {
  const queue: Outgoing[] = [];
  const reported = new Set<number>();
  const abort = new AbortController();
  /** Sessions with a beacon on the way: the next one waits, so that they arrive in order. */
  const busy = new Set<string>();
  let pauseTimer: NodeJS.Timeout | undefined;

  const send = async ({ region, beacon }: Outgoing): Promise<Response> => {
    const response = await fetch(`${url}/v1/beacons`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'x-dev-region': region },
      body: JSON.stringify({ ...beacon, token: await tokenFor(beacon) }),
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout(POSTER_LIMITS.requestMs)]),
    });
    await response.body?.cancel();
    return response;
  };

  const deliver = async (outgoing: Outgoing) => {
    const response = await send(outgoing).catch(() => undefined);
    busy.delete(outgoing.beacon.session_id);
    if (abort.signal.aborted) return;
    const status = response?.status ?? 503;
    if (status === 429 || status === 503) {
      queue.unshift(outgoing);
      pause(retryAfterMs(response?.headers.get('retry-after')));
    } else if (status !== 204 && !reported.has(status)) {
      reported.add(status);
      report(`the worker rejected a beacon with status ${status}`);
    }
    pump();
  };

  const pump = () => {
    while (pauseTimer === undefined && busy.size < POSTER_LIMITS.inFlight) {
      const index = queue.findIndex(({ beacon }) => !busy.has(beacon.session_id));
      const [next] = index < 0 ? [] : queue.splice(index, 1);
      if (!next) return;
      busy.add(next.beacon.session_id);
      void deliver(next);
    }
  };

  const pause = (ms: number) => {
    clearTimeout(pauseTimer);
    pauseTimer = setTimeout(() => {
      pauseTimer = undefined;
      pump();
    }, ms);
  };

  return {
    post(outgoing) {
      queue.push(outgoing);
      // The oldest figures are worth least.
      if (queue.length > POSTER_LIMITS.queue) queue.shift();
      pump();
    },
    stop() {
      queue.length = 0;
      clearTimeout(pauseTimer);
      abort.abort();
    },
  };
}

/** Milliseconds to wait; 1 s when the answer doesn't say, at most a minute. */
export function retryAfterMs(header: string | null | undefined): number {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(60, seconds) * 1000 : 1_000;
}
