/** What fits into a beacon, in bytes as they are on the wire. Pure. */
import { type Beacon, LIMITS } from '../shared/beacon.ts';

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * The beacon as JSON, with as many of the first peers as the limits of the wire let through.
 * @param room bytes, at most {@link LIMITS}' `bodyBytes`
 */
export function fitBeacon(beacon: Beacon & { token: string }, room: number): string {
  let peers = beacon.peers.slice(0, LIMITS.peers);
  for (;;) {
    const text = JSON.stringify({ ...beacon, peers }, finite);
    const bytes = bytesOf(text);
    if (bytes <= room || !peers.length) return text;
    // One by one would write 60 kB up to 64 times.
    peers = peers.slice(0, Math.min(-1, Math.floor(peers.length * (room / bytes - 1))));
  }
}

/** JSON has no NaN, and `null` in its place would cost the whole beacon. */
function finite(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? undefined : value;
}
