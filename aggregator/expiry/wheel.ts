/**
 * A timing wheel (Varghese & Lauck, SOSP 1987): sessions in the order in which they expire, with
 * constant cost to refresh one, and a cost of expiry that depends on what expires alone.
 */

export const TICK_MS = 250;

/** What can be scheduled carries its own links, so that refreshing allocates nothing. */
export type Expiring<T> = { due: number; previous: T | undefined; next: T | undefined };

export type Wheel<T> = {
  readonly slots: (T | undefined)[];
  /** The next tick to look at. */
  tick: number;
};

/** @param spanMs the furthest that anything is scheduled ahead */
export function createWheel<T>(spanMs: number): Wheel<T> {
  return { slots: new Array<T | undefined>(Math.ceil(spanMs / TICK_MS) + 2).fill(undefined), tick: 0 };
}

/** Puts an unscheduled item where it comes due at `atMs`, never earlier and at most a tick later. */
export function schedule<T extends Expiring<T>>(wheel: Wheel<T>, item: T, atMs: number): void {
  const due = Math.max(Math.ceil(atMs / TICK_MS), wheel.tick);
  const slot = due % wheel.slots.length;
  const head = wheel.slots[slot];
  item.due = due;
  item.previous = undefined;
  item.next = head;
  if (head) head.previous = item;
  wheel.slots[slot] = item;
}

export function unschedule<T extends Expiring<T>>(wheel: Wheel<T>, item: T): void {
  if (item.previous) item.previous.next = item.next;
  else wheel.slots[item.due % wheel.slots.length] = item.next;
  if (item.next) item.next.previous = item.previous;
  item.previous = undefined;
  item.next = undefined;
}

/** One item that is due at `nowMs`, still scheduled, or undefined. Skips empty slots once. */
export function nextDue<T extends Expiring<T>>(wheel: Wheel<T>, nowMs: number): T | undefined {
  const now = Math.floor(nowMs / TICK_MS);
  // After a long pause one turn of the wheel passes every slot.
  if (now - wheel.tick > wheel.slots.length) wheel.tick = now - wheel.slots.length;
  for (; wheel.tick <= now; wheel.tick++) {
    // Only after a long pause does a slot hold what is due beside what comes due a turn later.
    for (let item = wheel.slots[wheel.tick % wheel.slots.length]; item; item = item.next) {
      if (item.due <= now) return item;
    }
  }
  return undefined;
}
