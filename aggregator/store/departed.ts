/**
 * Sessions that said goodbye, remembered for a TTL: a repeat or a straggler of a session that has
 * left must not bring it back as a ghost. Bounded.
 */
import type { Sequence } from './sequence.ts';

/** `leftAtMs` by the edge's clock, `forgetAtMs` by ours. */
export type Departure = { readonly sequence: Sequence; readonly leftAtMs: number; readonly forgetAtMs: number };

/**
 * A page that closes may fire one more event, and with it one more beacon, after its goodbye. A page
 * that was restored from the browser's cache goes on later than that.
 */
const AFTERTHOUGHT_MS = 2_000;

export type Departed = { readonly byKey: Map<string, Departure>; readonly max: number };

export function createDeparted(max: number): Departed {
  return { byKey: new Map(), max };
}

export function remember(departed: Departed, key: string, departure: Departure): void {
  // Deleted first, so that the map's order is the order of leaving.
  departed.byKey.delete(key);
  departed.byKey.set(key, departure);
  if (departed.byKey.size <= departed.max) return;
  for (const [oldest] of departed.byKey) {
    departed.byKey.delete(oldest);
    break;
  }
}

export function recall(departed: Departed, key: string): Departure | undefined {
  return departed.byKey.get(key);
}

/** Whether a beacon with a new number belongs to the goodbye rather than to a session that goes on. */
export function isAfterthought({ leftAtMs }: Departure, receivedAtMs: number): boolean {
  return receivedAtMs - leftAtMs < AFTERTHOUGHT_MS;
}

export function forget(departed: Departed, key: string): void {
  departed.byKey.delete(key);
}

/** Forgets at most `limit` of those whose time is over. @returns how many */
export function forgetDue(departed: Departed, nowMs: number, limit: number): number {
  let forgotten = 0;
  for (const [key, { forgetAtMs }] of departed.byKey) {
    if (forgetAtMs > nowMs || forgotten === limit) break;
    departed.byKey.delete(key);
    forgotten++;
  }
  return forgotten;
}
