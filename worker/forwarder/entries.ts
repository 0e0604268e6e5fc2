/** Concatenated entries, with the lengths to split them and the session of each. */

/** Beacons in order of arrival; the n-th of each list is the n-th beacon's. */
export type Entries = {
  /** Each as `encodeEntry` made it. */
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
  /** `{meeting_id}/{session_id}`. */
  readonly sessions: readonly string[];
};

export function joinEntries(parts: readonly Entries[]): Entries {
  const [only] = parts;
  if (parts.length === 1 && only) return only;
  return {
    bytes: joinBytes(parts.map(({ bytes }) => bytes)),
    lengths: parts.flatMap(({ lengths }) => lengths),
    sessions: parts.flatMap(({ sessions }) => sessions),
  };
}

export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** The entries from `start` up to `end`; shares the bytes. */
export function sliceEntries({ bytes, lengths, sessions }: Entries, start: number, end: number): Entries {
  const from = sum(lengths, 0, start);
  return {
    bytes: bytes.subarray(from, from + sum(lengths, start, end)),
    lengths: lengths.slice(start, end),
    sessions: sessions.slice(start, end),
  };
}

/** How many of the first entries fit into `bytesMax`. */
export function countFitting({ lengths }: Entries, bytesMax: number): number {
  let bytes = 0;
  for (let i = 0; i < lengths.length; i++) {
    bytes += lengths[i] ?? 0;
    if (bytes > bytesMax) return i;
  }
  return lengths.length;
}

function sum(lengths: readonly number[], start: number, end: number): number {
  let total = 0;
  for (let i = start; i < end; i++) total += lengths[i] ?? 0;
  return total;
}
