/**
 * A timing wheel (Varghese & Lauck, SOSP 1987): sessions in the order in which they expire, with
 * constant cost to refresh one, and expiry proportional to what expires.
 */

/**
 * Items carry their own links, so refreshing allocates nothing. `due` is the low 32 bits of its slot's number, which is
 * enough to tell two apart within 17 years: the whole number would take a box of 16 bytes beside each session.
 */
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
  // A power of two, so that the low bits of a slot's number are its place.
  const count = 2 ** Math.ceil(Math.log2(spanMs / SLOT_MS + 3));
  const last = count - 1;
  const slots = new Array<T | undefined>(count).fill(undefined);
  /** The next slot to look at, counted since the epoch. */
  let hand = 0;

  return {
    schedule(item, atMs) {
      const due = Math.max(Math.ceil(atMs / SLOT_MS), hand) | 0;
      const slot = due & last;
      const head = slots[slot];
      item.due = due;
      item.previous = undefined;
      item.next = head;
      if (head) head.previous = item;
      slots[slot] = item;
    },
    unschedule(item) {
      if (item.previous) item.previous.next = item.next;
      else slots[item.due & last] = item.next;
      if (item.next) item.next.previous = item.previous;
      item.previous = undefined;
      item.next = undefined;
    },
    nextDue(nowMs) {
      const now = Math.floor(nowMs / SLOT_MS);
      // After a long pause one turn of the wheel passes every slot.
      if (now - hand > count) hand = now - count;
      for (; hand <= now; hand++) {
        // Only after a long pause does a slot hold what is due beside what comes due a turn later.
        for (let item = slots[hand & last]; item; item = item.next) {
          if (((now - item.due) | 0) >= 0) return item;
        }
      }
      return undefined;
    },
  };
}
