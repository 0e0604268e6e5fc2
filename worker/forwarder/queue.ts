/**
 * Group commit: whatever arrives while one batch is on its way forms the next. Nothing is held back
 * for company, so a quiet lane adds no delay and a busy one fills its batches by itself. Sending, and
 * what happens to a batch that can't be sent, is the outbox's.
 */
import type { ForwardAnswer } from '../forward/call.ts';

/** A batch on NATS; its bytes stay well below nats-server's default `max_payload` of 1 MB. */
export const BATCH_LIMITS = { beacons: 256, bytes: 512_000 } as const;

/** What may wait for the batch on its way; over it the lane answers `unavailable`. */
export const QUEUE_LIMITS = { beacons: 16_384, bytes: 16_000_000 } as const;

export type Limits = { readonly beacons: number; readonly bytes: number };

/** Entries that travel together, oldest first; `bytes` is what they fill in an envelope. */
export type Batch = {
  entries: string[];
  bytes: number;
  /** When its oldest entry arrived, ms since the epoch. */
  receivedAtMs: number;
  /** Answers every caller whose entries are in the batch. */
  answer(answer: ForwardAnswer): void;
};

export type BatchQueue = {
  /** Adds entries that are answered together; at most one batch's worth, see {@link splitEntries}. */
  add(entries: readonly string[], receivedAtMs: number): Promise<ForwardAnswer>;
  /** The next batch within the limits, in order of arrival; undefined when nothing waits. */
  take(): Batch | undefined;
};

type Waiting = {
  entries: readonly string[];
  bytes: number;
  receivedAtMs: number;
  answer(answer: ForwardAnswer): void;
};

export function createBatchQueue(batchLimits: Limits = BATCH_LIMITS, queueLimits: Limits = QUEUE_LIMITS): BatchQueue {
  const waiting: Waiting[] = [];
  let beacons = 0;
  let bytes = 0;

  function add(entries: readonly string[], receivedAtMs: number): Promise<ForwardAnswer> {
    const size = bytesOf(entries);
    if (beacons + entries.length > queueLimits.beacons || bytes + size > queueLimits.bytes) {
      return Promise.resolve({ ok: false, reason: 'unavailable' });
    }
    beacons += entries.length;
    bytes += size;
    return new Promise((resolve) => {
      waiting.push({ entries, bytes: size, receivedAtMs, answer: resolve });
    });
  }

  function take(): Batch | undefined {
    const taken: Waiting[] = [];
    const entries: string[] = [];
    let size = 0;
    for (const next of waiting) {
      const over = entries.length + next.entries.length > batchLimits.beacons || size + next.bytes > batchLimits.bytes;
      if (over && taken.length > 0) break;
      taken.push(next);
      entries.push(...next.entries);
      size += next.bytes;
    }
    const [oldest] = taken;
    if (!oldest) return undefined;
    waiting.splice(0, taken.length);
    beacons -= entries.length;
    bytes -= size;
    return {
      entries,
      bytes: size,
      receivedAtMs: oldest.receivedAtMs,
      answer: (answer) => {
        for (const caller of taken) caller.answer(answer);
      },
    };
  }

  return { add, take };
}

/** Cuts one call's entries into parts that each fit a batch; an entry too large for any has one of its own. */
export function splitEntries(entries: readonly string[], limits: Limits = BATCH_LIMITS): string[][] {
  const parts: string[][] = [];
  let part: string[] = [];
  let size = 0;
  for (const entry of entries) {
    const bytes = bytesOf([entry]);
    if (part.length > 0 && (part.length === limits.beacons || size + bytes > limits.bytes)) {
      parts.push(part);
      part = [];
      size = 0;
    }
    part.push(entry);
    size += bytes;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** An entry is ids, numbers and a server's origin, so its characters are its bytes; one more for its comma. */
export function bytesOf(entries: readonly string[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.length + 1;
  return bytes;
}
