/** Fits a beacon into its limit, in bytes on the wire. Pure. */
import { type Beacon, PEERS_MAX } from '../shared/beacon.ts';

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/**
 * The beacon as JSON, with as many of the first peers as fit; `state` says how many don't.
 * @param room bytes
 */
export function fitBeacon(beacon: Beacon & { token: string }, room: number): string {
  let peers = beacon.peers.slice(0, PEERS_MAX);
  for (;;) {
    const omitted_peers = beacon.peers.length - peers.length;
    const state = omitted_peers ? { ...beacon.state, omitted_peers } : beacon.state;
    const text = JSON.stringify({ ...beacon, peers, state }, finite);
    const bytes = bytesOf(text);
    if (bytes <= room || !peers.length) return text;
    // Removing them one by one would serialize 60 kB up to 64 times.
    peers = peers.slice(0, Math.min(peers.length - 1, (peers.length * room) / bytes));
  }
}

/** JSON has no NaN, and the worker would reject the whole beacon for a `null` in its place. */
function finite(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? undefined : value;
}
