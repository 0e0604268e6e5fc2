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
  /** The same by its slot, as {@link slotAt} numbers them. */
  scheduleIn(item: T, slot: number): void;
  unschedule(item: T): void;
  /** One item that is due at `nowMs`, still scheduled, or undefined. Skips empty slots once. */
  nextDue(nowMs: number): T | undefined;
};

/** Items of one slot come due together. */
export const SLOT_MS = 250;

/** The slot in which something comes due that is scheduled at `atMs`: the low 32 bits of its number. */
export function slotAt(atMs: number): number {
  return Math.ceil(atMs / SLOT_MS) | 0;
}

/** Whether what is in the slot is due, as {@link Wheel.nextDue} has it. */
export function isDue(slot: number, nowMs: number): boolean {
  return !isBefore(Math.floor(nowMs / SLOT_MS) | 0, slot);
}

/** Whether a slot comes before another one, which is within years of it. */
function isBefore(slot: number, other: number): boolean {
  return ((slot - other) | 0) < 0;
}

/** @param spanMs the furthest that anything is scheduled ahead */
export function createWheel<T extends Expiring<T>>(spanMs: number): Wheel<T> {
  // A power of two, so that the low bits of a slot's number are its place.
  const count = 2 ** Math.ceil(Math.log2(spanMs / SLOT_MS + 3));
  const last = count - 1;
  const slots = new Array<T | undefined>(count).fill(undefined);
  /** The next slot to look at, counted since the epoch; 0 before the first look. */
  let hand = 0;

  function scheduleIn(item: T, slot: number): void {
    const due = hand > 0 && isBefore(slot, hand | 0) ? hand | 0 : slot;
    const place = due & last;
    const head = slots[place];
    item.due = due;
    item.previous = undefined;
    item.next = head;
    if (head) head.previous = item;
    slots[place] = item;
  }

  return {
    schedule: (item, atMs) => scheduleIn(item, slotAt(atMs)),
    scheduleIn,
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
          if (!isBefore(now | 0, item.due)) return item;
        }
      }
      return undefined;
    },
  };
}
