/**
 * A timing wheel (Varghese & Lauck, SOSP 1987): sessions in the order in which they expire, with
 * constant cost to refresh one, and expiry proportional to what expires.
 */

/** Items carry their own links, so refreshing allocates nothing. */
export type Expiring<T> = { due: number; previous: T | undefined; next: T | undefined };

export type Wheel<T> = {
  /** Puts an unscheduled item where it comes due at `atMs`, never earlier and at most {@link SLOT_MS} later. */
  schedule(item: T, atMs: number): void;
  unschedule(item: T): void;
  /** One item that is due at `nowMs`, still scheduled, or undefined. Skips empty slots once. */
  nextDue(nowMs: number): T | undefined;
};

/** Items of one slot come due together. */
export const SLOT_MS = 250;

/** @param spanMs the furthest that anything is scheduled ahead */
export function createWheel<T extends Expiring<T>>(spanMs: number): Wheel<T> {
  const slots = new Array<T | undefined>(Math.ceil(spanMs / SLOT_MS) + 3).fill(undefined);
  /** The next slot to look at, counted since the epoch. */
  let hand = 0;

  return {
    schedule(item, atMs) {
      const due = Math.max(Math.ceil(atMs / SLOT_MS), hand);
      const slot = due % slots.length;
      const head = slots[slot];
      item.due = due;
      item.previous = undefined;
      item.next = head;
      if (head) head.previous = item;
      slots[slot] = item;
    },
    unschedule(item) {
      if (item.previous) item.previous.next = item.next;
      else slots[item.due % slots.length] = item.next;
      if (item.next) item.next.previous = item.previous;
      item.previous = undefined;
      item.next = undefined;
    },
    nextDue(nowMs) {
      const now = Math.floor(nowMs / SLOT_MS);
      // After a long pause one turn of the wheel passes every slot.
      if (now - hand > slots.length) hand = now - slots.length;
      for (; hand <= now; hand++) {
        // Only after a long pause does a slot hold what is due beside what comes due a turn later.
        for (let item = slots[hand % slots.length]; item; item = item.next) {
          if (item.due <= now) return item;
        }
      }
      return undefined;
    },
  };
}
