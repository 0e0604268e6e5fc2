/** What was heard of a region in each of its sources, and when it was lost: what {@link judgeHearing} judges by. Pure. */
import { parseForwarderSubject, parseMediaSubject } from '../../../shared/subjects.ts';
import type { FeedMessage } from '../source/ordered-consumer.ts';
import type { HeardSource } from './hearing.ts';

/** Of one source. Times are on the one line, ms since the epoch. */
export type Evidence = Omit<HeardSource, 'state'> & {
  /** Messages that were read since the process started, without the history. */
  readonly messages: number;
  /** A message was read. @param timestampMs when it was stored */
  note(message: Pick<FeedMessage, 'subject' | 'isHistory'>, timestampMs: number): void;
  /** Nothing is read since then. */
  lost(sinceMs: number): void;
  /** What is from after the time now was stored before the clock was set back: it must not seem new until that time comes. */
  clockIs(nowMs: number): void;
};

export function createEvidence(): Evidence {
  /** Bounded, since slots are. */
  const forwarders = new Map<number, number>();
  let newestMs = Number.NEGATIVE_INFINITY;
  let mediaMs = Number.NEGATIVE_INFINITY;
  let lostMs = Number.NaN;
  let messages = 0;

  return {
    forwarders,
    get newestMs() {
      return newestMs;
    },
    get mediaMs() {
      return mediaMs;
    },
    get lostMs() {
      return lostMs;
    },
    get messages() {
      return messages;
    },
    note({ subject, isHistory }, timestampMs) {
      newestMs = Math.max(newestMs, timestampMs);
      if (!isHistory) messages++;
      const slot = parseForwarderSubject(subject)?.slot;
      if (slot !== undefined) forwarders.set(slot, Math.max(forwarders.get(slot) ?? 0, timestampMs));
      else if (parseMediaSubject(subject)) mediaMs = Math.max(mediaMs, timestampMs);
    },
    lost(sinceMs) {
      lostMs = sinceMs;
    },
    clockIs(nowMs) {
      if (!(newestMs > nowMs || lostMs > nowMs)) return;
      newestMs = Math.min(newestMs, nowMs);
      mediaMs = Math.min(mediaMs, nowMs);
      lostMs = Math.min(lostMs, nowMs);
      for (const [slot, heardMs] of forwarders) forwarders.set(slot, Math.min(heardMs, nowMs));
    },
  };
}
