/**
 * Sessions that said goodbye, remembered for a TTL: a beacon that overtakes nothing, a repeat or
 * a straggler of a session that has left, must not bring it back as a ghost. Bounded.
 */
import type { Sequence } from './sequence.ts';

type Departure = { readonly sequence: Sequence; readonly forgetAtMs: number };

export type Departed = { readonly byKey: Map<string, Departure>; readonly max: number };

export function createDeparted(max: number): Departed {
  return { byKey: new Map(), max };
}

export function remember(departed: Departed, key: string, sequence: Sequence, forgetAtMs: number): void {
  // Deleted first, so that the map's order is the order of leaving.
  departed.byKey.delete(key);
  departed.byKey.set(key, { sequence, forgetAtMs });
  if (departed.byKey.size <= departed.max) return;
  for (const [oldest] of departed.byKey) {
    departed.byKey.delete(oldest);
    break;
  }
}

export function recall(departed: Departed, key: string): Sequence | undefined {
  return departed.byKey.get(key)?.sequence;
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
